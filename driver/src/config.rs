//! PCI configuration space: identifiers and the command register.

use hotloop_regs::{PCI_DEVICE_ID, PCI_VENDOR_ID};

use crate::{error::DriverError, function::PciFunction};

/// Vendor and device identifier.
const VENDOR: u16 = 0x00;
const DEVICE: u16 = 0x02;
/// The command register, and its bits: answer memory accesses; start DMA and interrupts.
const COMMAND: u16 = 0x04;
const MEMORY_ENABLE: u16 = 1 << 1;
const BUS_MASTER: u16 = 1 << 2;

/// Refuses a function that is not a Hotloop board.
pub(crate) fn check_identifiers(function: &dyn PciFunction) -> Result<(), DriverError> {
    for (what, offset, wanted) in [("vendor ID", VENDOR, PCI_VENDOR_ID), ("device ID", DEVICE, PCI_DEVICE_ID)] {
        let found = read(function, offset)?;
        if found == u16::MAX {
            return Err(DriverError::Gone { name: function.name(), register: what });
        }
        if found != wanted {
            return Err(DriverError::NotHotloop {
                name: function.name(),
                what,
                found: found.into(),
                wanted: wanted.into(),
            });
        }
    }
    Ok(())
}

/// Lets the board answer register accesses.
pub(crate) fn enable_memory(function: &dyn PciFunction) -> Result<(), DriverError> {
    let command = read(function, COMMAND)?;
    write(function, command | MEMORY_ENABLE)
}

/// Lets the board start DMA and interrupts, or forbids it.
pub(crate) fn set_bus_master(function: &dyn PciFunction, on: bool) -> Result<(), DriverError> {
    let command = read(function, COMMAND)?;
    write(function, if on { command | BUS_MASTER } else { command & !BUS_MASTER })
}

fn read(function: &dyn PciFunction, offset: u16) -> Result<u16, DriverError> {
    let mut bytes = [0; 2];
    function.config_read(offset, &mut bytes)?;
    Ok(u16::from_le_bytes(bytes))
}

fn write(function: &dyn PciFunction, command: u16) -> Result<(), DriverError> {
    Ok(function.config_write(COMMAND, &command.to_le_bytes())?)
}
