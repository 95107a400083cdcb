//! `hotloop status`: what a device is, and how it is.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hotloop::Identity;
use hotloop_boards::manifest::{Kind, Manifest};
use hotloop_driver::{Counters, LinkState, MonitorState};
use hotloop_regs::Fault;
use serde_json::{json, Value};

use crate::{
    bitstream::{manifests, OUT},
    open,
    output::{Failure, Output},
    DeviceArgs,
};

/// Which device, and where its image may be described.
#[derive(Args)]
pub struct StatusArgs {
    #[command(flatten)]
    device: DeviceArgs,
    /// Folder of manifests: the one with the board's build identity says what clock it has.
    #[arg(long, default_value = OUT)]
    dir: PathBuf,
}

/// Shows a device.
pub fn run(args: &StatusArgs, output: &Output) -> Result<ExitCode, Failure> {
    let device = open(&args.device.device)?;
    let board = device.board();
    let link = board.link().map_err(Failure::new)?;
    let fault = board.fault_code().map_err(Failure::new)?;
    let monitor = board.monitor().map_err(Failure::new)?;
    let no_monitor = no_monitor(&monitor);
    let counters = device.counters().map_err(Failure::new)?;
    let images = images_of(device.identity(), &args.dir)?;
    let identity = identity(device.identity());
    let shares = utilisation(device.identity(), &counters);
    // The same accelerator may be there for several boards, and only one of them is this one.
    let (image, unknown) = match &images[..] {
        [image] => (Some(image), String::new()),
        [] => (None, format!("no manifest in {} has this build", args.dir.display())),
        several => {
            let names: Vec<String> = several.iter().map(|(path, _)| path.display().to_string()).collect();
            (None, format!("several manifests have this build: {}", names.join(", ")))
        }
    };
    let clock_mhz = image.map(|(_, manifest)| manifest.clock_mhz);
    let uptime = clock_mhz.map(|mhz| counters.cycles as f64 / (mhz * 1e6));
    let object = json!({
        "device": device.name(),
        "identity": identity,
        "image": image.map(|(path, manifest)| json!({
            "manifest": path,
            "board": manifest.board,
            "clock_mhz": manifest.clock_mhz,
        })),
        "link": link.as_ref().map(link_json),
        "monitor": monitor_json(&monitor),
        "monitor_reason": no_monitor,
        "fault": { "code": fault, "name": fault_name(fault) },
        "counters": counters_json(&counters),
        "utilisation": shares,
        "uptime_seconds": uptime,
    });

    let or_none = |text: Option<String>, reason: &str| text.unwrap_or_else(|| format!("none: {reason}"));
    let mut lines = vec![line("device", device.name())];
    lines.extend(object_lines(&identity));
    let described = image.map(|(path, manifest)| format!("{} for {}", path.display(), manifest.board));
    lines.push(line("image", &or_none(described, &unknown)));
    lines.push(line("link", &or_none(link.map(link_text), "no PCI Express")));
    lines.push(line("monitor", &or_none(monitor_text(&monitor), no_monitor.as_deref().unwrap_or_default())));
    lines.push(line("fault", fault_name(fault)));
    lines.extend(object_lines(&counters_json(&counters)));
    for (engine, share) in shares.as_object().into_iter().flatten() {
        let percent = share.as_f64().map(|share| format!("{:.1} % of the cycles", 100.0 * share));
        lines.push(line(&format!("busy: {engine}"), &or_none(percent, "this board has no such engine")));
    }
    let seconds = uptime.map(|seconds| format!("{seconds:.3} s since the device was opened"));
    lines.push(line("uptime", &or_none(seconds, "the clock is not known without the image's manifest")));
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

fn line(key: &str, text: &str) -> String {
    format!("{key:<24} {text}")
}

fn object_lines(object: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    object.as_object().into_iter().flatten().map(|(key, value)| line(&key.replace('_', " "), &text(value))).collect()
}

/// The manifests of images that a board of this identity may run: of its build, and for its part, where there is one.
/// Manifests that cannot be read are another matter.
fn images_of(identity: &Identity, folder: &Path) -> Result<Vec<(PathBuf, Manifest)>, Failure> {
    let paths = manifests(folder)?.into_iter();
    let read = paths.filter_map(|path| Manifest::load(&path).ok().map(|manifest| (path, manifest)));
    let its = |manifest: &Manifest| {
        let part = identity.part_idcode == 0 || manifest.idcode.0 == identity.part_idcode;
        manifest.kind == Kind::Bitstream && manifest.build_id.0 == identity.build_id && part
    };
    Ok(read.filter(|(_, manifest)| its(manifest)).collect())
}

fn link_json(link: &LinkState) -> Value {
    json!({
        "generation": link.generation,
        "lanes": link.lanes,
        "most_generation": link.most_generation,
        "most_lanes": link.most_lanes,
    })
}

fn link_text(link: LinkState) -> String {
    let LinkState { generation, lanes, most_generation, most_lanes } = link;
    format!("gen{generation}x{lanes} of gen{most_generation}x{most_lanes}")
}

/// Why there is neither temperature nor voltage, where there is none.
fn no_monitor(monitor: &MonitorState) -> Option<String> {
    Some(match monitor {
        MonitorState::Answers(_) => return None,
        MonitorState::Absent => "nothing on this board reads a monitor of temperature and voltage".into(),
        MonitorState::Silent(kind) => format!("the part's {} does not answer", kind.name()),
        MonitorState::Unknown(code) => format!("a monitor of kind {code}, which this version does not know"),
    })
}

fn monitor_json(monitor: &MonitorState) -> Value {
    let MonitorState::Answers(reading) = monitor else { return Value::Null };
    let rounded = |value: f64, digits: f64| (value * digits).round() / digits;
    json!({
        "kind": reading.kind.name(),
        "reference": if reading.on_chip { "on-chip" } else { "external" },
        "celsius": rounded(reading.celsius, 10.0),
        "vccint_volts": rounded(reading.vccint, 1000.0),
        "vccaux_volts": rounded(reading.vccaux, 1000.0),
    })
}

fn monitor_text(monitor: &MonitorState) -> Option<String> {
    let MonitorState::Answers(r) = monitor else { return None };
    let (celsius, vccint, vccaux) = (r.celsius, r.vccint, r.vccaux);
    Some(format!("{celsius:.1} °C, VCCINT {vccint:.3} V, VCCAUX {vccaux:.3} V ({})", r.kind.name()))
}

fn fault_name(code: u32) -> &'static str {
    match (code, Fault::from_code(code)) {
        (0, _) => "none",
        (_, Some(fault)) => fault.name(),
        (_, None) => "unknown",
    }
}

