//! The command as a user and a script see it: output, files, exit status.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// A folder of its own for each test, removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hotloop-cli-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn is_empty(&self) -> bool {
        std::fs::read_dir(&self.0).unwrap().next().is_none()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.args(args).stdin(Stdio::null());
    command
}

fn hotloop(args: &[&str]) -> Output {
    command(args).output().unwrap()
}

/// The one object on standard output.
fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stdout)))
}

fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn has_keys(object: &Value, keys: &[&str]) {
    for key in keys {
        assert!(object.get(key).is_some(), "`{key}` is missing in {object:#}");
    }
}

fn prove(device: &str, out: &str, more: &[&str]) -> Output {
    let mut args = vec!["prove", "--device", device, "--log-rows", "5", "--out", out, "--json"];
    args.extend(more);
    hotloop(&args)
}

#[test]
fn a_proof_on_the_board_is_the_cpus_and_says_what_was_offloaded() {
    let folder = Folder::new("prove");
    let (p, q) = (folder.path("p.bin"), folder.path("q.bin"));
    let sim = prove("sim", &p, &[]);
    assert!(sim.status.success(), "{}", error_text(&sim));
    let object = json(&sim);
    has_keys(&object, &["verified", "device", "parameter_set", "seconds", "offload", "proof_bytes"]);
    has_keys(&object["seconds"], &["total"]);
    let offload = ["jobs", "permutations", "butterflies", "cycles", "bytes_to_device", "bytes_from_device", "share"];
    has_keys(&object["offload"], &offload);
    assert_eq!(object["verified"], true);
    assert_eq!(object["parameter_set"], "plonky2-v1");
    assert!(object["offload"]["share"].as_f64().unwrap() > 0.9);
    assert_eq!(object["proof_bytes"].as_u64().unwrap(), std::fs::metadata(&p).unwrap().len());

    let cpu = prove("cpu", &q, &[]);
    assert!(cpu.status.success(), "{}", error_text(&cpu));
    assert_eq!(json(&cpu)["offload"]["jobs"], 0);
    assert!(std::fs::read(&p).unwrap() == std::fs::read(&q).unwrap(), "the proofs differ");

    let hashing = prove("sim", &p, &["--offload", "hashing", "--check", "full"]);
    assert!(hashing.status.success(), "{}", error_text(&hashing));
    assert!(std::fs::read(&p).unwrap() == std::fs::read(&q).unwrap(), "the proofs differ");
}

#[test]
fn verify_tells_valid_from_changed_from_wrong_calls() {
    let folder = Folder::new("verify");
    let p = folder.path("p.bin");
    assert!(prove("cpu", &p, &[]).status.success());
    let valid = hotloop(&["verify", &p, "--json"]);
    assert_eq!(valid.status.code(), Some(0));
    assert_eq!(json(&valid)["valid"], true);

    let bytes = std::fs::read(&p).unwrap();
    for at in [0, 12, 40, bytes.len() / 2, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&p, changed).unwrap();
        let output = hotloop(&["verify", &p, "--json"]);
        assert_eq!(output.status.code(), Some(1), "byte {at}");
        assert_eq!(json(&output)["valid"], false);
    }
    for length in [0, 7, bytes.len() / 3, bytes.len() - 1] {
        std::fs::write(&p, &bytes[..length]).unwrap();
        assert_eq!(hotloop(&["verify", &p]).status.code(), Some(1), "cut to {length} bytes");
    }
    assert_eq!(hotloop(&["verify", &folder.path("none.bin")]).status.code(), Some(2));
    assert_eq!(hotloop(&["verify"]).status.code(), Some(2));
    assert_eq!(hotloop(&["frobnicate"]).status.code(), Some(2));
}

#[test]
fn wrong_calls_and_unwritable_places_are_said_before_work_begins() {
    let folder = Folder::new("refuse");
    let p = folder.path("p.bin");
    for (args, code, says) in [
        (vec!["--device", "sim", "--air", "nonsense"], 2, "nonsense"),
        (vec!["--device", "sim", "--air", "wide", "--columns", "7"], 2, "columns"),
        (vec!["--device", "sim", "--log-rows", "99"], 2, "rows"),
        (vec!["--device", "gpu"], 1, "gpu"),
        (vec!["--device", "sim:none"], 1, "none"),
        (vec!["--device", "vfio:ffff:ff:1f.7"], 1, "vfio"),
        (vec!["--device", "vfio-user:/nowhere/board.sock"], 1, "hotloop sim serve"),
        (vec!["--device", "sim:link"], 1, "transform engine"),
        (vec!["--device", "sim", "--air", "wide", "--columns", "400", "--log-rows", "22"], 1, "memory_limit"),
        (vec!["--device", "cpu", "--trace", "t.vcd"], 2, "trace"),
    ] {
        let mut all = vec!["prove", "--out", &p, "--json"];
        all.extend(&args);
        let output = hotloop(&all);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", error_text(&output));
        assert!(error_text(&output).contains(says), "{args:?}: {}", error_text(&output));
        has_keys(&json(&output), &["error"]);
    }
    for place in ["/nowhere/p.bin", &folder.path("")] {
        let output = hotloop(&["prove", "--device", "cpu", "--log-rows", "5", "--out", place]);
        assert_eq!(output.status.code(), Some(1), "{place}");
        assert!(error_text(&output).contains("cannot write"), "{}", error_text(&output));
    }
    assert!(folder.is_empty(), "something was left behind");
}

