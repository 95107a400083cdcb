//! The area model against Yosys, module by module, and every preset's estimate against its part.

mod yosys;

use std::rc::Rc;

use hotloop_hdl::{
    accelerator,
    datapath::{Area, Design, Family, Module},
    poseidon::states_inside,
    presets::{Preset, BOARDS},
};
use yosys::{count, Cells};

/// Modules that stand for the rest: control with memories and without, sums; and, as a transform has them that shares its
/// multiplier and one that does not, a multiplier with its leaf and a butterfly.
const MODULES: &[&str] = &["poseidon_grind", "segment_walk", "poseidon_matrix"];
const SHARED: [&str; 2] = ["ntt_multiplier", "ntt_butterfly_256"];
const UNSHARED: [&str; 2] = ["goldilocks_mul", "ntt_stage_16"];
/// A queue in block memories.
const QUEUES: [(&str, &str); 2] = [("ecp5-85", "fifo_64x8192"), ("a200t", "fifo_512x256")];

/// Largest difference from Yosys' count, in percent of that count, and an absolute one for small modules.
const LUTS: (u64, u64) = (25, 40);
const REGISTERS: (u64, u64) = (20, 20);

fn modules(preset: &str, transform: [&str; 2]) -> Vec<Rc<Module>> {
    let design = accelerator::design(&Preset::named(preset).unwrap().config());
    let find = |name: &str| design.modules().find(|m| m.name() == name).cloned().unwrap_or_else(|| panic!("{name}"));
    let queue = QUEUES.iter().filter(|(of, _)| *of == preset).map(|(_, queue)| *queue);
    MODULES.iter().copied().chain(queue).chain(transform).map(find).collect()
}

fn compare(family: Family, (preset, transform): (&str, [&str; 2]), synth: &str, counted: impl Fn(&Cells) -> Area) {
    let mut wrong = Vec::new();
    for module in modules(preset, transform) {
        let estimate = module.area(family);
        let name = module.name().to_owned();
        let cells = yosys::cells(&format!("area-{preset}-{name}"), &Design::new(module), synth);
        let counted = counted(&cells);
        println!("{preset} {name}: estimate {estimate:?}, Yosys {counted:?}");
        let near = |a: u64, b: u64, (percent, few): (u64, u64)| a.abs_diff(b) <= few.max(b * percent / 100);
        let exact = (estimate.multipliers, estimate.memories) == (counted.multipliers, counted.memories);
        if !(exact && near(estimate.luts, counted.luts, LUTS) && near(estimate.registers, counted.registers, REGISTERS))
        {
            wrong.push(format!("{name}: estimate {estimate:?}, Yosys {counted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn estimates_for_ecp5_are_near_yosys() {
    compare(Family::Ecp5, ("ecp5-85", SHARED), "synth_ecp5", |cells| {
        let of = |name: &str| count(cells, |cell| cell == name);
        Area {
            multipliers: of("MULT18X18D"),
            memories: of("DP16KD") + of("PDPW16KD"),
            // A carry cell is two look-up tables; 16 × 4 bits are four and two that decode.
            luts: of("LUT4") + 2 * of("CCU2C") + 6 * of("TRELLIS_DPR16X4"),
            registers: of("TRELLIS_FF"),
        }
    });
}

#[test]
fn estimates_for_xilinx_are_near_yosys() {
    let synth = "synth_xilinx -flatten -noiopad -noclkbuf -family xc7";
    compare(Family::Xilinx, ("a200t", UNSHARED), synth, |cells| {
        let of = |prefix: &str| count(cells, |cell| cell.starts_with(prefix));
        Area {
            multipliers: of("DSP48E1"),
            memories: of("RAMB18E1") + 2 * of("RAMB36E1"),
            luts: of("LUT") + of("INV") + of("SRL") + 4 * (of("RAM32M") + of("RAM64M")),
            registers: of("FD"),
        }
    });
}

#[test]
fn presets_fit_their_parts() {
    for preset in BOARDS {
        let (estimate, capacity) = (preset.estimate(), preset.part.capacity);
        println!("{}: {:?} % of multipliers, memories, LUT, FF", preset.name, estimate.percent_of(&capacity));
        assert!(preset.fits(&estimate), "{}: {estimate:?} of {capacity:?}", preset.name);
    }
}

#[test]
fn presets_are_well_formed() {
    for preset in BOARDS {
        let name = preset.name;
        assert!(name.is_ascii() && name.len() <= 8 && BOARDS.iter().filter(|p| p.name == name).count() == 1, "{name}");
        // A tile's states are all that hash jobs have to fill the units with.
        let tile = u64::from(preset.tile_rows);
        assert!(tile >= states_inside(&preset.config()), "{name}: {tile} rows do not fill the units");
    }
}
