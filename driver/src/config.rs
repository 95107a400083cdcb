//! PCI configuration space: identifiers, the command register, and the state of the link.

use std::sync::Arc;

use hotloop_regs::{BAR0_BYTES, PCI_DEVICE_ID, PCI_VENDOR_ID};

use crate::{bar::Bar, error::DriverError, function::PciFunction};

/// Vendor and device identifier.
const VENDOR: u16 = 0x00;
const DEVICE: u16 = 0x02;
/// The command register, and its bits: answer memory accesses; start DMA and interrupts.
const COMMAND: u16 = 0x04;
const MEMORY_ENABLE: u16 = 1 << 1;
const BUS_MASTER: u16 = 1 << 2;

/// Where the list of capabilities begins.
const CAPABILITIES: u16 = 0x34;
/// The PCI Express capability, and in it link capabilities and link status (PCI Express base specification, 7.5.3).
const EXPRESS_ID: u8 = 0x10;
const LINK_CAPABILITIES: u16 = 0x0c;
const LINK_STATUS: u16 = 0x12;
/// Room for capabilities of four bytes in the 192 behind the header: a list that is longer goes in a circle.
const MOST_CAPABILITIES: usize = 48;

/// A PCI Express link as the board's configuration space has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkState {
    /// Generation that is used: 1 is 2.5 GT/s, 2 is 5, 3 is 8, 4 is 16, 5 is 32.
    pub generation: u32,
    /// Lanes that are used.
    pub lanes: u32,
    /// Highest generation that the board can do.
    pub most_generation: u32,
    /// Lanes that the board has.
    pub most_lanes: u32,
}

/// The link; `None` for a function without a PCI Express capability, or whose link is not up.
pub(crate) fn link(function: &dyn PciFunction) -> Result<Option<LinkState>, DriverError> {
    let mut at = read(function, CAPABILITIES)? & 0xfc;
    for _ in 0..MOST_CAPABILITIES {
        if at < 0x40 {
            break;
        }
        let [id, next] = read(function, at)?.to_le_bytes();
        if id == EXPRESS_ID {
            let [can, is] = [LINK_CAPABILITIES, LINK_STATUS].map(|field| read(function, at + field));
            let ((generation, lanes), (most_generation, most_lanes)) = (speed(is?), speed(can?));
            let link = LinkState { generation, lanes, most_generation, most_lanes };
            return Ok((generation > 0 && lanes > 0).then_some(link));
        }
        at = u16::from(next & 0xfc);
    }
    Ok(None)
}

/// Generation in bits 3..0, lanes in 9..4: the same in both registers.
fn speed(register: u16) -> (u32, u32) {
    (u32::from(register & 0xf), u32::from(register >> 4 & 0x3f))
}

/// The registers of a function that has a Hotloop board's identifiers, in a BAR0 that is large enough; they answer from now
/// on.
pub(crate) fn open_bar(function: &Arc<dyn PciFunction>) -> Result<Bar, DriverError> {
    check_identifiers(&**function)?;
    let found = function.region_bytes(0);
    if found < BAR0_BYTES {
        let name = function.name();
        return Err(DriverError::NotHotloop { name, what: "size of BAR0", found, wanted: BAR0_BYTES });
    }
    enable_memory(&**function)?;
    Ok(Bar::new(Arc::clone(function)))
}

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
