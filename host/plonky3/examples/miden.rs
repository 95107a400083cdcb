//! A Miden program proved on a board, by miden-vm's own prover over this crate's configuration.
//!
//! `cargo run --release -p hotloop-plonky3 --example miden -- --device sim`

use hotloop_plonky3::{
    miden::{largest_trace, prove, Inputs, Program},
    options, Device, ParameterSet,
};
// The simulated board that holds Miden's parameter set.
use hotloop_sim_sets as _;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let device = std::env::args().skip_while(|arg| arg != "--device").nth(1).unwrap_or("sim".into());
    let device = Device::open(&device, options(ParameterSet::Miden))?;
    // Traces for which there is no room are refused before work begins.
    let rows = largest_trace(Some(&device), 4 << 30);

    let program = Program::parse("begin repeat.40 dup.1 add swap end end")?;
    let inputs = Inputs::from_json(r#"{ "operand_stack": ["0", "1"] }"#)?;
    let trace = program.execute(&inputs, rows)?.trace(rows)?;
    println!("{} rows, of which the program takes {}", trace.rows(), trace.used_rows());

    let proved = prove(&device, trace)?;
    let security = proved.proof.verify()?;
    println!("proved in {:.2} s, verified by miden-vm: {security} bits", proved.time.as_secs_f64());
    println!("outputs: {} {}", proved.proof.outputs[0], proved.proof.outputs[1]);
    println!("on {}: {:?}", device.name(), proved.offload);
    Ok(())
}
