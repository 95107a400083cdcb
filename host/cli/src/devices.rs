//! `hotloop devices` and `hotloop info`.

use std::process::ExitCode;

use hotloop::Identity;
use hotloop_driver::{Board, Sysfs};
use serde_json::{json, Value};

use crate::{
    open,
    output::{Failure, Output},
    DeviceArgs,
};

/// Boards of the parameter sets that only a build with the feature `sets` has.
const SET_BOARDS: [(&str, &str); 3] =
    [("sim-v0", "plonky2-v0"), ("sim-p3", "plonky3-goldilocks"), ("sim-mid", "miden")];

/// Lists what is here: the simulated boards of this build, and boards in slots.
pub fn list(output: &Output) -> Result<ExitCode, Failure> {
    let mut devices = vec![json!({ "name": "cpu", "kind": "the prover library itself", "usable": true })];
    let (here, mut others) = (hotloop::presets(), vec!["sim".to_owned()]);
    others.extend(SET_BOARDS.iter().map(|(preset, _)| preset.to_string()));
    others.retain(|preset| !here.contains(preset));
    for preset in here {
        let name = if preset == "sim" { preset } else { format!("sim:{preset}") };
        devices.push(match open_any(&name) {
            Ok(identity) => {
                json!({ "name": name, "kind": "simulated board", "usable": true, "identity": identity })
            }
            Err(failure) => unusable(&name, "simulated board", failure.text()),
        });
    }
    for preset in others {
        let name = if preset == "sim" { preset } else { format!("sim:{preset}") };
        let reason = match SET_BOARDS.iter().find(|(board, _)| name.ends_with(board)) {
            Some((_, set)) => format!("set {set} is not in this build; build hotloop-cli with `--features sets`"),
            None => "not in this build; install Verilator and build again".into(),
        };
        devices.push(unusable(&name, "simulated board", &reason));
    }
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

fn unusable(name: &str, kind: &str, reason: &str) -> Value {
    json!({ "name": name, "kind": kind, "usable": false, "reason": reason })
}

/// The identity of a board, whatever its parameter sets.
fn open_any(name: &str) -> Result<Value, Failure> {
    let preset = name.strip_prefix("sim:").unwrap_or(name);
    let board = hotloop_sim::open_sim(preset).map_err(Failure::new)?;
    Ok(identity(Board::open(board).map_err(Failure::new)?.identity()))
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

fn identity(identity: &Identity) -> Value {
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
