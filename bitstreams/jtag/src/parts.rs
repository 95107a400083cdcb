//! The parts of the family.

/// One part: what its configuration engine has to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The vendor's name, without package and speed grade.
    pub name: &'static str,
    /// JTAG IDCODE, and what a bitstream's `VERIFY_ID` must say.
    pub idcode: u32,
    /// Frames of configuration memory.
    pub frames: u16,
    /// Bits of a frame, with those that pad it to bytes.
    pub frame_bits: u16,
}

impl Part {
    /// The part with this IDCODE.
    pub fn by_idcode(idcode: u32) -> Option<Part> {
        PARTS.iter().find(|part| part.idcode == idcode).copied()
    }

    /// The part of this name.
    pub fn by_name(name: &str) -> Option<Part> {
        PARTS.iter().find(|part| part.name.eq_ignore_ascii_case(name)).copied()
    }

    /// Bytes of a frame.
    pub fn frame_bytes(self) -> usize {
        usize::from(self.frame_bits).div_ceil(8)
    }
}

const fn part(name: &'static str, idcode: u32, frames: u16, frame_bits: u16) -> Part {
    Part { name, idcode, frames, frame_bits }
}

/// Every part. IDCODEs: Lattice FPGA-TN-02039, table "ECP5 device IDs"; frames: Project Trellis, devices.json.
pub const PARTS: [Part; 10] = [
    part("LFE5U-12F", 0x2111_1043, 7562, 592),
    part("LFE5U-25F", 0x4111_1043, 7562, 592),
    part("LFE5U-45F", 0x4111_2043, 9470, 848),
    part("LFE5U-85F", 0x4111_3043, 13294, 1136),
    part("LFE5UM-25F", 0x0111_1043, 7562, 592),
    part("LFE5UM-45F", 0x0111_2043, 9470, 848),
    part("LFE5UM-85F", 0x0111_3043, 13294, 1136),
    part("LFE5UM5G-25F", 0x8111_1043, 7562, 592),
    part("LFE5UM5G-45F", 0x8111_2043, 9470, 848),
    part("LFE5UM5G-85F", 0x8111_3043, 13294, 1136),
];
