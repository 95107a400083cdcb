//! `hotloop devices`.

use std::process::ExitCode;

use hotloop_driver::Sysfs;
use serde_json::json;

use crate::output::{Failure, Output};

/// Lists what is here: the simulated boards of this build, and boards in slots.
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
    let lines: Vec<String> = devices
        .iter()
        .map(|d| {
            let text = |key: &str| d[key].as_str().unwrap_or_default().to_owned();
            let state =
                if d["usable"] == true { "usable".to_owned() } else { format!("not usable: {}", text("reason")) };
            format!("{:<12} {:<26} {state}", text("name"), text("kind"))
        })
        .collect();
    output.result(&json!({ "devices": devices }), &lines)?;
    Ok(ExitCode::SUCCESS)
}
