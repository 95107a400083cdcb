//! What an image says about itself: the part it is for.

/// An image's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The IDCODE that the part compares with its own before it takes the image.
    pub idcode: u32,
    /// The part's name in the header, where there is one.
    pub part: Option<String>,
    /// The USERID in the header of a Xilinx file: the lower half of the build's identity.
    pub user_id: Option<u32>,
    /// Version of the tool in the header of a Xilinx file.
    pub version: Option<String>,
}

impl Image {
    fn bare(idcode: u32) -> Image {
        Image { idcode, part: None, user_id: None, version: None }
    }
}

/// Why an image was not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ImageError {
    /// No family's first words are in it.
    #[error("neither an ECP5 nor a Xilinx bitstream: the preamble 0xffffbdb3 or the sync word 0xaa995566 is missing")]
    NoPreamble,
    /// It is encrypted, so nothing can be said about it.
    #[error("an encrypted ECP5 bitstream (preamble 0xffffbab3): it cannot be checked")]
    Encrypted,
    /// It ends in the middle of a header or a command.
    #[error("the file ends at byte {at}, in the middle of {what}: it was cut off")]
    Short {
        /// Where.
        at: usize,
        /// In what.
        what: &'static str,
    },
    /// The header of a Xilinx file is damaged.
    #[error("byte {at} of the header is not the field `{field}`")]
    Header {
        /// Where.
        at: usize,
        /// The field that should be there.
        field: char,
    },
    /// It has no check of the IDCODE before its data.
    #[error("the bitstream never compares the IDCODE before its data: it would be loaded into any part")]
    NoIdcode,
}

/// Reads the beginning of an image of either family.
pub fn inspect(bytes: &[u8]) -> Result<Image, ImageError> {
    if bytes.starts_with(&XILINX_HEADER) {
        return xilinx_bit(bytes);
    }
    // Both families put dummy bytes and comments first; whose word comes first, it is.
    let find = |word: u32| bytes.windows(4).position(|w| w == word.to_be_bytes());
    match (find(ECP5_PREAMBLE), find(ECP5_ENCRYPTED), find(XILINX_SYNC)) {
        (Some(at), encrypted, sync) if [encrypted, sync].iter().flatten().all(|&other| at < other) => {
            Ok(Image { part: ecp5_part(&bytes[..at]), ..Image::bare(ecp5_idcode(bytes, at + 4)?) })
        }
        (_, Some(at), sync) if sync.is_none_or(|sync| at < sync) => Err(ImageError::Encrypted),
        (_, _, Some(at)) => Ok(Image::bare(xilinx_idcode(bytes, at + 4)?)),
        _ => Err(ImageError::NoPreamble),
    }
}

// Lattice FPGA-TN-02039 (ECP5 sysCONFIG), appendix on the bitstream's format.
const ECP5_PREAMBLE: u32 = 0xffff_bdb3;
const ECP5_ENCRYPTED: u32 = 0xffff_bab3;
const LSC_RESET_CRC: u8 = 0x3b;
const LSC_VERIFY_ID: u8 = 0xe2;
const NO_OPERATION: u8 = 0xff;

/// The operand of the command VERIFY_ID, which stands before all others but the reset of the CRC.
fn ecp5_idcode(bytes: &[u8], mut at: usize) -> Result<u32, ImageError> {
    loop {
        match *bytes.get(at).ok_or(ImageError::Short { at, what: "the commands" })? {
            NO_OPERATION => at += 1,
            LSC_RESET_CRC => at += 4,
            LSC_VERIFY_ID => {
                let operand = bytes.get(at + 4..at + 8).ok_or(ImageError::Short { at, what: "VERIFY_ID" })?;
                return Ok(word(operand));
            }
            _ => return Err(ImageError::NoIdcode),
        }
    }
}

/// `Part: …` of the comments before the preamble, which are texts with a NUL behind each.
fn ecp5_part(comments: &[u8]) -> Option<String> {
    let texts = comments.split(|&byte| byte == 0).filter_map(|text| std::str::from_utf8(text).ok());
    texts.filter_map(|text| text.strip_prefix("Part: ")).map(str::to_owned).next()
}

