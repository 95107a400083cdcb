//! The page of an ECP5's flash that leads to the golden image.

use hotloop_regs::map::{FLASH_BLOCK_BYTES, FLASH_PAGE_BYTES};

use crate::board::{Board, Family, SlotKind};

/// What the part can address: it reads the flash by a command with 24 bits of address.
const REACH: u64 = 1 << 24;

/// Where the block of the jump page begins, and slots must end, in a flash of that size. The page owns a whole block, as
/// flashes are erased by blocks.
pub fn jump_block(flash_bytes: u64) -> u64 {
    flash_bytes.min(REACH).saturating_sub(FLASH_BLOCK_BYTES)
}

/// The jump page. Where the image at address 0 does not start, the part reads on at 0xffff00, which in a smaller flash is its
/// last page, too, and obeys the JUMP there (Lattice FPGA-TN-02203, "dual boot"; the vendor's tools and Project Trellis'
/// ecpmulti write it so).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JumpPage {
    /// Where it lies.
    pub address: u64,
    /// Where it leads: the golden image.
    pub golden: u64,
}

impl JumpPage {
    /// That of a board; `None` for parts that do without.
    pub fn of(board: &Board) -> Option<JumpPage> {
        let golden = board.flash.slot(SlotKind::Golden).filter(|_| board.family == Family::Ecp5)?.offset;
        let address = jump_block(board.flash.bytes) + FLASH_BLOCK_BYTES - FLASH_PAGE_BYTES as u64;
        Some(JumpPage { address, golden })
    }

    /// What it holds: a bitstream of two commands (Lattice FPGA-TN-02039), with dummies around it.
    ///
    /// | bytes | what |
    /// |---|---|
    /// | 0–15 | dummies |
    /// | 16–19 | preamble |
    /// | 20–23 | dummies |
    /// | 24–31 | LSC_PROG_CNTRL0: three bytes of operands, and the register's value, 0 |
    /// | 32–39 | JUMP: three bytes of operands, the flash's read command (0x03), 24 bits of address |
    /// | 40–255 | dummies |
    pub fn bytes(&self) -> [u8; FLASH_PAGE_BYTES] {
        let mut page = [0xff; FLASH_PAGE_BYTES];
        page[18..20].copy_from_slice(&[0xbd, 0xb3]);
        page[24..40].copy_from_slice(&[0x22, 0, 0, 0, 0, 0, 0, 0, 0x7e, 0, 0, 0, 0x03, 0, 0, 0]);
        // A checked board's slots end within 24 bits.
        page[37..40].copy_from_slice(&self.golden.to_be_bytes()[5..]);
        page
    }
}