#[test]
fn an_interrupted_proof_leaves_nothing_behind() {
    let folder = Folder::new("interrupt");
    let p = folder.path("p.bin");
    let mut child = command(&["prove", "--device", "sim", "--log-rows", "12", "--out", &p]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(700));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let deadline = Instant::now() + Duration::from_secs(60);
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(!status.success());
    assert!(folder.is_empty(), "something was left behind");
}

#[test]
fn a_waveform_is_written_on_request() {
    let folder = Folder::new("trace");
    let (p, t) = (folder.path("p.bin"), folder.path("t.vcd"));
    let output = prove("sim", &p, &["--trace", &t, "--trace-from", "3000", "--trace-cycles", "200"]);
    assert!(output.status.success(), "{}", error_text(&output));
    let waveform = std::fs::read_to_string(&t).unwrap();
    assert!(waveform.contains("$enddefinitions") && waveform.contains("m_araddr"), "not a waveform of the board");
}

#[test]
fn devices_selftest_and_bench_answer_in_json() {
    let devices = json(&hotloop(&["devices", "--json"]));
    assert_eq!(devices["devices"][1]["name"], "sim");
    assert_eq!(devices["devices"][1]["usable"], true);
    let selftest = hotloop(&["selftest", "--device", "sim", "--vectors", "200", "--json"]);
    let object = json(&selftest);
    has_keys(&object, &["passed", "failed", "checks"]);
    assert_eq!(object["failed"], 0, "{object:#}");
    assert_eq!(selftest.status.code(), Some(0));
    assert_eq!(hotloop(&["selftest", "--device", "cpu"]).status.code(), Some(2));

    let bench = json(&hotloop(&["bench", "--device", "sim", "--suite", "engines", "--json"]));
    assert_eq!(bench["preset"], "sim");
    let rows = bench["rows"].as_array().unwrap();
    for row in rows {
        has_keys(row, &["name", "value", "unit", "cycles", "multipliers", "method", "goal"]);
        // Cycles and cells are exact, so the goals are no timing test; only the simulator's own speed is.
        let timing = row["unit"].as_str().unwrap().starts_with("seconds");
        assert!(timing || row["reached"] != false, "{row:#}");
    }
    let goals = rows.iter().filter(|row| row["goal"].is_number()).count();
    assert_eq!(goals, 11, "every figure with a goal is there: {bench:#}");
}

/// What a device is, and how it is; with the manifest of what it runs, the time that it has run.
#[test]
fn status_has_identity_link_counters_and_the_clock_of_a_manifest() {
    let folder = Folder::new("status");
    let dir = folder.path("");
    let status = |device: &str| json(&hotloop(&["status", "--device", device, "--dir", &dir, "--json"]));
    let object = status("sim:sim@gen2x4");
    let link = serde_json::json!({ "generation": 2, "lanes": 4, "most_generation": 2, "most_lanes": 4 });
    assert_eq!(object["link"], link, "the simulated board's configuration space");
    assert_eq!(object["identity"]["preset"], "sim");
    assert_eq!(object["identity"]["parameter_sets"], serde_json::json!(["plonky2-v1"]));
    assert_eq!(object["fault"], serde_json::json!({ "code": 0, "name": "none" }));
    assert!(object["monitor"].is_null() && object["monitor_reason"].is_string());
    let cycles = object["counters"]["cycles"].as_u64().unwrap();
    assert!(cycles > 0 && object["counters"]["jobs"] == 0);
    let busy = object["counters"]["busy_cycles"].as_u64().unwrap();
    assert_eq!(object["utilisation"]["board"].as_f64().unwrap(), busy as f64 / cycles as f64);
    assert_eq!(object["utilisation"]["poseidon"], 0.0, "there is an engine, and it rests");
    assert!(object["image"].is_null() && object["uptime_seconds"].is_null(), "nobody knows the clock");
    assert!(status("sim:link")["utilisation"]["ntt"].is_null(), "there is no engine");

    // The manifest of another build is not this board's.
    let share = serde_json::json!({ "used": 0, "available": 1 });
    let mut manifest = serde_json::json!({
        "manifest_version": 1, "kind": "bitstream", "board": "kc705", "part": "any", "idcode": "0x00000001",
        "file": "any.bit", "format": "bit", "sha256": "00".repeat(32), "size": 1, "abi": "1.1",
        "register_map_hash": "0x0000000000000000", "build_id": "0x0000000000000001", "interface_uuid": "",
        "accelerator_uuid": "", "tools": {}, "clock_mhz": 100.0, "flash": { "offset": 0, "slot": "user" },
        "utilisation": {
            "source": "routed", "multipliers": share, "memories": share, "luts": share, "registers": share,
        },
        "features": { "preset": "sim", "sets": [] },
    });
    std::fs::write(folder.path("other.bitstream.json"), manifest.to_string()).unwrap();
    assert_eq!(json(&hotloop(&["bitstream", "show", &folder.path("other.bitstream.json"), "--json"]))["size"], 1);
    assert!(status("sim")["image"].is_null());
    manifest["build_id"] = object["identity"]["build_id"].clone();
    manifest["clock_mhz"] = 200.0.into();
    std::fs::write(folder.path("this.bitstream.json"), manifest.to_string()).unwrap();
    let known = status("sim");
    assert_eq!(known["image"]["clock_mhz"], 200.0);
    let seconds = known["counters"]["cycles"].as_u64().unwrap() as f64 / 200e6;
    assert_eq!(known["uptime_seconds"].as_f64().unwrap(), seconds);

    let text = hotloop(&["info", "--device", "sim", "--dir", &dir]);
    let text = String::from_utf8(text.stdout).unwrap();
    for words in ["this.bitstream.json", "gen3x", "monitor                  none", "fault                    none"] {
        assert!(text.contains(words), "`{words}` is missing:\n{text}");
    }
    assert_eq!(hotloop(&["status", "--device", "cpu"]).status.code(), Some(2));
}

