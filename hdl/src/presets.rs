//! Presets of boards: parts with their capacities, and what of an accelerator goes on each. Data, one entry a line of
//! the tables in docs/presets.md; [`estimate`] says how much of a part an entry takes.
//!
//! A unit of Poseidon with k + 1 S-boxes has 4·(k + 1) multipliers and takes 96/k cycles a permutation, one whose rounds
//! share one S-box four and 120, or two S-boxes eight and 60. Twenty-four units of 4 + 1 S-boxes give a permutation a
//! cycle, which is the pace at which the bus brings what they absorb: more are of little use.

use crate::{
    accelerator,
    bus::Bus,
    config::{Config, NttConfig, PoseidonConfig},
    datapath::{Area, Family},
    field::MultiplierLeaf,
    ntt::twiddle_tables,
};

/// A part and what it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The vendor's name.
    pub name: &'static str,
    /// Its family, for estimates.
    pub family: Family,
    /// What a 64 × 64 product is made of there.
    pub multiplier: MultiplierLeaf,
    /// What it has. Memories of 18 Kbit: a RAMB36 is two.
    pub capacity: Area,
    /// Memories of 288 Kbit; no estimate uses them, they are room for longer transforms.
    pub ultra_memories: u64,
    /// Where the figures are from.
    pub source: &'static str,
}

const fn capacity(multipliers: u64, memories: u64, luts: u64, registers: u64) -> Area {
    Area { multipliers, memories, luts, registers }
}

const ECP5: &str = "Lattice FPGA-DS-02012 (ECP5 and ECP5-5G family), table 1.1; LUT and FF as Project Trellis has them";
const SERIES_7: &str = "Xilinx DS180 (7 series overview)";
const ULTRASCALE: &str = "Xilinx DS890 (UltraScale and UltraScale+ overview)";

const LFE5U_45F: Part = Part {
    name: "LFE5U-45F",
    family: Family::Ecp5,
    multiplier: MultiplierLeaf::Ecp5,
    capacity: capacity(72, 108, 43_848, 43_848),
    ultra_memories: 0,
    source: ECP5,
};
const LFE5U_85F: Part = Part { name: "LFE5U-85F", capacity: capacity(156, 208, 83_640, 83_640), ..LFE5U_45F };
const XC7A200T: Part = Part {
    name: "XC7A200T",
    family: Family::Xilinx,
    multiplier: MultiplierLeaf::Xilinx7,
    capacity: capacity(740, 730, 134_600, 269_200),
    ultra_memories: 0,
    source: SERIES_7,
};
const XC7K325T: Part = Part { name: "XC7K325T", capacity: capacity(840, 890, 203_800, 407_600), ..XC7A200T };
const XCKU115: Part = Part {
    name: "XCKU115",
    family: Family::Xilinx,
    multiplier: MultiplierLeaf::Xilinx,
    capacity: capacity(5520, 4320, 663_360, 1_326_720),
    ultra_memories: 0,
    source: ULTRASCALE,
};
const XCVU9P: Part =
    Part { name: "XCVU9P", capacity: capacity(6840, 4320, 1_182_240, 2_364_480), ultra_memories: 960, ..XCKU115 };
const XCU55N: Part = Part {
    name: "XCU55N",
    capacity: capacity(5952, 2688, 871_680, 1_743_360),
    ultra_memories: 640,
    source: "Xilinx DS1003 (Varium C1100); DSP, memories, LUT and FF as the VU35P of DS890",
    ..XCKU115
};

/// A preset: what of an accelerator goes on a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Name, at most eight ASCII characters.
    pub name: &'static str,
    /// The part.
    pub part: Part,
    /// Clock that is assumed, in MHz: no measurement, and no result of placing and routing.
    pub clock_mhz: u32,
    /// How wide the data bus is, and all that moves data behind it.
    pub bus: Bus,
    /// Lanes of the transform; 0: no transform engine.
    pub lanes: u32,
    /// Cycles a token of the transform takes: 1, or 4 for one lane with a single multiplier.
    pub sharing: u32,
    /// Whether there is a folding engine.
    pub fold: bool,
    /// Base-2 logarithm of the longest transform on chip.
    pub max_log: u32,
    /// Poseidon units.
    pub units: u32,
    /// S-boxes for full rounds in each; 0: all rounds share those of partial ones.
    pub full_sboxes: u32,
    /// S-boxes for partial rounds in each.
    pub partial_sboxes: u32,
    /// Rows of a hash job whose states stay on chip at a time.
    pub tile_rows: u32,
    /// Base-2 logarithm of the rows of a commit.
    pub commit_log: u32,
}

