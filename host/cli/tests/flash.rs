//! `hotloop flash` from end to end: stock openFPGALoader, real images, and the model of an ECP5 at a virtual cable.

mod common;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use hotloop_boards::manifest::Format;
use hotloop_flash_tests::{Bench, GOLDEN, GOLDEN_OFFSET, IDCODE, ONE, TWO};
use hotloop_jtag::{Ecp5, Part, Server, SpiFlash};
use serde_json::Value;

/// A bench, a part that runs its golden image, and a folder for manifests.
struct Lab {
    bench: Bench,
    server: Server,
    folder: PathBuf,
}

impl Lab {
    fn new(test: &str) -> Option<Lab> {
        let bench = Bench::get(env!("CARGO_TARGET_TMPDIR"))?;
        Some(Lab::with(bench, test, IDCODE))
    }

    fn with(bench: Bench, test: &str, idcode: u32) -> Lab {
        let mut flash = SpiFlash::new();
        bench.flash().iter().for_each(|(address, bytes)| flash.put(*address, bytes));
        let device = Ecp5::new(Part::by_idcode(idcode).unwrap(), Some(flash));
        let server = Server::start("127.0.0.1:0", device).unwrap();
        let folder = std::env::temp_dir().join(format!("hotloop-flash-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Lab { bench, server, folder }
    }

    /// An image with its manifest; the manifest's path.
    fn manifest(&self, image: &str, usercode: u32, change: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut bytes = self.bench.image(image);
        change(&mut bytes);
        let build_id = 0x0123_4567 << 32 | u64::from(usercode);
        let board = hotloop_boards::find("ecpix5-85", None).unwrap();
        common::manifest(&self.folder, &board, image, Format::Bit, build_id, &bytes)
    }

    fn command(&self, manifest: &str, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        let path = std::env::var("PATH").unwrap_or_default();
        command
            .args(["flash", manifest, "--json"])
            .args(words)
            .env("PATH", format!("{}:{path}", self.bench.tools.display()))
            .stdin(Stdio::null());
        if !words.contains(&"--cable") {
            command.arg("--cable").arg(format!("xvc:{}", self.server.address()));
        }
        command
    }

    fn flash(&self, manifest: &str, words: &[&str]) -> (Option<i32>, Value) {
        let start = Instant::now();
        let output = self.command(manifest, words).output().unwrap();
        println!("{words:?}: {:.2} s, {}", start.elapsed().as_secs_f64(), output.status);
        (output.status.code(), json(&output))
    }

    fn usercode(&self) -> u32 {
        self.server.device().configuration().usercode
    }

    fn untouched(&self) {
        let device = self.server.device();
        assert!(device.configuration().usercode == GOLDEN && device.status().done(), "the golden image still runs");
        self.golden_is_there(&device);
        assert!(device.flash().unwrap().bytes()[..0x40_0000].iter().all(|&byte| byte == 0xff));
    }

    fn golden_is_there(&self, device: &Ecp5) {
        let (flash, golden) = (device.flash().unwrap().bytes(), self.bench.image("golden.bit"));
        assert!(flash[GOLDEN_OFFSET..GOLDEN_OFFSET + golden.len()] == golden);
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| {
        panic!("{e}: {}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    })
}

fn error(object: &Value) -> &str {
    object["error"].as_str().unwrap_or_else(|| panic!("no error: {object:#}"))
}

#[test]
fn a_good_image_is_loaded_and_then_persists() {
    let Some(lab) = Lab::new("good") else { return };
    let one = lab.manifest("one.bit", ONE, |_| {});
    let (status, object) = lab.flash(&one, &[]);
    assert_eq!(status, Some(0), "{object:#}");
    assert_eq!(object["idcode"], "0x81113043", "{object:#}");
    assert_eq!((&object["verified"], &object["persisted"]), (&"usercode".into(), &false.into()));
    let steps: Vec<&str> = object["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["sha256", "idcode", "load", "read-back"]);
    assert_eq!(lab.usercode(), ONE);
    lab.server.device().power_cycle();
    lab.untouched();

    let two = lab.manifest("two.bit", TWO, |_| {});
    let (status, object) = lab.flash(&two, &["--persist"]);
    assert_eq!((status, &object["persisted"]), (Some(0), &true.into()), "{object:#}");
    lab.server.device().power_cycle();
    assert_eq!(lab.usercode(), TWO);
    lab.golden_is_there(&lab.server.device());
}

#[test]
fn a_changed_byte_is_refused_by_its_hash_and_by_the_part() {
    let Some(lab) = Lab::new("changed") else { return };
    let manifest = lab.manifest("one.bit", ONE, |_| {});
    let mut bytes = lab.bench.image("one.bit");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(lab.folder.join("one.bit"), bytes).unwrap();
    let (status, object) = lab.flash(&manifest, &["--persist"]);
    assert_eq!(status, Some(1));
    assert!(error(&object).contains("sha256") && error(&object).contains("nothing was touched"), "{object:#}");
    lab.untouched();

    // With a manifest to match: the part's own checksums.
    let manifest = lab.manifest("one.bit", ONE, |bytes| bytes[middle] ^= 1);
    let (status, object) = lab.flash(&manifest, &["--persist"]);
    assert_eq!(status, Some(1));
    assert!(error(&object).contains("CRC ERR"), "{object:#}");
    lab.server.device().power_cycle();
    lab.untouched();
}

#[test]
fn a_wrong_part_is_refused() {
    let Some(lab) = Lab::new("image") else { return };
    // The image is for another part than its manifest says.
    let manifest = lab.manifest("other-part.bit", ONE, |_| {});
    let (status, object) = lab.flash(&manifest, &[]);
    assert_eq!(status, Some(1));
    assert!(error(&object).contains("0x41113043 in the image, 0x81113043 in the manifest"), "{object:#}");
    lab.untouched();
    // Image and manifest are for another part than the attached one: another size, and the same without transceivers.
    for idcode in [0x4111_1043, 0x4111_3043] {
        let other = Lab::with(Bench::get(env!("CARGO_TARGET_TMPDIR")).unwrap(), &format!("part-{idcode:x}"), idcode);
        let (status, object) = other.flash(&other.manifest("one.bit", ONE, |_| {}), &["--persist"]);
        assert_eq!(status, Some(1));
        let text = error(&object);
        assert!(text.contains("wrong part") && text.contains("Nothing was touched"), "{text}");
        other.golden_is_there(&other.server.device());
    }
}

#[test]
fn what_runs_must_be_what_was_built() {
    let Some(lab) = Lab::new("identity") else { return };
    let manifest = lab.manifest("one.bit", TWO, |_| {});
    let (status, object) = lab.flash(&manifest, &["--persist"]);
    assert_eq!(status, Some(1));
    let text = error(&object);
    assert!(
        text.contains("0x10000001") && text.contains("0x10000002") && text.contains("flash is untouched"),
        "{text}"
    );
    // A build whose identity an empty part could have: nothing tells what runs, so nothing persists.
    let manifest = lab.manifest("one.bit", 0, |_| {});
    let (status, object) = lab.flash(&manifest, &["--persist"]);
    assert_eq!(status, Some(1));
    assert!(error(&object).contains("--verify-device"), "{object:#}");
    lab.server.device().power_cycle();
    lab.untouched();
}

/// A board on PCI Express is asked itself. The one asked here is simulated, and not what was loaded: what counts is who it
/// says it is.
#[cfg(feature = "sim")]
#[test]
fn a_device_is_asked_who_it_is() {
    let Some(lab) = Lab::new("device") else { return };
    let manifest = lab.manifest("one.bit", ONE, |_| {});
    let ask = ["--persist", "--verify-device", "sim"];
    let (status, object) = lab.flash(&manifest, &ask);
    assert_eq!(status, Some(1));
    let text = error(&object);
    assert!(text.contains("sim says build 0x") && text.contains("The flash is untouched"), "{text}");
    lab.server.device().power_cycle();
    lab.untouched();

    // An image of that build.
    let info =
        Command::new(env!("CARGO_BIN_EXE_hotloop")).args(["info", "--device", "sim", "--json"]).output().unwrap();
    let build_id = json(&info)["identity"]["build_id"].as_str().unwrap().to_owned();
    let text = std::fs::read_to_string(&manifest).unwrap();
    let changed = text.replace("0x0123456710000001", &build_id);
    assert_ne!(changed, text);
    std::fs::write(&manifest, changed).unwrap();
    let (status, object) = lab.flash(&manifest, &ask);
    assert_eq!(status, Some(0), "{object:#}");
    assert_eq!(object["verified"], "device");
    let last = object["steps"].as_array().unwrap().last().unwrap();
    assert!(last["step"] == "read-again" && last["text"].as_str().unwrap().contains(&build_id), "{object:#}");
}

#[test]
fn an_interrupted_write_is_recovered() {
    let Some(lab) = Lab::new("interrupted") else { return };
    let manifest = lab.manifest("two.bit", TWO, |_| {});
    lab.server.cut_after(4_000_000);
    let (status, object) = lab.flash(&manifest, &["--persist"]);
    assert_eq!(status, Some(1), "{object:#}");
    let text = error(&object);
    assert!(text.starts_with("persist: ") && text.contains("run the same command again"), "{text}");
    {
        let mut device = lab.server.device();
        let slot = &device.flash().unwrap().bytes()[..0x40_0000];
        assert!(slot[..256].iter().any(|&b| b != 0xff) && slot[200_000..].iter().all(|&b| b == 0xff), "half of it");
        lab.golden_is_there(&device);
        device.power_cycle();
    }
    assert_eq!(lab.usercode(), GOLDEN, "the board starts from its golden image");
    let (status, object) = lab.flash(&manifest, &["--persist"]);
    assert_eq!(status, Some(0), "{object:#}");
    lab.server.device().power_cycle();
    assert_eq!(lab.usercode(), TWO);
    lab.golden_is_there(&lab.server.device());
}

#[test]
fn ctrl_c_ends_the_tool_and_says_how_the_board_is() {
    let Some(lab) = Lab::new("ctrl-c") else { return };
    let manifest = lab.manifest("plain.bit", ONE, |_| {});
    let mut child =
        lab.command(&manifest, &["--persist"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    // Until it writes.
    while lab.server.device().flash().unwrap().bytes()[256] == 0xff {
        assert!(child.try_wait().unwrap().is_none() && start.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let object = json(&output);
    let text = error(&object);
    assert!(
        text.contains("interrupted; openFPGALoader was ended") && text.contains("golden image was not touched"),
        "{text}"
    );
    // Nothing writes any more.
    let written = || lab.server.device().flash().unwrap().bytes().iter().filter(|&&byte| byte != 0xff).count();
    std::thread::sleep(Duration::from_millis(200));
    let before = written();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(written(), before);
    lab.server.device().power_cycle();
    assert_eq!(lab.usercode(), GOLDEN);
}

#[test]
fn the_golden_slot_wants_an_override() {
    let Some(lab) = Lab::new("golden") else { return };
    let manifest = lab.manifest("one.bit", ONE, |_| {});
    let (status, object) = lab.flash(&manifest, &["--persist", "--slot", "golden"]);
    assert_eq!(status, Some(2));
    assert!(error(&object).contains("--golden-override"), "{object:#}");
    lab.untouched();
    let (status, object) = lab.flash(&manifest, &["--persist", "--slot", "golden", "--golden-override"]);
    assert_eq!(status, Some(0), "{object:#}");
    lab.server.device().power_cycle();
    assert_eq!(lab.usercode(), ONE, "no user image: the new golden one");
}

/// From an empty flash: what the command itself writes leads a part whose user image is broken to the golden one.
#[test]
fn the_golden_image_comes_with_the_page_that_leads_to_it() {
    let Some(lab) = Lab::new("jump") else { return };
    let blank = |worn: Option<usize>| {
        let mut flash = SpiFlash::new();
        // Half a user image: the part starts from nothing until the jump page is there.
        flash.put(0, &lab.bench.image("two.bit")[..0x1000]);
        worn.into_iter().for_each(|address| flash.wear(address, 0));
        *lab.server.device() = Ecp5::new(Part::by_idcode(IDCODE).unwrap(), Some(flash));
    };
    let (one, two) = (lab.manifest("one.bit", ONE, |_| {}), lab.manifest("two.bit", TWO, |_| {}));
    let golden = ["--persist", "--slot", "golden", "--golden-override"];

    // The page cannot be written.
    blank(Some(0xff_ff20));
    let (status, object) = lab.flash(&one, &golden);
    let text = error(&object);
    assert!(status == Some(1) && text.starts_with("jump: ") && text.contains("run the same command again"), "{text}");
    assert_eq!(lab.usercode(), 0);

    blank(None);
    let (status, object) = lab.flash(&one, &golden);
    assert_eq!(status, Some(0), "{object:#}");
    let steps: Vec<&str> = object["steps"].as_array().unwrap().iter().map(|s| s["step"].as_str().unwrap()).collect();
    assert_eq!(steps, ["sha256", "idcode", "load", "read-back", "persist", "jump"]);
    assert_eq!(lab.usercode(), ONE, "half a user image: the golden one was started");

    let (status, object) = lab.flash(&two, &["--persist"]);
    assert_eq!(status, Some(0), "{object:#}");
    let mut device = lab.server.device();
    device.power_cycle();
    assert_eq!(device.configuration().usercode, TWO);
    device.flash_mut().unwrap().put(0x8000, &[0; 16]);
    device.power_cycle();
    assert_eq!(device.configuration().usercode, ONE, "a broken user image: by the page to the golden one");
}

#[test]
fn a_dry_run_touches_nothing_and_wants_no_tool() {
    let Some(lab) = Lab::new("dry") else { return };
    let manifest = lab.manifest("one.bit", ONE, |_| {});
    let output = lab.command(&manifest, &["--persist", "--dry-run"]).env("PATH", "/nonexistent").output().unwrap();
    assert!(output.status.success());
    let object = json(&output);
    assert_eq!(object["installed"], false);
    let steps = object["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 5, "{object:#}");
    let load = steps[2]["command"].as_str().unwrap();
    assert!(load.starts_with("openFPGALoader -c xvc-client --ip 127.0.0.1 --port "), "{load}");
    assert!(steps[4]["command"].as_str().unwrap().contains("--write-flash --verify --offset 0 "));
    let golden = ["--persist", "--dry-run", "--slot", "golden", "--golden-override"];
    let (_, object) = lab.flash(&manifest, &golden);
    let step = &object["steps"][5];
    assert_eq!((&step["step"], object["steps"].as_array().unwrap().len()), (&"jump".into(), 6), "{object:#}");
    assert!(step["command"].as_str().unwrap().contains("--write-flash --verify --offset 16776960 "), "{step:#}");
    lab.untouched();
}

#[test]
fn the_model_is_a_command_and_keeps_its_flash_in_a_file() {
    let Some(lab) = Lab::new("command") else { return };
    let manifest = lab.manifest("two.bit", TWO, |_| {});
    let flash = lab.folder.join("flash.bin");
    let serve = || {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotloop"))
            .args(["sim", "jtag", "--listen", "127.0.0.1:0", "--json", "--flash"])
            .arg(&flash)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map(Result::unwrap);
        let mut text = String::new();
        for line in lines {
            text += &line;
            if line == "}" {
                break;
            }
        }
        (child, serde_json::from_str::<Value>(&text).unwrap())
    };
    let end = |mut child: std::process::Child| {
        assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        assert!(child.wait().unwrap().success());
    };
    let (child, object) = serve();
    assert_eq!((&object["done"], &object["idcode"]), (&false.into(), &"0x81113043".into()));
    let output =
        lab.command(&manifest, &["--persist", "--cable"]).arg(object["cable"].as_str().unwrap()).output().unwrap();
    assert!(output.status.success(), "{}", json(&output));
    end(child);
    lab.untouched();
    let (child, object) = serve();
    assert_eq!(object["done"], true, "it starts from its flash");
    end(child);
}

#[test]
fn errors_say_what_to_do() {
    let Some(lab) = Lab::new("errors") else { return };
    let manifest = lab.manifest("one.bit", ONE, |_| {});
    let output = lab.command(&manifest, &[]).env("PATH", "/nonexistent").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error(&json(&output)).contains("openFPGALoader is not installed: apt-get install openfpgaloader"));

    let said = |cable: &str| {
        let path = format!("{}:/usr/bin:/bin", lab.bench.tools.display());
        let output = Command::new(env!("CARGO_BIN_EXE_hotloop"))
            .args(["flash", &manifest, "--json", "--cable", cable])
            .env("PATH", path)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        error(&json(&output)).to_owned()
    };
    let text = said("xvc:127.0.0.1:9");
    assert!(text.contains("nobody serves a virtual cable there"), "{text}");
    // No cable of this make here: on a machine that has one, it is another part's or another board's.
    let text = said("digilent_hs2");
    assert!(text.contains("is the board's USB cable plugged in") || Path::new("/dev/bus/usb").exists(), "{text}");
    let text = said("spi:vfio-user:/nobody/serves.sock");
    assert!(text.contains("--persist"), "{text}");
    let text = said("vivado");
    assert!(text.contains("Vivado Lab Edition"), "{text}");
    lab.untouched();

    let output = Command::new(env!("CARGO_BIN_EXE_hotloop")).args(["flash", "no-such-board"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("ecpix5-85"), "{output:?}");
}
