//! `hotloop flash --cable spi:DEVICE`: the driver's way to a board's flash, as `hotloop-flash` wants it.

use hotloop_boards::{manifest::abi_text, Slot};
use hotloop_driver::flash::BoardFlash;
use hotloop_flash::{
    port::{FlashPort, Found},
    Running,
};

/// A device, opened when it is asked.
pub struct DevicePort {
    device: String,
    flash: Option<BoardFlash>,
}

impl DevicePort {
    /// The port of a device of this command.
    pub fn new(device: &str) -> DevicePort {
        DevicePort { device: device.to_owned(), flash: None }
    }

    fn open(&mut self) -> Result<&mut BoardFlash, String> {
        Ok(match &mut self.flash {
            Some(flash) => flash,
            empty => {
                let set = hotloop_plonky2::options().set;
                let function = hotloop::open_function(&self.device, set).map_err(|e| e.to_string())?;
                empty.insert(BoardFlash::open(function).map_err(|e| e.to_string())?)
            }
        })
    }
}

impl FlashPort for DevicePort {
    fn name(&self) -> &str {
        &self.device
    }

    fn identify(&mut self) -> Result<Found, String> {
        let flash = self.open()?;
        let chip = flash.chip();
        let [maker, kind, size] = chip.jedec;
        Ok(Found {
            running: Running { build_id: flash.build_id(), abi: abi_text(flash.abi()) },
            idcode: flash.part_idcode(),
            chip: format!("a flash of {} MiB ({maker:02x} {kind:02x} {size:02x})", chip.bytes >> 20),
        })
    }

    fn write(&mut self, slot: &Slot, image: &[u8], tell: &mut dyn FnMut(&str, f64) -> bool) -> Result<(), String> {
        let range = slot.offset..slot.offset.saturating_add(slot.bytes);
        let mut tell = |doing: hotloop_driver::flash::Doing, done: u64, all: u64| {
            tell(doing.name(), 100.0 * done as f64 / all.max(1) as f64)
        };
        self.open()?.write_image(range, image, &mut tell).map_err(|e| e.to_string())
    }
}
