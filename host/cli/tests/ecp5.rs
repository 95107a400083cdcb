//! `hotloop bitstream build` of an ECP5 board with a small accelerator: the open flow from Rust to a bitstream, with the
//! tools of this machine or, where it has none, YoWASP's. Where those cannot be had, the tests say so and pass, unless `CI`
//! is set.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use hotloop_boards::{find, manifest::Manifest, verify};
use hotloop_flash_tests::Bench;
use hotloop_jtag::{Ecp5, Part, Server};
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
fn an_image_holds_and_is_flashed() {
    let one = folder("one");
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

    flashed(&path, &manifest);
}

/// In `make test-long`: two more runs of place and route.
#[test]
#[ignore = "minutes more: make test-long"]
fn the_same_sources_make_the_same_image() {
    let sums = ["first", "second"].map(|name| {
        let output = build(&folder(name)).args(["--clock", "75"]).output().unwrap();
        done(&output)?;
        assert!(output.status.success(), "{}", text(&output.stderr));
        let built: Value = serde_json::from_slice(&output.stdout).unwrap();
        Some(built["image"]["sha256"].clone())
    });
    assert_eq!(sums[0], sums[1], "another image of the same sources");
}

/// The image through stock openFPGALoader into the model of its part, which then says who it holds; with a byte changed,
/// or for another part, it is refused.
fn flashed(path: &Path, manifest: &Manifest) {
    let Some(bench) = Bench::get(env!("CARGO_TARGET_TMPDIR")) else { return };
    let paths = format!("{}:{}", bench.tools.display(), std::env::var("PATH").unwrap_or_default());
    let flash = |path: &Path, part: &str| {
        let server = Server::start("127.0.0.1:0", Ecp5::new(Part::by_name(part).unwrap(), None)).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.arg("flash").arg(path).args(["--json", "--cable", &format!("xvc:{}", server.address())]);
        let output = command.env("PATH", &paths).stdin(Stdio::null()).output().unwrap();
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        let device = server.device();
        (output.status.code(), object, device.status().done(), device.configuration().usercode)
    };
    let (status, object, done, usercode) = flash(path, "LFE5UM5G-85F");
    assert_eq!((status, done, usercode), (Some(0), true, manifest.build_id.0 as u32), "{object:#}");
    assert_eq!(object["verified"], "usercode");

    let (status, object, done, _) = flash(path, "LFE5U-85F");
    assert_eq!((status, done), (Some(1), false));
    assert!(object["error"].as_str().unwrap().contains("wrong part"), "{object:#}");

    // A manifest that fits the changed file: the part's own checksum remains.
    let other = folder("flipped");
    let mut bytes = std::fs::read(manifest.file_beside(path)).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = Manifest { sha256: hotloop_boards::manifest::sha256(&bytes), ..manifest.clone() };
    std::fs::write(other.join(&changed.file), bytes).unwrap();
    let path = other.join("flipped.bitstream.json");
    std::fs::write(&path, changed.to_json().unwrap()).unwrap();
    let (status, object, done, _) = flash(&path, "LFE5UM5G-85F");
    assert_eq!((status, done), (Some(1), false));
    assert!(object["error"].as_str().unwrap().contains("CRC ERR"), "{object:#}");
}

/// Ctrl-C ends the tools, and leaves nothing.
#[test]
fn ctrl_c_ends_it() {
    let folder = folder("interrupted");
    let child = build(&folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let work = folder.join("ecpix5-85-link-work");
    let start = Instant::now();
    while !work.join("top.v").exists() {
        // Where there are no tools yet, the tests beside this one wait for their installation, too.
        assert!(start.elapsed() < Duration::from_secs(900));
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
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "image, manifest or the tools' folder");
}

/// A tool that is too old, or none at all: said before anything is built, with what to install.
#[test]
fn an_old_tool_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder("old");
    let tools = folder.join("tools");
    std::fs::create_dir_all(&tools).unwrap();
    for (name, says) in [
        ("yosys", "Yosys 0.52 (git sha1 fee39a3284c)"),
        ("nextpnr-ecp5", "\"nextpnr-ecp5\" -- Next Generation Place and Route (Version 0.4-1)"),
        ("ecppack", "Project Trellis ecppack Version 1.4-2"),
    ] {
        let path = tools.join(name);
        std::fs::write(&path, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let build = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.args(["bitstream", "build", "ecpix5-85", "--preset", "link", "--tools"]).arg(&tools);
        let output = command.arg("--out").arg(&folder).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        text(&output.stderr)
    };
    let said = build();
    assert!(said.contains("nextpnr-ecp5 0.4-1 ") && said.contains("is too old: 0.11 or later is needed"), "{said}");
    assert!(said.contains("apt-get install yosys nextpnr-ecp5 fpga-trellis"), "{said}");
    std::fs::write(tools.join("nextpnr-ecp5"), "#!/bin/sh\necho no library\nexit 127\n").unwrap();
    let said = build();
    assert!(said.contains("says no version of nextpnr-ecp5: no library"), "{said}");
}

#[test]
fn wrong_calls_are_refused() {
    for (args, status, words) in [
        (&["ecpix5-85", "--preset", "none"][..], 2, "there is no preset `none`"),
        (&["ecpix5-85", "--clock", "0.5"], 2, "no dividers"),
        (&["ecpix5-85", "--clock", "10"], 2, "10 MHz make no 3000000 bits a second"),
        (&["ecpix5-85", "--preset", "c1100"], 2, "a bus of 512 bits"),
        (&["ecpix5-85", "--image", "a.bit"], 2, "--image is for Xilinx boards"),
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
