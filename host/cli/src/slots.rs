//! `hotloop bind` and `hotloop unbind`: boards in slots.

use std::process::ExitCode;

use clap::Args;
use hotloop_driver::{Obstacle, PciAddress, Sysfs};
use serde_json::json;

use crate::output::{Failure, Output};

/// Which slot.
#[derive(Args)]
pub struct SlotArgs {
    /// The board's address on the bus, such as 0000:01:00.0.
    address: String,
}

/// Gives a board to vfio-pci.
pub fn bind(args: &SlotArgs, output: &Output) -> Result<ExitCode, Failure> {
    change(args, output, Sysfs::bind)
}

/// Takes a board from vfio-pci.
pub fn unbind(args: &SlotArgs, output: &Output) -> Result<ExitCode, Failure> {
    change(args, output, Sysfs::unbind)
}

fn change(
    args: &SlotArgs,
    output: &Output,
    work: fn(&Sysfs, &PciAddress) -> std::io::Result<()>,
) -> Result<ExitCode, Failure> {
    let sysfs = Sysfs::default();
    let address: PciAddress = args.address.parse().map_err(Failure::new)?;
    let slot = sysfs.slot(&address).map_err(Failure::new)?;
    // A mistyped address may be a disk.
    if !slot.is_hotloop() {
        let (vendor, device) = slot.ids;
        return Err(Failure::message(format!("{address} is no Hotloop board but {vendor:04x}:{device:04x}")));
    }
    // Linux would wait, without an end, for whoever has it to let go.
    if let Some(Obstacle::Busy) = sysfs.obstacle(&address) {
        return Err(Failure::message(format!("{address}: {}", Obstacle::Busy)));
    }
    work(&sysfs, &address).map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Failure::message(format!("{error}; run this as root")),
        _ => Failure::message(error.to_string()),
    })?;
    let slot = sysfs.slot(&address).map_err(Failure::new)?;
    let driver = slot.driver.as_deref().unwrap_or("no driver");
    let lines = [
        Some(format!("{address} is bound to {driver}")),
        slot.group.filter(|_| driver == "vfio-pci").map(|group| {
            format!("its device file is /dev/vfio/{group}; for use without root: sudo chown $USER /dev/vfio/{group}")
        }),
    ];
    let object = json!({ "address": address.to_string(), "driver": slot.driver, "iommu_group": slot.group });
    output.result(&object, &lines.into_iter().flatten().collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}
