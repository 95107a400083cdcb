//! `hotloop devices`.

use std::{fs, path::Path, process::ExitCode};

use hotloop_driver::Sysfs;
use serde_json::json;

use crate::output::{Failure, Output};

/// USB vendor of the chips behind which the ECP5 boards of bitstreams/boards have their serial lines (FTDI), as their
/// makers' schematics have them.
const FTDI: &str = "0403";

/// Lists what is here: the simulated boards of this build, boards in slots, and serial lines that may lead to one.
pub fn list(output: &Output) -> Result<ExitCode, Failure> {
    let mut devices = vec![json!({ "name": "cpu", "kind": "the prover library itself", "usable": true })];
    #[cfg(feature = "sim")]
    devices.extend(crate::sim::list());
    let sysfs = Sysfs::default();
    for slot in sysfs.boards() {
        let name = format!("vfio:{}", slot.address);
        let obstacle = sysfs.obstacle(&slot.address).map(|obstacle| obstacle.to_string());
        devices.push(json!({
            "name": name,
            "kind": "board in a slot",
            "usable": obstacle.is_none(),
            "reason": obstacle,
            "driver": slot.driver,
            "iommu_group": slot.group,
        }));
    }
    for (tty, product) in serial_lines(Path::new("/sys/class/tty")) {
        devices.push(json!({
            "name": format!("serial:/dev/{tty}"),
            "kind": format!("serial line, {product}"),
            // Nobody knows before it is opened.
            "usable": null,
            "reason": "opening it resets the board: `hotloop status --device` does, and says who answers",
        }));
    }
    let lines: Vec<String> = devices
        .iter()
        .map(|d| {
            let text = |key: &str| d[key].as_str().unwrap_or_default().to_owned();
            let state = match d["usable"].as_bool() {
                Some(true) => "usable".to_owned(),
                Some(false) => format!("not usable: {}", text("reason")),
                None => format!("not asked: {}", text("reason")),
            };
            format!("{:<12} {:<26} {state}", text("name"), text("kind"))
        })
        .collect();
    output.result(&json!({ "devices": devices }), &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// Terminals at FTDI's chips, and what each chip calls itself: a board has a line for its JTAG, too.
fn serial_lines(class: &Path) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = fs::read_dir(class)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            // The port, in its interface, in the USB device.
            let port = fs::canonicalize(entry.path().join("device")).ok()?;
            let usb = port.parent()?.parent()?;
            let read = |name: &str| fs::read_to_string(usb.join(name)).ok().map(|text| text.trim().to_owned());
            let name = entry.file_name().into_string().ok()?;
            let product = read("product").unwrap_or_else(|| "no name".into());
            (read("idVendor")? == FTDI).then_some((name, product))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folders of Linux for a ULX3S at a bus, and for a serial port of a mainboard.
    #[test]
    fn ftdi_lines_are_found() {
        let root = std::env::temp_dir().join(format!("hotloop-devices-{}", std::process::id()));
        let (class, usb) = (root.join("class/tty"), root.join("devices/usb1/1-2"));
        for folder in
            [class.join("ttyUSB0"), class.join("ttyS0"), usb.join("1-2:1.0/ttyUSB0"), root.join("devices/pnp")]
        {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(usb.join("idVendor"), "0403\n").unwrap();
        fs::write(usb.join("product"), "ULX3S FPGA 85K v3.0.8\n").unwrap();
        std::os::unix::fs::symlink(usb.join("1-2:1.0/ttyUSB0"), class.join("ttyUSB0/device")).unwrap();
        std::os::unix::fs::symlink(root.join("devices/pnp"), class.join("ttyS0/device")).unwrap();
        let found = serial_lines(&class);
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(found, [("ttyUSB0".to_owned(), "ULX3S FPGA 85K v3.0.8".to_owned())]);
        assert!(serial_lines(Path::new("/nonexistent")).is_empty());
    }
}
