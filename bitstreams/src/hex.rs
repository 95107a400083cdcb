//! Numbers and hashes that are hexadecimal text in files.

use std::fmt;

use serde::{de::Error, Deserialize, Deserializer, Serialize, Serializer};

/// Lower-case hexadecimal digits.
pub fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of exactly so many lower-case digits.
pub fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(out)
}

macro_rules! hex {
    ($name:ident, $bytes:literal, $prefix:literal, $from:expr, $to:expr, $inner:ty, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub $inner);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}{}", $prefix, text(&$to(self.0)))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$name, D::Error> {
                let text = String::deserialize(deserializer)?;
                let digits = text.strip_prefix($prefix).and_then(bytes::<$bytes>);
                let expected =
                    concat!("expected \"", $prefix, "\" and ", $bytes, " bytes as lower-case hexadecimal digits");
                digits.map(|digits| $name($from(digits))).ok_or_else(|| Error::custom(expected))
            }
        }
    };
}

hex!(Hex32, 4, "0x", u32::from_be_bytes, u32::to_be_bytes, u32, "32 bits as `0x` and eight digits.");
hex!(Hex64, 8, "0x", u64::from_be_bytes, u64::to_be_bytes, u64, "64 bits as `0x` and sixteen digits.");
hex!(Sha, 32, "", <[u8; 32]>::from, <[u8; 32]>::from, [u8; 32], "32 bytes as 64 digits: a SHA-256, a key.");
hex!(Signed, 64, "", <[u8; 64]>::from, <[u8; 64]>::from, [u8; 64], "64 bytes as 128 digits: an ed25519 signature.");
