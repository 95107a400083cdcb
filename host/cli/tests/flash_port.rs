//! `hotloop flash --cable spi:DEVICE` from end to end: a simulated board in another process, whose Verilated port leads to a
//! model of a flash in a file.
#![cfg(feature = "sim")]

mod common;

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
};

use hotloop_boards::{manifest::Format, Board};
use serde_json::Value;

const BOARD: &str = "acorn-cle215";

/// A board that runs preset `link`, and manifests of images for it.
struct Lab {
    serving: Child,
    folder: PathBuf,
    board: Board,
    running: u64,
}

fn hotloop(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hotloop")).args(arguments).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {output:?}"))
}

impl Lab {
    fn new(test: &str, idcode: u32) -> Lab {
        let folder = std::env::temp_dir().join(format!("hotloop-port-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // The board's flash has 32 MiB, which need addresses of four bytes.
        std::fs::write(folder.join("flash.bin"), vec![0xff; 32 << 20]).unwrap();
        let mut serving = Command::new(env!("CARGO_BIN_EXE_hotloop"))
            .args(["sim", "serve", "--preset", "link", "--idcode", &format!("{idcode:#010x}"), "--socket"])
            .arg(folder.join("board.sock"))
            .arg("--flash")
            .arg(folder.join("flash.bin"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let board = hotloop_boards::find(BOARD, None).unwrap();
        let mut lab = Lab { serving, folder, board, running: 0 };
        let status = json(&hotloop(&["status", "--json", "--device", &lab.device()]));
        assert_eq!(status["identity"]["part_idcode"], format!("{idcode:#010x}"), "{status}");
        let build_id = status["identity"]["build_id"].as_str().unwrap();
        lab.running = u64::from_str_radix(&build_id[2..], 16).unwrap();
        lab
    }

    fn device(&self) -> String {
        format!("vfio-user:{}", self.folder.join("board.sock").display())
    }

    /// An image and its manifest; the manifest's path.
    fn manifest(&self, name: &str, build_id: u64, bytes: &[u8]) -> String {
        common::manifest(&self.folder, &self.board, &format!("{name}.bin"), Format::Bin, build_id, bytes)
    }

    fn flash(&self, manifest: &str, more: &[&str]) -> Output {
        let cable = format!("spi:{}", self.device());
        hotloop(&[&["flash", manifest, "--json", "--cable", &cable][..], more].concat())
    }

    fn refused(&self, manifest: &str, more: &[&str], status: i32) -> String {
        let output = self.flash(manifest, more);
        assert_eq!(output.status.code(), Some(status), "{output:?}");
        assert!(self.contents().iter().all(|&byte| byte == 0xff), "nothing was touched");
        json(&output)["error"].as_str().unwrap().to_owned()
    }

    fn contents(&self) -> Vec<u8> {
        std::fs::read(self.folder.join("flash.bin")).unwrap()
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let _ = self.serving.kill();
        let _ = self.serving.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// As Vivado's: a head of ones, the word that begins an image, packets for IDCODE and for frames (Xilinx UG470), and data.
fn image(idcode: u32, seed: u32) -> Vec<u8> {
    let words = 750;
    let packets = [0xaa99_5566, 0x3001_8001, idcode, 0x3000_4000, 0x5000_0000 | words];
    let frames = (1..=words).map(|i| i.wrapping_mul(seed));
    let image = packets.into_iter().chain(frames).flat_map(u32::to_be_bytes);
    [0xff; 48].into_iter().chain(image).collect()
}

#[test]
fn a_running_board_gets_its_image_into_flash() {
    let lab = Lab::new("runs", 0x1363_6093);
    let first = image(lab.board.idcode, 2_654_435_761);
    let manifest = lab.manifest("same", lab.running, &first);
    let text = lab.refused(&manifest, &[], 1);
    assert!(text.contains("add --persist"), "{text}");
    let steps = json(&lab.flash(&manifest, &["--persist", "--dry-run"]));
    assert_eq!((steps["backend"].as_str(), steps["steps"].as_array().unwrap().len()), (Some("spi"), 4));
    assert!(lab.contents().iter().all(|&byte| byte == 0xff));

    let done = lab.flash(&manifest, &["--persist"]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let done = json(&done);
    assert_eq!((&done["verified"], &done["persisted"]), (&"device".into(), &true.into()));
    assert_eq!(done["idcode"], "0x13636093");
    let flash = lab.contents();
    let (golden, slot) = flash.split_at(0x0a0_0000);
    assert!(golden.iter().all(|&byte| byte == 0xff) && slot.starts_with(&first));

    // Another image over it: only when that is asked for, and never as the golden one.
    let other = image(lab.board.idcode, 2_246_822_519);
    let manifest = lab.manifest("other", lab.running ^ 1, &other);
    let refused = json(&lab.flash(&manifest, &["--persist"]));
    assert!(refused["error"].as_str().unwrap().contains("--untried"), "{refused}");
    let golden = ["--persist", "--slot", "golden", "--golden-override", "--untried"];
    assert_eq!(lab.flash(&manifest, &golden).status.code(), Some(2));
    assert_eq!(lab.contents(), flash, "nothing was touched");
    let done = json(&lab.flash(&manifest, &["--persist", "--untried"]));
    assert_eq!((&done["verified"], &done["persisted"]), (&Value::Null, &true.into()), "{done}");
    assert!(lab.contents()[0x0a0_0000..].starts_with(&other));
}

#[test]
fn what_must_not_be_written_is_not() {
    let lab = Lab::new("refused", 0x0365_1093);
    let manifest = lab.manifest("image", lab.running, &image(lab.board.idcode, 1));
    let text = lab.refused(&manifest, &["--persist"], 1);
    assert!(text.contains("wrong part") && text.contains("0x03651093"), "{text}");
    let text = lab.refused(&manifest, &["--persist", "--slot", "golden"], 2);
    assert!(text.contains("golden slot"), "{text}");
    std::fs::write(lab.folder.join("image.bin"), b"changed").unwrap();
    let text = lab.refused(&manifest, &["--persist"], 1);
    assert!(text.contains("sha256"), "{text}");
    // Nobody serves there.
    let text = hotloop(&[
        "flash",
        &lab.manifest("again", 1, &image(lab.board.idcode, 1)),
        "--cable",
        "spi:vfio-user:/nobody",
        "--persist",
    ]);
    assert_eq!(text.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&text.stderr).contains("/nobody"), "{text:?}");
}
