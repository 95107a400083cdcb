//! [`Identity`]: what a board says about itself, and [`Counters`]: what it has done.

use hotloop_regs::{map, ParameterSet, Register, ABI, BEAT_BYTES, MAGIC, MAP_HASH};

use crate::{bar::Bar, error::DriverError};

/// What a board is: constants of its build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Name of the preset.
    pub preset: String,
    /// Identity of the build.
    pub build_id: u64,
    /// JTAG IDCODE of the part that the image was made for; 0 where there is no part.
    pub part_idcode: u32,
    /// Parameter sets on the board.
    pub sets: Vec<ParameterSet>,
    /// Lanes of the transform.
    pub lanes: u32,
    /// Base-2 logarithm of the longest transform on chip.
    pub max_log: u32,
    /// Base-2 logarithm of the most cosets of one transform job.
    pub max_log_cosets: u32,
    /// 64-bit multipliers of the transform.
    pub ntt_multipliers: u32,
    /// Poseidon units.
    pub poseidon_units: u32,
    /// S-boxes for full rounds in each unit.
    pub poseidon_full_sboxes: u32,
    /// S-boxes for partial rounds in each unit.
    pub poseidon_partial_sboxes: u32,
    /// 64-bit multipliers of all Poseidon units.
    pub poseidon_multipliers: u32,
    /// Rows whose sponge states stay on chip.
    pub tile_rows: u32,
    /// Base-2 logarithm of the most rows whose sponge states a commit job keeps on chip.
    pub commit_log: u32,
    /// Base-2 logarithm of the largest arity of a fold job; 0 where there is no folding engine.
    pub fold_max_log: u32,
    /// 64-bit multipliers of the folding engine.
    pub fold_multipliers: u32,
}

impl Identity {
    /// Reads a board's identity, and refuses a board that this driver does not speak to. `name` is for messages.
    pub fn read(bar: &Bar, name: &str) -> Result<Identity, DriverError> {
        let name = name.to_string();
        check_language(bar, &name, ABI)?;
        let hash = bar.read(&map::MAP_HASH_REG)?;
        if hash != MAP_HASH {
            return Err(DriverError::MapHash { name, board: hash, driver: MAP_HASH });
        }
        let within = |register: &Register, least: u32, most: u32, rule: &'static str| {
            let value = bar.read32(register)?;
            if (least..=most).contains(&value) {
                return Ok(value);
            }
            Err(DriverError::Capability { name: name.clone(), register: register.name, value: value.into(), rule })
        };
        // A whole beat in a cycle, or a word: nothing that a host does depends on it.
        let bus_bytes = bar.read32(&map::BUS_BYTES)?;
        if ![8, BEAT_BYTES as u32].contains(&bus_bytes) {
            let (register, value) = (map::BUS_BYTES.name, bus_bytes.into());
            return Err(DriverError::Capability { name, register, value, rule: "8 or 64" });
        }
        let sets = bar.read32(&map::SETS)?;
        Ok(Identity {
            preset: preset_name(bar.read(&map::PRESET)?),
            build_id: bar.read(&map::BUILD_ID)?,
            part_idcode: bar.read32(&map::PART_IDCODE)?,
            sets: ParameterSet::ALL.iter().copied().filter(|set| sets >> set.code() & 1 == 1).collect(),
            lanes: within(&map::NTT_LANES, 0, 8, "0 to 8")?,
            max_log: within(&map::NTT_MAX_LOG, 0, 32, "0 to 32")?,
            max_log_cosets: within(&map::NTT_MAX_LOG_COSETS, 0, 31, "0 to 31")?,
            ntt_multipliers: bar.read32(&map::NTT_MULTIPLIERS)?,
            poseidon_units: bar.read32(&map::POSEIDON_UNITS)?,
            poseidon_full_sboxes: bar.read32(&map::POSEIDON_FULL_SBOXES)?,
            poseidon_partial_sboxes: bar.read32(&map::POSEIDON_PARTIAL_SBOXES)?,
            poseidon_multipliers: bar.read32(&map::POSEIDON_MULTIPLIERS)?,
            tile_rows: bar.read32(&map::TILE_ROWS)?,
            commit_log: within(&map::COMMIT_LOG, 0, 31, "0 to 31")?,
            fold_max_log: within(&map::FOLD_MAX_LOG, 0, 7, "0 to 7")?,
            fold_multipliers: bar.read32(&map::FOLD_MULTIPLIERS)?,
        })
    }
}

/// The board's ABI version; refused if this is no Hotloop board, or its version has another major part than `least` or is an
/// earlier one.
pub(crate) fn check_language(bar: &Bar, name: &str, least: u32) -> Result<u32, DriverError> {
    let name = name.to_owned();
    let magic = bar.read32(&map::MAGIC)?;
    if magic != MAGIC {
        return Err(DriverError::NotHotloop { name, what: "MAGIC", found: magic.into(), wanted: MAGIC.into() });
    }
    let abi = bar.read32(&map::ABI_VERSION)?;
    if abi >> 16 != least >> 16 || abi < least {
        return Err(DriverError::Abi { name, board: abi, driver: least });
    }
    Ok(abi)
}

/// ASCII from the low byte up to the first zero; a byte that cannot be printed becomes `?`, since the name goes to
/// terminals.
fn preset_name(value: u64) -> String {
    let printable = |b: u8| if b.is_ascii_graphic() { char::from(b) } else { '?' };
    value.to_le_bytes().into_iter().take_while(|b| *b != 0).map(printable).collect()
}

/// The board's own counters, since its last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Clock cycles.
    pub cycles: u64,
    /// Clock cycles with work under way.
    pub busy_cycles: u64,
    /// Jobs completed, in error or not.
    pub jobs: u64,
    /// Bytes read from host memory.
    pub bytes_read: u64,
    /// Bytes written to host memory.
    pub bytes_written: u64,
    /// Poseidon permutations.
    pub permutations: u64,
    /// Clock cycles with a permute, hash, grind or commit job under way.
    pub poseidon_cycles: u64,
    /// Beats that entered the butterflies.
    pub ntt_beats: u64,
    /// Clock cycles with a transform or commit job under way.
    pub ntt_cycles: u64,
}

impl Counters {
    /// Reads the counters; each is whole, all together only when the board rests.
    pub fn read(bar: &Bar) -> Result<Counters, DriverError> {
        Ok(Counters {
            cycles: bar.read(&map::CYCLES)?,
            busy_cycles: bar.read(&map::BUSY_CYCLES)?,
            jobs: bar.read(&map::JOBS)?,
            bytes_read: bar.read(&map::BYTES_READ)?,
            bytes_written: bar.read(&map::BYTES_WRITTEN)?,
            permutations: bar.read(&map::PERMUTATIONS)?,
            poseidon_cycles: bar.read(&map::POSEIDON_CYCLES)?,
            ntt_beats: bar.read(&map::NTT_BEATS)?,
            ntt_cycles: bar.read(&map::NTT_CYCLES)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn preset_names_end_at_zero_and_print() {
        assert_eq!(super::preset_name(u64::from_le_bytes(*b"sim\0\0\0\0\0")), "sim");
        assert_eq!(super::preset_name(u64::from_le_bytes(*b"eightchr")), "eightchr");
        assert_eq!(super::preset_name(u64::from_le_bytes(*b"a\x1b[31m\0\0")), "a?[31m");
    }
}
