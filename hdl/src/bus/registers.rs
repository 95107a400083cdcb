//! The register file: storage and decode from the table of `hotloop-regs`.

use std::rc::Rc;

use hotloop_regs::{map, Access, Register, REGISTERS};

use crate::{
    datapath::{Module, Sig},
    Config,
};

/// Registers that an internal reset clears, as [`hotloop_regs::map::CONTROL`] promises.
const CLEARED: &[Register] = &[map::CONTROL, map::SQ_TAIL, map::CQ_HEAD];
/// Registers that keep their value while CONTROL.ENABLE is set or STATUS.BUSY is: rings do not move under way, and without
/// ENABLE a job that was taken is still answered.
const LOCKED: &[Register] = &[map::SQ_BASE, map::CQ_BASE, map::RING_LOG];

/// Values of the constant registers. `multipliers`: of the transform, of all Poseidon units and of the folding engine, counted in the
/// netlist. The build id is FNV-1a over everything that was generated, filled in by the caller.
pub fn constants(config: &Config, multipliers: [u64; 3], build_id: u64) -> Vec<(Register, u64)> {
    assert!(config.preset.is_ascii() && config.preset.len() <= 8, "a preset's name is at most eight ASCII characters");
    let mut preset = [0; 8];
    preset[..config.preset.len()].copy_from_slice(config.preset.as_bytes());
    vec![
        (map::MAGIC, hotloop_regs::MAGIC.into()),
        (map::ABI_VERSION, hotloop_regs::ABI.into()),
        (map::MAP_HASH_REG, hotloop_regs::MAP_HASH),
        (map::PRESET, u64::from_le_bytes(preset)),
        (map::BUILD_ID, build_id),
        (map::SETS, config.set.held().iter().map(|set| 1 << set.code()).sum()),
        (map::BUS_BYTES, u64::from(config.bus.bits()) / 8),
        (map::NTT_LANES, config.ntt.lanes.into()),
        (map::NTT_MAX_LOG, config.ntt.max_log.into()),
        (map::NTT_MAX_LOG_COSETS, config.ntt.max_log_cosets.into()),
        (map::NTT_MULTIPLIERS, multipliers[0]),
        (map::POSEIDON_UNITS, config.poseidon.units.into()),
        (map::POSEIDON_FULL_SBOXES, config.poseidon.full_sboxes.into()),
        (map::POSEIDON_PARTIAL_SBOXES, config.poseidon.is_there().into()),
        (map::POSEIDON_MULTIPLIERS, multipliers[1]),
        (map::TILE_ROWS, config.poseidon.tile_rows.into()),
        (map::FOLD_MAX_LOG, if config.fold { crate::fold::MAX_LOG.into() } else { 0 }),
        (map::FOLD_MULTIPLIERS, multipliers[2]),
        (map::COMMIT_LOG, config.poseidon.commit_log.into()),
    ]
}

/// Module `register_file`. Ports: `address`, `write`, `data`, `strobe`, answered in the same cycle by `read_data` and
/// `known`; `clear` clears what CONTROL.RESET clears. Each read-only register is an input, each read-write register an
/// output, by its name in lower case.
pub fn register_file(constants: &[(Register, u64)]) -> Rc<Module> {
    let mut m = Module::new("register_file");
    let address = m.input("address", 16);
    let write = m.input("write", 1);
    let data = m.input("data", 32);
    let strobe = m.input("strobe", 4);
    let clear = m.input("clear", 1);
    let (enabled, busy) = (m.wire(1), m.wire(1));

    let mut words: Vec<(Sig, Sig)> = Vec::new();
    for register in REGISTERS {
        let name = register.name.to_lowercase();
        let hits: Vec<Sig> =
            (0..register.width / 32).map(|w| m.eq_const(address, (register.offset + 4 * w).into())).collect();
        let value = match register.access {
            Access::Constant => {
                let found = constants.iter().find(|(r, _)| r == register);
                let (_, value) = found.unwrap_or_else(|| panic!("constant register {name} has no value"));
                m.constant((*value).into(), register.width)
            }
            Access::ReadOnly => {
                let value = m.input(&name, register.width);
                if *register == map::STATUS {
                    let bit = m.bit(value, map::STATUS_BUSY.trailing_zeros());
                    m.connect(busy, bit);
                }
                value
            }
            Access::ReadWrite => {
                let parts: Vec<Sig> = hits
                    .iter()
                    .map(|&hit| {
                        let mut writes = m.and(write, hit);
                        if LOCKED.contains(register) {
                            let locked = m.or(*enabled, *busy);
                            let open = m.not(locked);
                            writes = m.and(writes, open);
                        }
                        storage(&mut m, &name, writes, data, strobe, CLEARED.contains(register).then_some(clear))
                    })
                    .collect();
                let value = m.pack(&parts);
                m.output(&name, value);
                if *register == map::CONTROL {
                    let bit = m.bit(value, map::CONTROL_ENABLE.trailing_zeros());
                    m.connect(enabled, bit);
                }
                value
            }
        };
        let values = m.split(value, 32);
        words.extend(hits.into_iter().zip(values));
    }

    let hits: Vec<Sig> = words.iter().map(|(hit, _)| *hit).collect();
    let known = m.any(&hits);
    let zero = m.constant(0, 32);
    let read_data = m.choose(&words, zero);
    m.output("read_data", read_data);
    m.output("known", known);
    Rc::new(m)
}

/// 32 bits written by bytes.
fn storage(m: &mut Module, name: &str, write: Sig, data: Sig, strobe: Sig, clear: Option<Sig>) -> Sig {
    let state = m.state(name, 32, 0);
    let bytes: Vec<Sig> = (0..4)
        .map(|i| {
            let (old, new) = (m.slice(*state, 8 * i, 8), m.slice(data, 8 * i, 8));
            let kept = m.bit(strobe, i);
            m.mux(kept, new, old)
        })
        .collect();
    let merged = m.pack(&bytes);
    let mut next = m.mux(write, merged, *state);
    if let Some(clear) = clear {
        let zero = m.constant(0, 32);
        next = m.mux(clear, zero, next);
    }
    m.drive(state, next);
    *state
}
