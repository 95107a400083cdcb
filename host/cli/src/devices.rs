//! `hotloop devices` and `hotloop info`.

use std::process::ExitCode;

use hotloop::Identity;
use hotloop_driver::Sysfs;
use serde_json::{json, Value};

use crate::{
    open,
    output::{Failure, Output},
    DeviceArgs,
};

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

/// Shows what a device is.
pub fn info(args: &DeviceArgs, output: &Output) -> Result<ExitCode, Failure> {
    let device = open(&args.device)?;
    let c = device.counters().map_err(Failure::new)?;
    let identity = identity(device.identity());
    let counters = json!({
        "cycles": c.cycles,
        "busy_cycles": c.busy_cycles,
        "jobs": c.jobs,
        "bytes_read": c.bytes_read,
        "bytes_written": c.bytes_written,
        "permutations": c.permutations,
        "poseidon_cycles": c.poseidon_cycles,
        "ntt_beats": c.ntt_beats,
        "ntt_cycles": c.ntt_cycles,
    });
    let mut lines = vec![format!("device             {}", device.name())];
    for (key, value) in identity.as_object().into_iter().chain(counters.as_object()).flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        lines.push(format!("{:<18} {text}", key.replace('_', " ")));
    }
    output.result(&json!({ "device": device.name(), "identity": identity, "counters": counters }), &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// An identity for programs.
pub fn identity(identity: &Identity) -> Value {
    json!({
        "preset": identity.preset,
        "build_id": format!("{:#018x}", identity.build_id),
        "abi": format!("{}.{}", hotloop_regs::ABI >> 16, hotloop_regs::ABI & 0xffff),
        "map_hash": format!("{:#018x}", hotloop_regs::MAP_HASH),
        "parameter_sets": identity.sets.iter().map(|s| s.name()).collect::<Vec<_>>(),
        "ntt_lanes": identity.lanes,
        "ntt_max_log": identity.max_log,
        "ntt_max_log_cosets": identity.max_log_cosets,
        "ntt_multipliers": identity.ntt_multipliers,
        "poseidon_units": identity.poseidon_units,
        "poseidon_full_sboxes": identity.poseidon_full_sboxes,
        "poseidon_partial_sboxes": identity.poseidon_partial_sboxes,
        "poseidon_multipliers": identity.poseidon_multipliers,
        "tile_rows": identity.tile_rows,
        "commit_log": identity.commit_log,
        "fold_max_log": identity.fold_max_log,
        "fold_multipliers": identity.fold_multipliers,
    })
}