const fn large(name: &'static str, part: Part, clock_mhz: u32, units: u32) -> Preset {
    Preset {
        name,
        part,
        clock_mhz,
        bus: Bus::Wide,
        lanes: 8,
        sharing: 1,
        fold: true,
        max_log: 13,
        units,
        full_sboxes: 4,
        partial_sboxes: 1,
        tile_rows: 4096,
        commit_log: 14,
    }
}

/// Every preset of a board. The look-up tables set the number of units, not the multipliers: half of what a unit takes is
/// its matrices. A bus of 512 bits with two engines behind it would cost a small part a third of its look-up tables
/// before the first multiplier, so those have one of 64. The smallest one, `ecp5-45`, has one engine: it hashes, and
/// leaves transforms to the processor.
pub const BOARDS: &[Preset] = &[
    Preset {
        name: "ecp5-45",
        part: LFE5U_45F,
        clock_mhz: 120,
        bus: Bus::Narrow,
        lanes: 0,
        sharing: 1,
        fold: false,
        max_log: 0,
        units: 1,
        full_sboxes: 0,
        partial_sboxes: 1,
        tile_rows: 512,
        commit_log: 0,
    },
    Preset {
        name: "ecp5-85",
        part: LFE5U_85F,
        clock_mhz: 150,
        bus: Bus::Narrow,
        lanes: 1,
        sharing: 4,
        fold: false,
        max_log: 9,
        units: 2,
        full_sboxes: 0,
        partial_sboxes: 2,
        tile_rows: 256,
        commit_log: 9,
    },
    Preset {
        name: "a200t",
        part: XC7A200T,
        clock_mhz: 200,
        bus: Bus::Wide,
        lanes: 2,
        sharing: 1,
        fold: false,
        max_log: 11,
        units: 2,
        full_sboxes: 4,
        partial_sboxes: 1,
        tile_rows: 512,
        commit_log: 11,
    },
    Preset {
        name: "k325t",
        part: XC7K325T,
        clock_mhz: 200,
        bus: Bus::Wide,
        lanes: 4,
        sharing: 1,
        fold: false,
        max_log: 12,
        units: 2,
        full_sboxes: 4,
        partial_sboxes: 1,
        tile_rows: 512,
        commit_log: 12,
    },
    large("ku115", XCKU115, 250, 11),
    large("vu9p", XCVU9P, 250, 22),
    large("c1100", XCU55N, 250, 16),
];

impl Preset {
    /// The preset of a name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        BOARDS.iter().find(|preset| preset.name == name)
    }

    /// The accelerator, with the parameter set of preset `sim` ([`Config::with_set`] changes it).
    pub fn config(&self) -> Config {
        let mut config = Config::sim();
        config.preset = self.name.into();
        config.multiplier = self.part.multiplier;
        config.bus = self.bus;
        config.fold = self.fold;
        config.ntt = match self.lanes {
            0 => NttConfig::NONE,
            lanes => NttConfig {
                lanes,
                sharing: self.sharing,
                max_log: self.max_log,
                twiddles: twiddle_tables(&config.set, self.max_log),
                ..config.ntt
            },
        };
        config.poseidon = PoseidonConfig {
            units: self.units,
            full_sboxes: self.full_sboxes,
            partial_sboxes: self.partial_sboxes,
            tile_rows: self.tile_rows,
            commit_log: self.commit_log,
        };
        config
    }

    /// Cycles of a permutation on one unit that is kept busy.
    pub fn cycles_per_permutation(&self) -> u32 {
        match self.full_sboxes {
            0 => 120 / self.partial_sboxes,
            sboxes => 96 / sboxes,
        }
    }

    /// Permutations a second, in thousands, at the assumed clock and with all units busy.
    pub fn kilo_permutations(&self) -> u64 {
        u64::from(self.clock_mhz) * 1000 * u64::from(self.units) / u64::from(self.cycles_per_permutation())
    }

    /// Whether an estimate leaves room on the part: all multipliers, 95 % of everything else at most.
    pub fn fits(&self, estimate: &Area) -> bool {
        let [multipliers, memories, luts, registers] = estimate.percent_of(&self.part.capacity);
        multipliers <= 100 && [memories, luts, registers].iter().all(|&percent| percent <= 95)
    }

    /// What the accelerator takes of the part.
    pub fn estimate(&self) -> Area {
        accelerator::design(&self.config()).top().area(self.part.family)
    }
}
