//! Whole proofs on Verilated accelerators: equal to the CPU's where the hardware is right, rejected where one constant
//! in it is wrong.

use std::sync::Arc;

use hotloop::{Check, Device, HotloopError, SimFunction, SimOptions};
use hotloop_plonky2::{prove, Backend, ProveError, Report, Statement};
use hotloop_units as _;

fn device(model: &str, check: Check) -> Device {
    let function = SimFunction::open(&SimOptions::model(model)).unwrap();
    let mut options = hotloop_plonky2::options();
    options.check = check;
    Device::from_function(Arc::new(function), options).unwrap()
}

fn cpu(statement: Statement) -> Vec<u8> {
    prove(&Backend::Cpu, statement).unwrap().file.to_bytes()
}

fn equal_to_the_cpus(report: Report, statement: Statement) {
    report.file.verify().unwrap();
    assert!(report.file.to_bytes() == cpu(statement), "the proof is not the CPU's");
}

#[test]
fn preset_sim_gives_the_cpus_proofs() {
    let device = device("accelerator_sim", Check::Spot);
    for (air, columns, log_rows) in [("fibonacci", None, 12), ("wide", Some(100), 7), ("fibonacci", None, 3)] {
        let statement = Statement::new(air, columns, log_rows).unwrap();
        let report = prove(&Backend::Device(device.clone()), statement).unwrap();
        assert!(report.share > 0.95, "{air}: {} of the work was offloaded", report.share);
        equal_to_the_cpus(report, statement);
    }
}

#[test]
fn an_unmodified_prover_gives_the_cpus_proofs() {
    let statement = Statement::new("wide", Some(8), 6).unwrap();
    let report = prove(&Backend::Unmodified(device("accelerator_small", Check::Full)), statement).unwrap();
    assert!(report.offload.permutations > 0);
    equal_to_the_cpus(report, statement);
}

#[test]
fn another_configuration_of_the_hardware_gives_the_same_proof() {
    let statement = Statement::new("fibonacci", None, 8).unwrap();
    let report = prove(&Backend::Device(device("accelerator_small", Check::Full)), statement).unwrap();
    equal_to_the_cpus(report, statement);
}

/// Trace and quotient take two passes.
#[test]
fn proofs_with_transforms_longer_than_the_chip_holds() {
    let device = device("accelerator_small", Check::Spot);
    assert_eq!(device.identity().max_log, 9);
    let statement = Statement::new("fibonacci", None, 10).unwrap();
    equal_to_the_cpus(prove(&Backend::Device(device), statement).unwrap(), statement);
}

#[test]
fn what_does_not_fit_is_refused_by_name_and_the_board_goes_on() {
    let device = device("accelerator_small", Check::Spot);
    let long = Statement::new("fibonacci", None, 19).unwrap();
    let error = prove(&Backend::Device(device.clone()), long).unwrap_err();
    assert!(matches!(error, ProveError::Device(HotloopError::DeviceLimit { .. })), "{error}");
    let statement = Statement::new("fibonacci", None, 5).unwrap();
    equal_to_the_cpus(prove(&Backend::Device(device), statement).unwrap(), statement);
}

/// One wrong constant in the hardware: unchecked, the proof comes out and starky's verifier rejects it; checked, there
/// is no proof.
fn wrong_hardware(model: &str, log_rows: u32) {
    let statement = Statement::new("fibonacci", None, log_rows).unwrap();
    let report = prove(&Backend::Device(device(model, Check::Off)), statement).unwrap();
    let reason = report.file.verify().unwrap_err();
    assert!(reason.to_string().contains("not valid"), "{reason}");

    let error = prove(&Backend::Device(device(model, Check::Spot)), statement).unwrap_err();
    assert!(matches!(error, ProveError::Device(HotloopError::CheckFailed { .. })), "{error}");
}

#[test]
fn one_wrong_round_constant_is_rejected() {
    wrong_hardware("accelerator_wrong_constant", 5);
}

#[test]
fn one_wrong_twiddle_is_rejected() {
    // Transforms of up to 2^6 use no general twiddle.
    wrong_hardware("accelerator_wrong_twiddle", 8);
}
