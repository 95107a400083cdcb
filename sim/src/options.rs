//! Which board to simulate, and how.

use std::path::PathBuf;

use crate::link::PcieLink;

/// Which board to simulate, and how.
#[derive(Clone, Debug)]
pub struct SimOptions {
    /// The board's name in messages: `sim:<preset>`.
    pub name: String,
    /// The model, one of [`crate::models`].
    pub model: String,
    /// A waveform, if one is wanted.
    pub trace: Option<TraceOptions>,
    /// The way to host memory.
    pub link: LinkOptions,
    /// What register PART_IDCODE reads.
    pub part_idcode: u32,
}

impl SimOptions {
    /// The accelerator of a preset.
    pub fn preset(preset: &str) -> SimOptions {
        SimOptions {
            name: format!("sim:{preset}"),
            ..SimOptions::model(&format!("{PRESET}{}", preset.replace('-', "_")))
        }
    }

    /// Any registered model with the accelerator's ports, such as one that a test has broken.
    pub fn model(model: &str) -> SimOptions {
        SimOptions {
            name: format!("sim:{model}"),
            model: model.to_owned(),
            trace: None,
            link: LinkOptions::default(),
            part_idcode: 0,
        }
    }
}

/// What the models of presets are called: this and the preset's name, with underscores for its hyphens.
pub(crate) const PRESET: &str = "accelerator_";

/// A waveform of part of a run, in VCD.
#[derive(Clone, Debug)]
pub struct TraceOptions {
    /// The file.
    pub path: PathBuf,
    /// The first cycle, counted from the board's power-up.
    pub from: u64,
    /// Number of cycles.
    pub cycles: u64,
}

/// The way to host memory, in clock cycles.
#[derive(Clone, Copy, Debug)]
pub struct LinkOptions {
    /// Cycles that a read's data waits; with 0 it follows in the cycle after the address.
    pub read_latency: u32,
    /// Read bursts under way at a time.
    pub outstanding_reads: u32,
    /// Write bursts under way at a time.
    pub outstanding_writes: u32,
    /// The PCI Express link; without one, memory is as near as the options above say.
    pub pcie: Option<PcieLink>,
    /// Stalls every channel now and then, repeatably. A board that works without may have lived on luck.
    pub stall_seed: Option<u64>,
}

impl Default for LinkOptions {
    fn default() -> LinkOptions {
        LinkOptions { read_latency: 0, outstanding_reads: 256, outstanding_writes: 256, pcie: None, stall_seed: None }
    }
}