fn counters_json(c: &Counters) -> Value {
    json!({
        "cycles": c.cycles,
        "busy_cycles": c.busy_cycles,
        "jobs": c.jobs,
        "bytes_read": c.bytes_read,
        "bytes_written": c.bytes_written,
        "permutations": c.permutations,
        "poseidon_cycles": c.poseidon_cycles,
        "ntt_beats": c.ntt_beats,
        "ntt_cycles": c.ntt_cycles,
    })
}

/// Cycles with work under way out of all, of the board and of each engine that it has. The counters are read one after the
/// other, `cycles` first; a board that works meanwhile must not seem to work more than always.
fn utilisation(identity: &Identity, c: &Counters) -> Value {
    let share = |busy: u64| (c.cycles > 0).then(|| (busy as f64 / c.cycles as f64).min(1.0));
    json!({
        "board": share(c.busy_cycles),
        "ntt": share(c.ntt_cycles).filter(|_| identity.lanes > 0),
        "poseidon": share(c.poseidon_cycles).filter(|_| identity.poseidon_units > 0),
    })
}

/// An identity for programs.
pub fn identity(identity: &Identity) -> Value {
    json!({
        "preset": identity.preset,
        "build_id": format!("{:#018x}", identity.build_id),
        "part_idcode": format!("{:#010x}", identity.part_idcode),
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

#[cfg(test)]
mod tests {
    use super::*;
    use hotloop_regs::{Monitor, MonitorKind};

    #[test]
    fn a_monitor_is_shown_with_its_units_or_with_the_reason() {
        let kind = u64::from(MonitorKind::Sysmone4.code()) << Monitor::kind.bit;
        let codes = 0xb794 << Monitor::temperature.bit | 0x48e8 << Monitor::vccint.bit | 0x9999 << Monitor::vccaux.bit;
        let there = MonitorState::decode(kind | codes | 1 << Monitor::present.bit | 1 << Monitor::on_chip.bit);
        assert_eq!(monitor_text(&there).unwrap(), "85.0 °C, VCCINT 0.854 V, VCCAUX 1.800 V (sysmone4)");
        let object = json!({
            "kind": "sysmone4",
            "reference": "on-chip",
            "celsius": 85.0,
            "vccint_volts": 0.854,
            "vccaux_volts": 1.8,
        });
        assert_eq!((monitor_json(&there), no_monitor(&there)), (object, None));
        for (register, reason) in [(0, "nothing on this board"), (kind | codes, "sysmone4 does not answer")] {
            let state = MonitorState::decode(register);
            assert!(monitor_json(&state).is_null() && monitor_text(&state).is_none());
            assert!(no_monitor(&state).unwrap().contains(reason), "{state:?}");
        }
    }
}
