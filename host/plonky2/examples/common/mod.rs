//! What the examples share: arguments, a pool of one thread, and what the device did.

use anyhow::{bail, ensure, Context};
use hotloop::Device;
use hotloop_plonky2::options;

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

/// Compares two proofs, and prints what the device did.
pub fn compare<T: serde::Serialize>(device: &Device, ours: &T, upstreams: &T) -> anyhow::Result<()> {
    let (ours, upstreams) = (serde_json::to_vec(ours)?, serde_json::to_vec(upstreams)?);
    ensure!(ours == upstreams, "the proofs differ");
    let did = device.offload();
    println!("the proofs are equal");
    println!(
        "the device did {} jobs: {} permutations and {} butterflies in {} cycles, {} bytes in and {} out",
        did.jobs, did.permutations, did.butterflies, did.cycles, did.bytes_to_device, did.bytes_from_device
    );
    Ok(())
}
