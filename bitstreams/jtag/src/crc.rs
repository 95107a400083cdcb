//! The CRC of bitstreams.

/// CRC-16 with polynomial 0x8005, most significant bit first, starting at 0 (Lattice FPGA-TN-02039, "bitstream CRC").
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crc16(u16);

const TABLE: [u16; 256] = table();

const fn table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x8005 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

impl Crc16 {
    /// Takes one more byte.
    pub fn update(&mut self, byte: u8) {
        self.0 = (self.0 << 8) ^ TABLE[usize::from((self.0 >> 8) as u8 ^ byte)];
    }

    /// The checksum of what was taken since the start.
    pub fn value(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue() {
        // CRC-16/UMTS (also "BUYPASS") in the catalogue of parametrised CRC algorithms: 0xfee8 for "123456789".
        let mut crc = Crc16::default();
        b"123456789".iter().for_each(|&byte| crc.update(byte));
        assert_eq!(crc.value(), 0xfee8);
    }
}
