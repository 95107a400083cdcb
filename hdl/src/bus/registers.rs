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
        (map::POSEIDON_PARTIAL_SBOXES, config.poseidon.partial_sboxes.into()),
        (map::POSEIDON_MULTIPLIERS, multipliers[1]),
        (map::TILE_ROWS, config.poseidon.tile_rows.into()),
        (map::FOLD_MAX_LOG, if config.fold { crate::fold::MAX_LOG.into() } else { 0 }),
        (map::FOLD_MULTIPLIERS, multipliers[2]),
        (map::COMMIT_LOG, config.poseidon.commit_log.into()),
    ]
}

/// Module `register_file`. Ports: `address`, answered two cycles later by `read_data` and `known`; `write`, `data`,
/// `strobe` for an address that is there since two cycles before; `clear` clears what CONTROL.RESET clears. Each read-only
/// register is an input, each that the host writes an output, by its name in lower case.
pub fn register_file(constants: &[(Register, u64)]) -> Rc<Module> {
    let mut m = Module::new("register_file");
    let address = m.input("address", 16);
    let address = m.reg(address);
    let write = m.input("write", 1);
    let data = m.input("data", 32);
    let strobe = m.input("strobe", 4);
    let clear = m.input("clear", 1);
    let (enabled, busy) = (m.wire(1), m.wire(1));
    let locked = m.or(*enabled, *busy);
    // Known a cycle late: between two accesses there are more.
    let open = m.not(locked);
    let open = m.reg(open);

    let mut words: Vec<(u32, Sig)> = Vec::new();
    for register in REGISTERS {
        let name = register.name.to_lowercase();
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
            Access::ReadWrite | Access::WriteOnly => {
                let parts: Vec<Sig> = (0..register.width / 32)
                    .map(|word| {
                        let hit = m.eq_const(address, (register.offset + 4 * word).into());
                        let hit = m.delay_valid(hit, 1);
                        let mut writes = m.and(write, hit);
                        if LOCKED.contains(register) {
                            writes = m.and(writes, open);
                        }
                        let clear = CLEARED.contains(register).then_some(clear);
                        storage(&mut m, &format!("{name}_{word}"), writes, data, strobe, clear)
                    })
                    .collect();
                let value = m.pack(&parts);
                m.output(&name, value);
                if *register == map::CONTROL {
                    let bit = m.bit(value, map::CONTROL_ENABLE.trailing_zeros());
                    m.connect(enabled, bit);
                }
                match register.access {
                    Access::WriteOnly => m.constant(0, register.width),
                    _ => value,
                }
            }
        };
        let values = m.split(value, 32);
        words.extend(values.into_iter().enumerate().map(|(i, value)| (register.offset + 4 * i as u32, value)));
    }

    // The word of each page, and in the next cycle the page.
    let pages = words.iter().map(|(offset, _)| offset / PAGE).max().map_or(0, |last| last + 1);
    let (word, page) = (m.slice(address, 2, PAGE.ilog2() - 2), m.slice(address, PAGE.ilog2(), 16 - PAGE.ilog2()));
    let low = m.slice(address, 0, 2);
    let aligned = m.eq_const(low, 0);
    let (there, nothing) = (m.constant(1, 1), m.constant(0, 33));
    let mut cases = Vec::new();
    for number in 0..pages {
        let mut choices = vec![nothing; (PAGE / 4) as usize];
        let here = words.iter().filter(|(offset, _)| offset / PAGE == number);
        if here.clone().next().is_none() {
            continue;
        }
        for (offset, value) in here {
            choices[(offset % PAGE / 4) as usize] = m.cat(&[there, *value]);
        }
        let found = choose_by_bits(&mut m, word, &choices);
        let found = m.reg(found);
        let here = m.eq_const(page, number.into());
        let here = m.and(here, aligned);
        cases.push((m.reg(here), found));
    }
    let found = m.choose(&cases, nothing);
    let (read_data, known) = (m.slice(found, 0, 32), m.bit(found, 32));
    m.output("read_data", read_data);
    m.output("known", known);
    Rc::new(m)
}

/// Bytes of the map in which a word is chosen at a time.
const PAGE: u32 = 0x80;

/// `choices[index]`, of as many as the index has values, as a tree.
fn choose_by_bits(m: &mut Module, index: Sig, choices: &[Sig]) -> Sig {
    let mut choices = choices.to_vec();
    for bit in 0..index.width() {
        let bit = m.bit(index, bit);
        choices = choices.chunks(2).map(|pair| m.mux(bit, pair[1], pair[0])).collect();
    }
    choices[0]
}

/// 32 bits written by bytes.
fn storage(m: &mut Module, name: &str, write: Sig, data: Sig, strobe: Sig, clear: Option<Sig>) -> Sig {
    let bytes: Vec<Sig> = (0..4)
        .map(|i| {
            let state = m.state(&format!("{name}_{i}"), 8, 0);
            let new = m.slice(data, 8 * i, 8);
            let kept = m.bit(strobe, i);
            let writes = m.and(write, kept);
            match clear {
                None => m.drive_when(state, writes, new),
                Some(clear) => {
                    let (changes, others) = (m.or(writes, clear), m.not(clear));
                    let next = m.gate(others, new);
                    m.drive_when(state, changes, next);
                }
            }
            *state
        })
        .collect();
    m.pack(&bytes)
}
