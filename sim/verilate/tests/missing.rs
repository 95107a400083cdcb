//! A missing or broken Verilator is said with what to do about it. One test: it changes the process's environment.

use hotloop_verilate::{Error, Verilator};

#[test]
fn a_missing_verilator_says_what_to_install() {
    std::env::set_var("VERILATOR", "/nowhere/verilator");
    let error = Verilator::find().unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains("/nowhere/verilator") && message.contains("set VERILATOR"), "{message}");

    std::env::remove_var("VERILATOR");
    std::env::set_var("PATH", "");
    let error = Verilator::find().unwrap_err();
    assert!(matches!(error, Error::NotFound), "{error}");
    assert!(error.to_string().contains("apt-get install verilator"), "{error}");
}
