//! Several tables that look things up in each other, one of them also in a range of its own, proved on a board. The loop is
//! `on_device` in common/system.rs, beside the same one with starky's own functions: `get_ctl_data` and
//! `prove_with_commitment` are all that differ.
//!
//! ```text
//! cargo run --release -p hotloop-plonky2 --example lookups -- --device sim [--log-rows 5]
//! ```

mod common;
#[path = "common/system.rs"]
mod system;
#[path = "common/tables.rs"]
mod tables;

fn main() -> anyhow::Result<()> {
    let args = common::Args::new(5)?;
    let config = common::config();
    let traces = tables::traces(args.log_rows);

    let device = args.open()?;
    let proofs = system::on_device(&device, &config, &traces)?;

    let upstreams = common::in_one_thread(|| system::upstream::<system::C>(&config, &traces))??;
    common::compare(&device, &proofs, &upstreams)?;
    system::verify(&proofs, &config)?;
    println!("starky's verifier accepts the {} tables", proofs.len());
    Ok(())
}
