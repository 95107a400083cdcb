//! Frames on a line of bytes: see docs/serial.md.

use hotloop_regs::link::{CRC_POLYNOMIAL, CRC_RESIDUE, ESCAPE, FLAG, FLIP};

/// The longest frame, CRC included: a write of the longest burst. What is longer is none.
const MOST: usize = 16 + 9 * hotloop_regs::link::BURST_WORDS;
/// Bytes of the CRC.
const CRC: usize = 4;

/// The CRC's register after `bytes`.
fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ CRC_POLYNOMIAL } else { crc >> 1 })
    })
}

/// A frame of `kind` and `number` as it goes over the line.
pub(super) fn encode(kind: u8, number: u8, body: &[u8]) -> Vec<u8> {
    let mut plain = vec![kind, number];
    plain.extend_from_slice(body);
    plain.extend((!crc(&plain)).to_le_bytes());
    let mut line = vec![FLAG];
    for byte in plain {
        match byte {
            FLAG | ESCAPE => line.extend([ESCAPE, byte ^ FLIP]),
            _ => line.push(byte),
        }
    }
    line.push(FLAG);
    line
}

/// A frame that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub kind: u8,
    pub number: u8,
    pub body: Vec<u8>,
}

/// Finds frames in bytes.
#[derive(Default)]
pub(super) struct Decoder {
    bytes: Vec<u8>,
    escaped: bool,
    /// What stands between two flags and is no frame.
    pub garbled: u64,
}

impl Decoder {
    /// Takes a byte; gives the frame that it ends.
    pub fn push(&mut self, byte: u8) -> Option<Frame> {
        match byte {
            FLAG => return self.end(),
            ESCAPE => self.escaped = true,
            _ => {
                let flip = if std::mem::take(&mut self.escaped) { FLIP } else { 0 };
                // One more than there may be is enough to know.
                if self.bytes.len() <= MOST {
                    self.bytes.push(byte ^ flip);
                }
            }
        }
        None
    }

    fn end(&mut self) -> Option<Frame> {
        let (bytes, escaped) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.escaped));
        if bytes.is_empty() && !escaped {
            return None;
        }
        match bytes.split_last_chunk::<CRC>() {
            Some(([kind, number, body @ ..], _)) if !escaped && bytes.len() <= MOST && crc(&bytes) == CRC_RESIDUE => {
                Some(Frame { kind: *kind, number: *number, body: body.to_vec() })
            }
            _ => {
                self.garbled += 1;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_crc_is_the_known_one() {
        assert_eq!(!crc(b"123456789"), 0xcbf4_3926);
    }

    proptest! {
        #[test]
        fn frames_survive_garbage_before_them(
            noise in prop::collection::vec(any::<u8>(), 0..40), kind: u8, number: u8,
            body in prop::collection::vec(any::<u8>(), 0..2300),
        ) {
            let mut decoder = Decoder::default();
            for byte in noise {
                // A frame may be hidden in noise once in 2^32 times.
                prop_assert_eq!(decoder.push(byte), None);
            }
            let frames: Vec<Frame> =
                encode(kind, number, &body).into_iter().filter_map(|byte| decoder.push(byte)).collect();
            prop_assert_eq!(frames, vec![Frame { kind, number, body }]);
        }

        #[test]
        fn a_changed_byte_is_noticed(body in prop::collection::vec(any::<u8>(), 0..60), at: prop::sample::Index, by in 1u8..) {
            let mut line = encode(2, 3, &body);
            let at = 1 + at.index(line.len() - 2);
            line[at] ^= by;
            let mut decoder = Decoder::default();
            prop_assert!(line.into_iter().all(|byte| decoder.push(byte).is_none()));
            prop_assert!(decoder.garbled > 0);
        }
    }
}
