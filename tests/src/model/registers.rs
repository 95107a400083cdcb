//! Registers of the model, by word.

use std::collections::BTreeMap;

use hotloop_regs::{map, Access, ParameterSet, Register, ABI, BEAT_BYTES, MAGIC, MAP_HASH, REGISTERS};

pub(super) struct Registers {
    words: BTreeMap<u32, u32>,
}

impl Registers {
    pub(super) fn new() -> Registers {
        let mut registers = Registers { words: BTreeMap::new() };
        for (register, value) in [
            (map::MAGIC, MAGIC.into()),
            (map::ABI_VERSION, ABI.into()),
            (map::MAP_HASH_REG, MAP_HASH),
            (map::PRESET, u64::from_le_bytes(*b"model\0\0\0")),
            (map::BUILD_ID, 0x6d6f_6465_6c00_0001),
            (map::SETS, 1 << ParameterSet::Plonky2V1.code()),
            (map::BUS_BYTES, BEAT_BYTES as u64),
            (map::NTT_LANES, 8),
            (map::NTT_MAX_LOG, 13),
            (map::NTT_MAX_LOG_COSETS, 4),
            (map::NTT_MULTIPLIERS, 1),
            (map::POSEIDON_UNITS, 1),
            (map::POSEIDON_FULL_SBOXES, 1),
            (map::POSEIDON_PARTIAL_SBOXES, 1),
            (map::POSEIDON_MULTIPLIERS, 1),
            (map::TILE_ROWS, 1 << 10),
            (map::COMMIT_LOG, 12),
            (map::FOLD_MAX_LOG, 4),
            (map::FOLD_MULTIPLIERS, 4),
        ] {
            registers.set(&register, value);
        }
        registers
    }

    /// Everything but the constants is zero, and what the shell says.
    pub(super) fn power_up(&mut self) {
        for register in REGISTERS.iter().filter(|r| r.access != Access::Constant && !map::FROM_SHELL.contains(r)) {
            self.set(register, 0);
        }
    }

    /// CONTROL.RESET: as after power-up, except for what the host wrote into base and size registers and SCRATCH.
    pub(super) fn clear(&mut self) {
        let kept = [map::SCRATCH, map::SQ_BASE, map::CQ_BASE, map::RING_LOG];
        let kept = |r: &Register| kept.contains(r) || map::FROM_SHELL.contains(r);
        for register in REGISTERS.iter().filter(|r| r.access != Access::Constant && !kept(r)) {
            self.set(register, 0);
        }
    }

    pub(super) fn set_constant(&mut self, register: &Register, value: u64) {
        debug_assert_eq!(register.access, Access::Constant);
        self.set(register, value);
    }

    pub(super) fn set(&mut self, register: &Register, value: u64) {
        self.words.insert(register.offset, value as u32);
        if register.width == 64 {
            self.words.insert(register.offset + 4, (value >> 32) as u32);
        }
    }

    pub(super) fn get(&self, register: &Register) -> u64 {
        let high = if register.width == 64 { self.word(register.offset + 4) } else { 0 };
        u64::from(high) << 32 | u64::from(self.word(register.offset))
    }

    /// A word as the host reads it; 0 where there is no register.
    pub(super) fn word(&self, offset: u32) -> u32 {
        self.words.get(&offset).copied().unwrap_or(0)
    }

    /// A word as the host writes it; ignored where it may not.
    pub(super) fn write(&mut self, offset: u32, word: u32) {
        let mine = |r: &&Register| (r.offset..r.offset + r.width / 8).contains(&offset);
        if REGISTERS.iter().find(mine).is_some_and(|r| r.access == Access::ReadWrite) {
            self.words.insert(offset, word);
        }
    }
}
