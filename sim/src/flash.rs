//! The simulated board's configuration flash: whatever chip somebody puts at its wires.

use std::fmt;

use crate::{ffi::Port, Model};

/// Levels of the wires to a SPI flash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashPins {
    /// Chip select, low while the chip is meant.
    pub select_n: bool,
    /// The clock.
    pub clock: bool,
    /// What the board says.
    pub mosi: bool,
}

/// A chip: sees its wires after every clock cycle of the board, and says what it drives in the next one.
pub struct FlashChip(pub Box<dyn FnMut(FlashPins) -> bool + Send>);

impl fmt::Debug for FlashChip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlashChip")
    }
}

/// The port to it, and the chip.
pub(crate) struct Flash {
    select_n: Port,
    clock: Port,
    mosi: Port,
    miso: Port,
    chip: FlashChip,
}

impl Flash {
    /// Finds the ports; `None` where the board has none.
    pub fn new(model: &Model, chip: FlashChip) -> Option<Flash> {
        let output = |name| model.output(name, 1).ok();
        Some(Flash {
            select_n: output("flash_select_n")?,
            clock: output("flash_clock")?,
            mosi: output("flash_mosi")?,
            miso: model.input("flash_miso", 1).ok()?,
            chip,
        })
    }

    /// After the model has settled: what the chip answers counts from the next cycle on.
    pub fn cycle(&mut self, model: &mut Model) {
        let level = |port| model.get(port) != 0;
        let pins = FlashPins { select_n: level(self.select_n), clock: level(self.clock), mosi: level(self.mosi) };
        let miso = (self.chip.0)(pins);
        model.set(self.miso, miso.into());
    }
}