#[test]
fn emitted_verilog_is_clean_in_verilator_and_yosys() {
    let folder = Folder::new("emit");
    let v = folder.path("v");
    let output = hotloop(&["emit", "--preset", "sim", "--out", &v, "--json"]);
    assert!(output.status.success(), "{}", error_text(&output));
    assert_eq!(json(&output)["multipliers"], 62);
    let files = |ending: &str| -> Vec<PathBuf> {
        let all = std::fs::read_dir(&v).unwrap().map(|entry| entry.unwrap().path());
        all.filter(|path| path.extension().is_some_and(|e| e == ending)).collect()
    };
    let waivers = std::fs::read_to_string(&files("vlt")[0]).unwrap();
    let mut before = "";
    for line in waivers.lines() {
        let has_reason = before.starts_with("//") || before.starts_with("lint_off");
        assert!(!line.starts_with("lint_off") || has_reason, "a waiver without a reason: {line}");
        before = line;
    }
    run("verilator", |c| {
        c.args(["--lint-only", "-Wall", "--top-module", "accelerator"]).args(files("v")).args(files("vlt"))
    });
    let script = format!(
        "read_verilog {v}/*.v; hierarchy -check -top accelerator; proc; check -assert; select -assert-none t:$dlatch"
    );
    run("yosys", |c| c.args(["-q", "-p", &script]));
    let map: Value = serde_json::from_str(&std::fs::read_to_string(Path::new(&v).join("regs.json")).unwrap()).unwrap();
    has_keys(&map, &["registers", "descriptor", "completion", "opcodes", "errors", "faults"]);

    assert_eq!(hotloop(&["emit", "--preset", "none", "--out", &v]).status.code(), Some(2));
    assert_eq!(hotloop(&["emit", "--out", "/proc/nowhere"]).status.code(), Some(1));
}

#[test]
fn presets_are_listed_with_estimates_and_can_be_emitted() {
    let folder = Folder::new("presets");
    let list = json(&hotloop(&["presets", "--json"]));
    let presets = list["presets"].as_array().unwrap();
    assert!(presets.len() >= 6, "{list:#}");
    for preset in presets {
        has_keys(preset, &["preset", "part", "clock_mhz_assumed", "lanes", "units", "area"]);
        let area = &preset["area"];
        has_keys(area, &["kind", "estimate", "capacity", "percent"]);
        assert_eq!(area["kind"], "estimate");
    }
    let (name, v) = (presets[0]["preset"].as_str().unwrap(), folder.path("v"));
    let emitted = json(&hotloop(&["emit", "--preset", name, "--out", &v, "--json"]));
    assert_eq!(emitted["area"], presets[0]["area"], "one estimate for a preset");
    let page = folder.path("presets.md");
    assert!(hotloop(&["presets", "--docs", &page]).status.success());
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(presets.iter().all(|p| text.contains(p["part"].as_str().unwrap())), "{text}");
}

/// Runs a tool that `make test` installs; its absence is a failure, not a pass.
fn run(tool: &str, args: impl FnOnce(&mut Command) -> &mut Command) {
    let mut command = Command::new(tool);
    let output =
        args(&mut command).output().unwrap_or_else(|e| panic!("{tool}: {e}; `scripts/setup.sh yosys` installs it"));
    let text = [output.stdout, output.stderr].map(|b| String::from_utf8_lossy(&b).into_owned()).concat();
    assert!(output.status.success() && text.trim().is_empty(), "{tool}: {text}");
}
