//! [`Clocked`]: a model with a clock, moved edge by edge.

use std::{
    ops::{Deref, DerefMut},
    path::Path,
};

use crate::{ffi::Port, Model, SimError};

/// A model with a port `clk`, whose registers load on its rising edge.
///
/// An input `clk_<part>` beside an output `run_<part>` is a gated copy of `clk`: it rises with `clk` in cycles in which
/// `run_<part>` is high before the edge. Idle parts of a design then cost the simulation nothing.
pub struct Clocked {
    model: Model,
    clk: Port,
    gated: Vec<Gated>,
    cycles: u64,
    window: Option<Window>,
}

/// A gated clock and what lets it through.
struct Gated {
    clk: Port,
    run: Port,
}

/// The cycles that go to the waveform.
struct Window {
    from: u64,
    until: u64,
}

impl Clocked {
    /// Takes the model over with its clock low. It is evaluated once like this: a rising edge at the very first
    /// evaluation would not be seen.
    pub fn new(mut model: Model) -> Result<Clocked, SimError> {
        let clk = model.input("clk", 1)?;
        let parts: Vec<String> =
            model.ports().filter_map(|(name, _)| name.strip_prefix("clk_").map(str::to_owned)).collect();
        let gated = parts
            .iter()
            .map(|part| {
                let clk = model.input(&format!("clk_{part}"), 1)?;
                Ok(Gated { clk, run: model.output(&format!("run_{part}"), 1)? })
            })
            .collect::<Result<Vec<Gated>, SimError>>()?;
        for clk in gated.iter().map(|g| g.clk).chain([clk]) {
            model.set(clk, 0);
        }
        model.eval()?;
        Ok(Clocked { model, clk, gated, cycles: 0, window: None })
    }

    /// Creates a model of the kind `name` and takes it over.
    pub fn open(name: &str) -> Result<Clocked, SimError> {
        Clocked::new(Model::open(name)?)
    }

    /// Rising edges so far.
    pub fn cycles(&self) -> u64 {
        self.cycles
    }

    /// One cycle: registers load what the inputs, as they are now, lead to.
    #[inline]
    pub fn step(&mut self) -> Result<(), SimError> {
        self.settle()?;
        self.edge()
    }

    /// The first half of a cycle: the clock is low, and outputs show what they will be at the edge. For a bench that
    /// must know a handshake before it happens.
    #[inline]
    pub fn settle(&mut self) -> Result<(), SimError> {
        self.model.set(self.clk, 0);
        for gated in &self.gated {
            self.model.set(gated.clk, 0);
        }
        self.model.eval()?;
        self.dump(0);
        Ok(())
    }

    /// The second half of a cycle: the rising edge.
    #[inline]
    pub fn edge(&mut self) -> Result<(), SimError> {
        for gated in &self.gated {
            let run = self.model.get(gated.run);
            self.model.set(gated.clk, run);
        }
        self.model.set(self.clk, 1);
        self.model.eval()?;
        self.dump(1);
        self.cycles += 1;
        Ok(())
    }

    /// Writes a waveform (VCD) of `cycles` cycles, the first being number `from`. The file is made now.
    pub fn trace(&mut self, path: &Path, from: u64, cycles: u64) -> Result<(), SimError> {
        self.model.trace_open(path)?;
        self.window = Some(Window { from, until: from.saturating_add(cycles) });
        Ok(())
    }

    #[inline]
    fn dump(&mut self, half: u64) {
        let Some(window) = &self.window else { return };
        if self.cycles >= window.until {
            self.model.trace_close();
            self.window = None;
        } else if self.cycles >= window.from {
            self.model.trace_dump(2 * self.cycles + half);
        }
    }
}

impl Deref for Clocked {
    type Target = Model;

    fn deref(&self) -> &Model {
        &self.model
    }
}

impl DerefMut for Clocked {
    fn deref_mut(&mut self) -> &mut Model {
        &mut self.model
    }
}
