//! Compressed frames: a prefix code with four cases (Project Trellis, "bitstream format").

/// Turns the bits of a compressed frame into bytes.
#[derive(Clone, Debug, Default)]
pub struct Decompressor {
    /// The eight bytes of `LSC_WRITE_COMP_DIC`.
    pub dictionary: [u8; 8],
    code: u16,
    bits: u8,
}

impl Decompressor {
    /// One bit; the byte that it completes.
    pub fn push(&mut self, bit: bool) -> Option<u8> {
        self.code = self.code << 1 | u16::from(bit);
        self.bits += 1;
        let byte = match (self.bits, self.code) {
            // 0: a zero byte.
            (1, 0) => 0,
            // 100n: one bit set. 101n: from the dictionary.
            (6, code) if code >> 4 == 0b10 => match code >> 3 & 1 {
                0 => 1 << (code & 7),
                _ => self.dictionary[usize::from(code & 7)],
            },
            // 11bbbbbbbb: a byte as it is.
            (10, code) => code as u8,
            _ => return None,
        };
        self.restart();
        Some(byte)
    }

    /// What is left of a byte behind a frame is padding.
    pub fn restart(&mut self) {
        self.code = 0;
        self.bits = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_case() {
        let mut d = Decompressor { dictionary: [0xa0, 1, 2, 3, 4, 5, 6, 0xa7], ..Decompressor::default() };
        let bits = "0 100101 101111 1111001010 101000 0";
        let bytes: Vec<u8> = bits.bytes().filter(|b| *b != b' ').filter_map(|b| d.push(b == b'1')).collect();
        assert_eq!(bytes, [0, 0b10_0000, 0xa7, 0b1100_1010, 0xa0, 0]);
    }
}
