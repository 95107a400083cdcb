//! `hotloop prove --zkvm miden`, and `verify` of what it writes, as a user sees them.
#![cfg(feature = "miden")]

use std::{
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/fibonacci.masm");

/// A folder of its own for each test, removed when the test is over.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("hotloop-cli-miden-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn hotloop(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hotloop")).args(args).stdin(Stdio::null()).output().unwrap()
}

fn prove(args: &[&str]) -> Output {
    hotloop(&[&["prove", "--zkvm", "miden", "--json"], args].concat())
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn error_text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
#[cfg(feature = "sim")]
fn a_program_is_proved_and_its_proof_verified() {
    let folder = Folder::new("prove");
    let program = folder.file("program.masm", &std::fs::read_to_string(EXAMPLE).unwrap());
    let inputs = folder.file("inputs.json", r#"{ "operand_stack": ["10"] }"#);
    // Beside the program, unless told.
    let sim = prove(&[&program, "--inputs", &inputs]);
    assert!(sim.status.success(), "{}", error_text(&sim));
    // What it will cost is said before.
    assert!(error_text(&sim).contains("permutations"), "{}", error_text(&sim));
    let object = json(&sim);
    assert_eq!(object["outputs"][0], 55);
    assert_eq!(object["verified"], true);
    assert_eq!(object["parameter_set"], "miden");
    assert!(object["offload"]["permutations"].as_u64() >= object["expected"]["permutations"].as_u64());
    assert_eq!(object["offload"]["butterflies"], object["expected"]["butterflies"]);

    let (ours, theirs) = (folder.path("program.proof"), folder.path("cpu.proof"));
    let cpu = prove(&[&program, "--inputs", &inputs, "--device", "cpu", "--out", &theirs]);
    assert!(cpu.status.success(), "{}", error_text(&cpu));
    assert!(std::fs::read(&ours).unwrap() == std::fs::read(&theirs).unwrap(), "the proofs differ");

    let valid = hotloop(&["verify", &ours, "--json"]);
    assert!(valid.status.success(), "{}", error_text(&valid));
    let object = json(&valid);
    assert_eq!((&object["valid"], &object["inputs"][0], &object["outputs"][0]), (&true.into(), &10.into(), &55.into()));
    let mut bytes = std::fs::read(&ours).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&ours, bytes).unwrap();
    let changed = hotloop(&["verify", &ours, "--json"]);
    assert_eq!(changed.status.code(), Some(1));
    assert_eq!(json(&changed)["valid"], false);
}

#[test]
fn wrong_calls_are_refused_before_work_begins() {
    let folder = Folder::new("wrong");
    let out = folder.path("out.proof");
    let refused = |args: &[&str], code: i32, says: &str| {
        let output = prove(&[args, &["--device", "cpu", "--out", &out]].concat());
        let text = error_text(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(says), "{args:?}: {text}");
        assert!(!std::path::Path::new(&out).exists(), "{args:?}");
    };
    refused(&[], 2, "PROGRAM");
    refused(&[&folder.path("none.masm")], 2, "none.masm");
    refused(&[EXAMPLE, "--air", "wide"], 2, "--air");
    let bad = folder.file("bad.masm", "begin frobnicate end");
    refused(&[&bad], 2, "frobnicate");
    for (text, says) in [("{", "inputs"), (r#"{ "operand_stack": ["99999999999999999999"] }"#, "operand_stack")] {
        let inputs = folder.file("inputs.json", text);
        refused(&[EXAMPLE, "--inputs", &inputs], 2, says);
    }
    let fails = folder.file("fails.masm", "begin push.0 assert end");
    refused(&[&fails], 1, "assertion");
    let other = hotloop(&["prove", "--zkvm", "jolt", EXAMPLE]);
    assert_eq!(other.status.code(), Some(2));
    assert!(error_text(&other).contains("jolt"), "{}", error_text(&other));
    let unknown = prove(&[EXAMPLE, "--device", "toaster", "--out", &out]);
    assert!(error_text(&unknown).contains("toaster"), "{}", error_text(&unknown));
}
