//! What the examples share: arguments, a pool of one thread, and what the device did.

use anyhow::{bail, ensure, Context};
use hotloop::Device;
use hotloop_plonky2::{options, F};
use plonky2::field::types::Field;
use serde_json::Value;
use starky::config::StarkConfig;

/// The arguments `--device <name>` (`sim` unless told) and `--log-rows <number>`.
pub struct Args {
    pub device: String,
    pub log_rows: u32,
}

impl Args {
    pub fn new(mut log_rows: u32) -> anyhow::Result<Args> {
        let mut device = "sim".to_owned();
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--device" => device = words.next().context("--device takes a name")?,
                "--log-rows" => log_rows = words.next().context("--log-rows takes a number")?.parse()?,
                other => bail!("unknown argument {other}: use --device <name>, --log-rows <number>"),
            }
        }
        ensure!((4..=24).contains(&log_rows), "--log-rows takes a number from 4 to 24");
        Ok(Args { device, log_rows })
    }

    /// Opens the device with plonky2's parameter set and hash.
    pub fn open(&self) -> anyhow::Result<Device> {
        Ok(Device::open(&self.device, options())?)
    }
}

/// Runs a CPU prover in a pool of one thread: with more, plonky2's proof of work is whichever a thread finds first.
pub fn in_one_thread<T: Send>(f: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(1).build()?.install(f))
}

/// starky's fast configuration with less to grind: a simulated board tries few nonces a second.
#[allow(dead_code)] // Not every example is starky's.
pub fn config() -> StarkConfig {
    let mut config = StarkConfig::standard_fast_config();
    config.fri_config.proof_of_work_bits = 10;
    config
}

/// Compares two proofs, and prints what the device did.
pub fn compare<T: serde::Serialize>(device: &Device, ours: &T, upstreams: &T) -> anyhow::Result<()> {
    same(&serde_json::to_value(ours)?, &serde_json::to_value(upstreams)?)?;
    let did = device.offload();
    println!("the proofs are equal");
    println!(
        "the device did {} jobs: {} permutations and {} butterflies in {} cycles, {} bytes in and {} out",
        did.jobs, did.permutations, did.butterflies, did.cycles, did.bytes_to_device, did.bytes_from_device
    );
    Ok(())
}

/// Element by element: plonky2 serialises 0 as p where its arithmetic came out so.
fn same(ours: &Value, upstreams: &Value) -> anyhow::Result<()> {
    let element = |value: &Value| value.as_u64().map(F::from_noncanonical_u64);
    match (ours, upstreams) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => a.iter().zip(b).try_for_each(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().zip(b.values()).try_for_each(|((key, a), b)| same(a, b).with_context(|| format!("in {key}")))
        }
        (Value::Number(_), Value::Number(_)) if element(ours) == element(upstreams) => Ok(()),
        _ if ours == upstreams => Ok(()),
        _ => bail!("the proofs differ: {ours} is {upstreams} in upstream's"),
    }
}
