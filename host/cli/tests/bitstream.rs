//! `hotloop bitstream` as a user and a script see it: output, files, exit status.

use std::{
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    process::{Command, Output},
};

use serde_json::Value;

/// A folder of its own for each test, removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hotloop-bitstream-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hotloop"));
        command.arg("bitstream").args(args).current_dir(&self.0).output().unwrap()
    }

    fn status(&self, args: &[&str]) -> i32 {
        self.run(args).status.code().unwrap()
    }

    /// The one object on standard output, with `--json`.
    fn json(&self, args: &[&str]) -> Value {
        let output = self.run(&[args, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&output.stderr)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// From a board's name to a project whose manifest is checked, signed and compared.
#[test]
fn a_project_with_its_manifest() {
    let folder = Folder::new("project");
    let built = folder.json(&["build", "acorn-cle215", "--project-only", "--out", "out"]);
    assert_eq!(built["project"]["kind"], "project");
    assert_eq!(built["project"]["utilisation"]["source"], "estimate");
    for file in built["files"].as_array().unwrap() {
        assert!(folder.0.join(file.as_str().unwrap()).is_file(), "{file}");
    }
    let manifest = "out/acorn-cle215-project.bitstream.json";
    let listed = folder.json(&["list", "--dir", "out"]);
    assert_eq!(listed["manifests"][0]["manifest"]["board"], "acorn-cle215");
    assert_eq!(folder.json(&["show", manifest])["features"]["preset"], "a200t");
    assert_eq!(folder.json(&["check", manifest])["ok"], true);
    assert_eq!(folder.status(&["check", manifest]), 0);

    // Signatures.
    let key = folder.json(&["keygen", "--out", "key"])["public_key"].as_str().unwrap().to_owned();
    let mode = std::fs::metadata(folder.0.join("key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(folder.status(&["keygen", "--out", "key"]), 1, "a key is never replaced");
    std::fs::write(folder.0.join("trusted"), format!("{key} the lab\n")).unwrap();
    let signed = ["check", manifest, "--trusted", "trusted", "--require-signed"];
    assert_eq!(folder.status(&signed), 1);
    assert_eq!(folder.status(&["sign", manifest, "--key", "key"]), 0);
    assert_eq!(folder.status(&signed), 0);
    assert_eq!(folder.status(&["check", manifest, "--require-signed"]), 2, "signed by whom?");

    // A project replaces no image, and its files are covered.
    let compared = folder.json(&["compare", manifest, manifest]);
    assert_eq!((&compared["may_replace"], compared["differences"].as_array().unwrap().len()), (&false.into(), 0));
    let script = folder.0.join("out/acorn-cle215-project.tcl");
    let mut changed = std::fs::read(&script).unwrap();
    changed[0] ^= 1;
    std::fs::write(&script, changed).unwrap();
    let output = folder.run(&signed);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("sha256       WRONG"), "{}", text(&output.stdout));
}

#[test]
fn wrong_calls_say_what_would_be_right() {
    let folder = Folder::new("wrong");
    std::fs::write(folder.0.join("text.bit"), "not an image").unwrap();
    for (args, status, expected) in [
        (&["build", "nope"][..], 2, "there is no board `nope`; there is: acorn-cle215"),
        (&["build", "kc705"], 2, "--project-only"),
        (&["build", "ecpix5-85", "--project-only"], 2, "for Xilinx boards"),
        (&["build", "kc705", "--image", "none.bit"], 1, "none.bit: No such file"),
        (&["build", "kc705", "--image", "text.bit"], 1, "text.bit: neither an ECP5 nor a Xilinx bitstream"),
        (&["show", "none.bitstream.json"], 1, "none.bitstream.json: No such file"),
        (&["sign", "none.bitstream.json", "--key", "none"], 1, "none.bitstream.json"),
        (&["list", "--boards", "nowhere"], 1, "nowhere"),
    ] {
        let output = folder.run(args);
        assert_eq!(output.status.code(), Some(status), "{args:?}");
        assert!(text(&output.stderr).contains(expected), "{args:?}: {}", text(&output.stderr));
    }
    std::fs::write(folder.0.join("a.bitstream.json"), "{}").unwrap();
    let listed = folder.json(&["list", "--dir", "."]);
    assert!(listed["manifests"][0]["error"].as_str().unwrap().contains("missing field"), "{listed}");
    let schema = folder.json(&["schema"]);
    assert_eq!(schema["properties"]["manifest_version"]["const"], 1);
}
