//! What an accelerator consists of: one value from which everything is generated.

use hotloop_regs::ParameterSet;

use crate::{bus::Bus, field::MultiplierLeaf, flash::FlashPort, presets::Preset, sets::SetTables};

/// An accelerator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name of the preset, at most eight ASCII characters.
    pub preset: String,
    /// The parameter set it holds, and with it those that [`SetTables::held`] names.
    pub set: SetTables,
    /// How many words the data bus and the ways to the engines move in a cycle.
    pub bus: Bus,
    /// What a 64 × 64 product is made of.
    pub multiplier: MultiplierLeaf,
    /// The transform engine, [`NttConfig::NONE`] for a board without.
    pub ntt: NttConfig,
    /// The Poseidon engine, [`PoseidonConfig::NONE`] for a board without.
    pub poseidon: PoseidonConfig,
    /// Whether there is a folding engine.
    pub fold: bool,
    /// The port to the board's configuration flash, where there is one.
    pub flash: Option<FlashPort>,
}

/// The transform engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NttConfig {
    /// Columns that move in lock-step: 1, 2, 4 or 8. A beat takes 8 / lanes cycles.
    pub lanes: u32,
    /// Clock cycles between tokens: 1, or 4 with one lane, whose four products then take turns in one multiplier.
    pub sharing: u32,
    /// Base-2 logarithm of the longest transform, 7 to 13.
    pub max_log: u32,
    /// Base-2 logarithm of the most cosets in a job.
    pub max_log_cosets: u32,
    /// Low and high twiddle tables: w^e = `high[e >> 7] · low[e & 127]` for w of order 2^max_log. Filled from the
    /// set by [`crate::ntt::twiddle_tables`]; a value of its own so that tests can build a wrong one.
    pub twiddles: (Vec<u64>, Vec<u64>),
}

/// The Poseidon engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoseidonConfig {
    /// Pipelines.
    pub units: u32,
    /// S-boxes for full rounds in each: 1, 2, 3 or 4; 0: all rounds share those of partial ones.
    pub full_sboxes: u32,
    /// S-boxes for partial rounds: 1, or 1 or 2 that all rounds share.
    pub partial_sboxes: u32,
    /// Rows whose sponge states stay on chip while their panels are absorbed.
    pub tile_rows: u32,
    /// Base-2 logarithm of the rows whose states stay on chip from panel to panel of a commit job, which hashes their values
    /// as they leave the transform. Of more rows, or with 0 of any, it reads the values back.
    pub commit_log: u32,
}

impl NttConfig {
    /// No transform engine: transforms and commits are unknown opcodes.
    pub const NONE: NttConfig =
        NttConfig { lanes: 0, sharing: 1, max_log: 0, max_log_cosets: 0, twiddles: (Vec::new(), Vec::new()) };

    /// Whether there is an engine.
    pub fn is_there(&self) -> bool {
        self.lanes > 0
    }
}

impl PoseidonConfig {
    /// No Poseidon engine: permute, hash, grind and commit are unknown opcodes.
    pub const NONE: PoseidonConfig =
        PoseidonConfig { units: 0, full_sboxes: 0, partial_sboxes: 0, tile_rows: 0, commit_log: 0 };

    /// Whether there is an engine.
    pub fn is_there(&self) -> bool {
        self.units > 0
    }

    /// Sponge states that the engine has room for.
    pub fn kept_rows(&self) -> u32 {
        self.tile_rows.max(1 << self.commit_log)
    }
}

impl Config {
    /// Names of the presets that every build of the simulation holds.
    pub const PRESETS: &'static [&'static str] = &["sim", "link"];

    /// Names of the presets that are `sim` with another parameter set. Their models are in a crate of their own
    /// (hotloop-sim-sets), so that nobody builds them who does not ask.
    pub const SET_PRESETS: &'static [&'static str] = &["sim-v0", "sim-p3", "sim-mid"];

    /// A preset by name.
    pub fn preset(name: &str) -> Option<Config> {
        match name {
            "sim" => Some(Config::sim()),
            "link" => Some(Config::link()),
            "sim-v0" => Some(Config::sim().with_set(name, ParameterSet::Plonky2V0)),
            "sim-p3" => Some(Config::sim().with_set(name, ParameterSet::Plonky3Goldilocks)),
            "sim-mid" => Some(Config::sim().with_set(name, ParameterSet::Miden)),
            _ => Preset::named(name).map(Preset::config),
        }
    }

    /// The simulated board: two Poseidon units of 4 + 1 S-boxes and one eight-lane transform.
    pub fn sim() -> Config {
        let set = SetTables::plonky2_v1();
        let max_log = 13;
        Config {
            preset: "sim".into(),
            bus: Bus::Wide,
            multiplier: MultiplierLeaf::Simulated { latency: 2 },
            ntt: NttConfig {
                lanes: 8,
                sharing: 1,
                max_log,
                max_log_cosets: 4,
                twiddles: crate::ntt::twiddle_tables(&set, max_log),
            },
            poseidon: PoseidonConfig { units: 2, full_sboxes: 4, partial_sboxes: 1, tile_rows: 256, commit_log: 14 },
            fold: true,
            flash: None,
            set,
        }
    }

    /// Bus, rings and the port to the flash alone, for bringing a link up and measuring it: loopback is all it does.
    pub fn link() -> Config {
        Config {
            preset: "link".into(),
            ntt: NttConfig::NONE,
            poseidon: PoseidonConfig::NONE,
            fold: false,
            flash: Some(FlashPort { half_period: 1 }),
            ..Config::sim()
        }
    }

    /// The same with another parameter set, as the preset `name`.
    pub fn with_set(self, name: &str, set: ParameterSet) -> Config {
        let set = SetTables::of(set);
        let ntt = match self.ntt.is_there() {
            true => NttConfig { twiddles: crate::ntt::twiddle_tables(&set, self.ntt.max_log), ..self.ntt },
            false => NttConfig::NONE,
        };
        Config { preset: name.into(), ntt, set, ..self }
    }
}