/// The first field of a `.bit` file: its length and nine bytes; then the length of the next key.
const XILINX_HEADER: [u8; 13] = [0x00, 0x09, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f, 0xf0, 0x00, 0x00, 0x01];
// Xilinx UG470, tables 5-19 to 5-23, and UG570, chapter 9: packets and registers.
const XILINX_SYNC: u32 = 0xaa99_5566;
const XILINX_REGISTER_IDCODE: u32 = 0b01100;
const XILINX_REGISTER_FDRI: u32 = 0b00010;

fn xilinx_bit(bytes: &[u8]) -> Result<Image, ImageError> {
    let mut at = XILINX_HEADER.len();
    let mut texts = Vec::new();
    for field in ['a', 'b', 'c', 'd'] {
        let text = text_field(bytes, &mut at, field)?;
        texts.push(String::from_utf8_lossy(text).trim_end_matches('\0').to_owned());
    }
    expect(bytes, &mut at, 'e')?;
    let length = bytes.get(at..at + 4).map(word).ok_or(ImageError::Short { at, what: "the header" })?;
    let data = &bytes[at + 4..];
    if data.len() < length as usize {
        return Err(ImageError::Short { at: bytes.len(), what: "the data" });
    }
    let sync = data.windows(4).position(|w| w == XILINX_SYNC.to_be_bytes()).ok_or(ImageError::NoPreamble)?;
    // The first field is the design's name with options behind it: `shell;UserID=0X0123ABCD;Version=2021.1`.
    let option =
        |key: &str| texts[0].split(';').filter_map(|o| o.split_once('=')).find(|(k, _)| *k == key).map(|(_, v)| v);
    let user_id = option("UserID").and_then(|v| v.strip_prefix("0X")).and_then(|v| u32::from_str_radix(v, 16).ok());
    let version = option("Version").map(str::to_owned);
    Ok(Image { idcode: xilinx_idcode(data, sync + 4)?, part: Some(texts[1].clone()), user_id, version })
}

fn expect(bytes: &[u8], at: &mut usize, field: char) -> Result<(), ImageError> {
    match bytes.get(*at) {
        None => Err(ImageError::Short { at: *at, what: "the header" }),
        Some(&byte) if char::from(byte) == field => {
            *at += 1;
            Ok(())
        }
        Some(_) => Err(ImageError::Header { at: *at, field }),
    }
}

fn text_field<'a>(bytes: &'a [u8], at: &mut usize, field: char) -> Result<&'a [u8], ImageError> {
    expect(bytes, at, field)?;
    let short = ImageError::Short { at: *at, what: "the header" };
    let length = bytes.get(*at..*at + 2).map(|b| usize::from(b[0]) << 8 | usize::from(b[1])).ok_or(short)?;
    let text = bytes.get(*at + 2..*at + 2 + length).ok_or(short)?;
    *at += 2 + length;
    Ok(text)
}

/// Walks the packets behind the sync word to the write of register IDCODE, which must come before the frames.
fn xilinx_idcode(bytes: &[u8], mut at: usize) -> Result<u32, ImageError> {
    const WRITE: u32 = 2;
    loop {
        let header = bytes.get(at..at + 4).map(word).ok_or(ImageError::Short { at, what: "the packets" })?;
        at += 4;
        let (operation, register) = (header >> 27 & 3, header >> 13 & 0x1f);
        let words = match header >> 29 {
            1 => header & 0x7ff,
            2 => header & 0x07ff_ffff,
            // Dummy words between packets.
            _ => 0,
        };
        if header >> 29 == 1 && operation == WRITE {
            if register == XILINX_REGISTER_IDCODE && words == 1 {
                return bytes.get(at..at + 4).map(word).ok_or(ImageError::Short { at, what: "the IDCODE" });
            }
            if register == XILINX_REGISTER_FDRI {
                return Err(ImageError::NoIdcode);
            }
        }
        // Reads have no data in the file.
        if operation == WRITE {
            at = at.saturating_add(words as usize * 4);
        }
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |word, &byte| word << 8 | u32::from(byte))
}
