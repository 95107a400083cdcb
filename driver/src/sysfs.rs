//! [`Sysfs`]: boards on the bus, whose driver they have, and how to give them to vfio-pci.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use hotloop_regs::{PCI_DEVICE_ID, PCI_VENDOR_ID};
use pcie_sys::vfio::{Container, Group};

use crate::obstacle::Obstacle;

/// Linux's driver for functions that a process drives.
const VFIO_PCI: &str = "vfio-pci";

/// A function's place on the bus: `0000:01:00.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PciAddress(String);

impl FromStr for PciAddress {
    type Err = Obstacle;

    /// `domain:bus:device.function` in hexadecimal; without the domain, it is 0000.
    fn from_str(text: &str) -> Result<PciAddress, Obstacle> {
        let not_there = || Obstacle::NotThere { address: text.to_owned() };
        let whole = if text.matches(':').count() == 1 { format!("0000:{text}") } else { text.to_owned() };
        let (place, function) = whole.split_once('.').ok_or_else(not_there)?;
        let parts: Vec<&str> = place.split(':').chain([function]).collect();
        let hex = |part: &&str, digits: usize| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit());
        match &parts[..] {
            [domain, bus, device, function]
                if (4..=8).contains(&domain.len())
                    && hex(domain, domain.len())
                    && hex(bus, 2)
                    && hex(device, 2)
                    && hex(function, 1) =>
            {
                Ok(PciAddress(whole.to_ascii_lowercase()))
            }
            _ => Err(not_there()),
        }
    }
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A function on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// Where it is.
    pub address: PciAddress,
    /// Vendor and device identifier.
    pub ids: (u16, u16),
    /// The driver that has it.
    pub driver: Option<String>,
    /// Its IOMMU group.
    pub group: Option<u32>,
}

impl Slot {
    /// True when it has Hotloop's identifiers.
    pub fn is_hotloop(&self) -> bool {
        self.ids == (PCI_VENDOR_ID, PCI_DEVICE_ID)
    }
}

/// The kernel's view of the PCI bus.
#[derive(Clone, Debug)]
pub struct Sysfs {
    bus: PathBuf,
    vfio: PathBuf,
}

impl Default for Sysfs {
    fn default() -> Sysfs {
        Sysfs::at("/sys/bus/pci", "/dev/vfio")
    }
}

impl Sysfs {
    /// Another place than `/sys/bus/pci` and `/dev/vfio`, for tests.
    pub fn at(bus: impl Into<PathBuf>, vfio: impl Into<PathBuf>) -> Sysfs {
        Sysfs { bus: bus.into(), vfio: vfio.into() }
    }

    /// All boards with Hotloop's identifiers, by address. A machine without PCI has none.
    pub fn boards(&self) -> Vec<Slot> {
        let entries = fs::read_dir(self.bus.join("devices")).into_iter().flatten().flatten();
        let addresses = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let mut slots: Vec<Slot> = addresses.filter_map(|address| self.slot(&address).ok()).collect();
        slots.retain(Slot::is_hotloop);
        slots.sort_by(|a, b| a.address.cmp(&b.address));
        slots
    }

    /// The function at an address.
    pub fn slot(&self, address: &PciAddress) -> Result<Slot, Obstacle> {
        let folder = self.device(address);
        let id = |name| {
            let text = fs::read_to_string(folder.join(name)).ok()?;
            u16::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
        };
        let ids = id("vendor").zip(id("device")).ok_or(Obstacle::NotThere { address: address.to_string() })?;
        let link = |name| fs::read_link(folder.join(name)).ok()?.file_name()?.to_str().map(str::to_owned);
        let group = link("iommu_group").and_then(|name| name.parse().ok());
        Ok(Slot { address: address.clone(), ids, driver: link("driver"), group })
    }

    /// What keeps this process from opening a function, without holding on to it.
    pub fn obstacle(&self, address: &PciAddress) -> Option<Obstacle> {
        self.open(address).err()
    }

    /// Opens a function's group, with a container that it may join.
    pub(crate) fn open(&self, address: &PciAddress) -> Result<(Container, Group), Obstacle> {
        let slot = self.slot(address)?;
        // Before the driver: without an IOMMU vfio-pci takes no function.
        let group = slot.group.ok_or(Obstacle::NoIommu)?;
        if slot.driver.as_deref() != Some(VFIO_PCI) {
            return Err(Obstacle::NotBound { address: address.to_string(), driver: slot.driver });
        }
        let path = self.vfio.join("vfio");
        let container = Container::open(&path).map_err(|error| obstacle(&path, &error))?;
        let path = self.vfio.join(group.to_string());
        let opened = Group::open(&path).map_err(|error| obstacle(&path, &error))?;
        match opened.viable() {
            Ok(true) => Ok((container, opened)),
            Ok(false) => Err(Obstacle::NotViable { group }),
            Err(error) => Err(obstacle(&path, &error)),
        }
    }

    /// Gives a function to vfio-pci, whatever driver has it now. For root.
    pub fn bind(&self, address: &PciAddress) -> io::Result<()> {
        if !self.bus.join("drivers").join(VFIO_PCI).is_dir() {
            return Err(io::Error::other("the module vfio-pci is not loaded; run: modprobe vfio-pci"));
        }
        self.drive(address, VFIO_PCI)?;
        match self.slot(address) {
            Ok(slot) if slot.driver.as_deref() == Some(VFIO_PCI) => Ok(()),
            Ok(Slot { group: None, .. }) => Err(io::Error::other(Obstacle::NoIommu)),
            Ok(_) => Err(io::Error::other("vfio-pci does not take it; see the kernel's log (dmesg)")),
            Err(obstacle) => Err(io::Error::other(obstacle)),
        }
    }

    /// Takes a function from vfio-pci and lets the kernel choose a driver again. For root.
    pub fn unbind(&self, address: &PciAddress) -> io::Result<()> {
        // An empty line takes the override away.
        self.drive(address, "\n")
    }

    fn drive(&self, address: &PciAddress, driver: &str) -> io::Result<()> {
        let folder = self.device(address);
        write(&folder.join("driver_override"), driver)?;
        match write(&folder.join("driver/unbind"), &address.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            // Freed, or nobody had it.
            _ => {}
        }
        write(&self.bus.join("drivers_probe"), &address.0)
    }

    fn device(&self, address: &PciAddress) -> PathBuf {
        self.bus.join("devices").join(&address.0)
    }
}

/// Writes to a file that is there; the kernel's answer names neither file nor value.
fn write(path: &Path, value: &str) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(path);
    file.and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes()))
        .map_err(|error| io::Error::new(error.kind(), format!("write of {value:?} to {}: {error}", path.display())))
}

fn obstacle(path: &Path, error: &pcie_sys::SysError) -> Obstacle {
    match error.kind() {
        Some(io::ErrorKind::PermissionDenied) => Obstacle::NoPermission { path: path.to_owned() },
        Some(io::ErrorKind::ResourceBusy) => Obstacle::Busy,
        _ => Obstacle::NoVfio { reason: format!("{}: {error}", path.display()) },
    }
}
