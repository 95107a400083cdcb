//! `hotloop bitstream build` of an ECP5 board with a small accelerator: the open flow from Rust to a bitstream, with the
//! tools of this machine or, where it has none, YoWASP's. Where those cannot be had, the tests say so and pass, unless `CI`
//! is set.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use hotloop_boards::{find, manifest::Manifest, verify};
use serde_json::Value;

/// A folder of the test's own.
fn folder(test: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ecp5-{test}"));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// Bus and rings alone, on an 85F, at half the clock.
fn build(folder: &Path) -> Command {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ecp5-tools");
    let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
    command.args(["bitstream", "build", "ecpix5-85", "--preset", "link", "--limit", "20", "--json"]);
    command.arg("--tools").arg(tools).arg("--out").arg(folder).stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The result, or `None` where the tools cannot be had here.
fn done(output: &Output) -> Option<()> {
    let reason = text(&output.stderr);
    match reason.contains("YoWASP's cannot be had") {
        true => hotloop_guest::machine::Bundle::or_skip::<()>(Err(reason)),
        false => Some(()),
    }
}

#[test]
fn the_same_sources_make_the_same_image_and_its_manifest_holds() {
    let (one, two) = (folder("one"), folder("two"));
    let output = build(&one).args(["--clock", "75"]).output().unwrap();
    if done(&output).is_none() {
        return;
    }
    assert!(output.status.success(), "{}", text(&output.stderr));
    let built: Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = one.join("ecpix5-85-link.bitstream.json");
    let manifest = Manifest::load(&path).unwrap();
    assert_eq!(built["image"], serde_json::to_value(&manifest).unwrap());
    assert_eq!((manifest.clock_mhz, manifest.seed), (75.0, Some(1)));
    assert!(manifest.fmax_mhz.unwrap() >= 75.0);
    let luts = manifest.utilisation.luts;
    assert!(luts.used > 1000 && luts.used < luts.available, "{luts:?}");
    assert_eq!(manifest.tools.len(), 4, "hotloop, yosys, nextpnr-ecp5, ecppack: {:?}", manifest.tools);
    let board = find("ecpix5-85", None).unwrap();
    let against =
        verify::Against { board: Some(&board), map_hash: hotloop_regs::MAP_HASH, trusted: &[], require_signed: false };
    for finding in verify::verify(&path, &manifest, &against).unwrap() {
        assert!(finding.ok, "{}: {}", finding.check, finding.detail);
    }
    // The user code: the low half of the build's identity.
    let bytes = std::fs::read(one.join("ecpix5-85-link.bit")).unwrap();
    let code = (manifest.build_id.0 as u32).to_be_bytes();
    assert!(bytes.windows(8).any(|w| w[0] == 0xc2 && w[4..] == code), "no ISC_PROGRAM_USERCODE with the build's");

    let again = build(&two).args(["--clock", "75"]).output().unwrap();
    assert!(again.status.success(), "{}", text(&again.stderr));
    let again: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(again["image"]["sha256"], built["image"]["sha256"], "another image of the same sources");
}

/// Ctrl-C ends the tools, and leaves neither image nor manifest.
#[test]
fn ctrl_c_ends_it() {
    let folder = folder("interrupted");
    let child = build(&folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let work = folder.join("ecpix5-85-link-work");
    let start = Instant::now();
    while !work.join("top.v").exists() {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(300));
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    let signalled = Instant::now();
    let output = child.wait_with_output().unwrap();
    if done(&output).is_none() {
        return;
    }
    assert!(signalled.elapsed() < Duration::from_secs(20));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("interrupted"), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "the tools' folder alone");
}

#[test]
fn wrong_calls_are_refused() {
    for (args, status, words) in [
        (&["ecpix5-85", "--preset", "none"][..], 2, "there is no preset `none`"),
        (&["ecpix5-85", "--clock", "0.5"], 2, "no dividers"),
        (&["kc705", "--preset", "link"], 2, "for ECP5 boards"),
        (&["ecpix5-85", "--limit", "0"], 2, "--limit"),
    ] {
        let folder = folder("wrong");
        let output = Command::new(env!("CARGO_BIN_EXE_hotloop"))
            .args(["bitstream", "build"])
            .args(args)
            .current_dir(&folder)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(status), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(words), "{args:?}: {}", text(&output.stderr));
    }
}
