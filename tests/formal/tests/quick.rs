//! One proof that every `make test` runs, with the Yosys of the system alone (its `sat`, no SymbiYosys): modular
//! addition, and the broken copy of it that must fail.

use std::{fs, path::Path, process::Command};

use hotloop_formal::{
    design::{modules, pair_latency},
    proof::proofs,
};

/// Whether Yosys proves every property of these files.
fn proves(dir: &Path, files: &[(String, String)]) -> bool {
    fs::create_dir_all(dir).unwrap();
    for (name, text) in files {
        fs::write(dir.join(name), text).unwrap();
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let script = format!(
        "read_verilog -sv -formal {}; prep -flatten -top proof; sat -seq 1 -set-init-undef -set-assumes -prove-asserts \
         -tempinduct-baseonly -tempinduct -maxsteps {} proof",
        names.join(" "),
        pair_latency() + 2
    );
    let output = Command::new("yosys").args(["-p", &script]).current_dir(dir).output();
    let output = output.unwrap_or_else(|e| panic!("yosys: {e}; `scripts/setup.sh yosys` installs it"));
    let text = String::from_utf8_lossy(&output.stdout);
    let refuted = text.contains("model found for base case: FAIL");
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(refuted || text.contains("SUCCESS"), "{text}");
    !refuted
}

#[test]
fn addition_is_right_and_a_broken_one_is_found_out() {
    let (emitted, list) = (modules(), proofs());
    let proof = list.iter().find(|p| p.name == "add_mod").unwrap();
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("quick");
    assert!(proves(&dir.join("sound"), &proof.files(&emitted, None)));
    for (i, broken) in proof.broken.iter().enumerate() {
        assert!(!proves(&dir.join(format!("broken_{i}")), &proof.files(&emitted, Some(broken))), "{}", broken.what);
    }
}
