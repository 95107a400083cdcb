//! [`Device`]: a board that is open, and what it did.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use hotloop_driver::{
    vfio_user::VfioUserFunction, Board, BoardOptions, Counters, Descriptor, DriverError, Identity, PciFunction,
    PoolOptions, SerialFunction, VfioFunction,
};
use hotloop_regs::ParameterSet;

use crate::{
    buffer::Buffer,
    error::{HotloopError, Result},
    offload::Offload,
    options::Options,
};

/// An open board. Clones share it; jobs of several threads take turns.
#[derive(Clone)]
pub struct Device {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    board: Board,
    identity: Identity,
    options: Options,
    offload: Mutex<Offload>,
}

/// A descriptor, and what it stands for.
#[derive(Clone, Copy)]
pub(crate) struct Job {
    pub name: &'static str,
    pub descriptor: Descriptor,
    pub work: Offload,
}

/// The PCI function of a device, by the names that [`Device::open`] has; `sim` is the simulated board that holds `set`.
///
/// # Errors
/// Those of [`Device::open`], but for what is found out by asking the board.
pub fn open_function(name: &str, set: ParameterSet) -> Result<Arc<dyn PciFunction>> {
    let (kind, rest) = name.split_once(':').map_or((name, None), |(kind, rest)| (kind, Some(rest)));
    Ok(match (kind, rest) {
        ("sim", None) => simulation(name, simulated(set)?)?,
        ("sim", Some(preset)) if !preset.is_empty() => simulation(name, preset)?,
        ("vfio", Some(address)) if !address.is_empty() => {
            Arc::new(VfioFunction::open(address).map_err(DriverError::from)?)
        }
        ("serial", Some(line)) if !line.is_empty() => Arc::new(SerialFunction::open(line).map_err(DriverError::from)?),
        ("vfio-user", Some(socket)) if !socket.is_empty() => {
            Arc::new(VfioUserFunction::open(Path::new(socket)).map_err(DriverError::from)?)
        }
        _ => return Err(HotloopError::UnknownDevice { name: name.into() }),
    })
}

impl Device {
    /// Opens a device by name: `sim` for the simulated board that holds the options' parameter set, or `sim:<preset>` for
    /// any other, with `@gen3x8` behind it for a PCI Express link between the board and memory (docs/lab.md has the
    /// options); `vfio:<domain:bus:device.function>` for a board in a slot; `vfio-user:<socket>` for one in another
    /// process; `serial:<tty>` for one at the end of a serial line, with `@<baud>` behind it for another speed than 3 Mbaud.
    ///
    /// # Errors
    /// [`HotloopError::UnknownDevice`], [`HotloopError::NotInThisBuild`], [`HotloopError::Simulation`],
    /// [`HotloopError::MissingSet`], or the driver's own.
    pub fn open(name: &str, options: Options) -> Result<Device> {
        Self::from_function(open_function(name, options.set)?, options)
    }

    /// Opens the board behind a PCI function.
    ///
    /// # Errors
    /// [`HotloopError::MissingSet`], or the driver's own.
    pub fn from_function(function: Arc<dyn PciFunction>, options: Options) -> Result<Device> {
        let name = function.name();
        let mut pool = PoolOptions { limit_bytes: options.memory_limit, ..PoolOptions::default() };
        pool.chunk_bytes = pool.chunk_bytes.min(options.memory_limit);
        let board = Board::open_with(function, BoardOptions { pool, ..BoardOptions::default() })?;
        let identity = board.identity().clone();
        if !identity.sets.contains(&options.set) {
            let held: Vec<&str> = identity.sets.iter().map(|set| set.name()).collect();
            return Err(HotloopError::MissingSet { device: name, set: options.set, held: held.join(", ") });
        }
        Ok(Device { shared: Arc::new(Shared { name, board, identity, options, offload: Mutex::default() }) })
    }

    /// The name of the PCI function.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// What the board is.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// How it is used.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// The parameter set of every job.
    pub fn set(&self) -> ParameterSet {
        self.shared.options.set
    }

    /// What the device did since it was opened.
    pub fn offload(&self) -> Offload {
        *self.offload_mut()
    }

    /// The board's own counters, since its last reset.
    pub fn counters(&self) -> Result<Counters> {
        Ok(self.shared.board.counters()?)
    }

    /// The driver's view of the board, for tests of boards.
    pub fn board(&self) -> &Board {
        &self.shared.board
    }

    pub(crate) fn allocate(&self, beats: usize) -> Result<Buffer> {
        let bytes = (beats as u64).saturating_mul(64);
        self.shared.board.alloc(bytes).map(Buffer).map_err(|error| match error {
            DriverError::PoolLimit { asked, mapped, limit } => {
                HotloopError::MemoryLimit { asked, in_use: mapped, limit }
            }
            error => error.into(),
        })
    }

    /// Runs jobs in order, with one doorbell. All must succeed.
    pub(crate) fn run(&self, jobs: &[Job]) -> Result<()> {
        let descriptors: Vec<Descriptor> = jobs.iter().map(|job| job.descriptor).collect();
        let results = self.shared.board.submit_and_wait(&descriptors).map_err(|error| self.failed(jobs, error))?;
        let mut offload = self.offload_mut();
        for (job, result) in jobs.iter().zip(results) {
            *offload += job.work;
            *offload += Offload {
                jobs: 1,
                cycles: result.cycles,
                bytes_to_device: hotloop_regs::Descriptor::BYTES as u64,
                bytes_from_device: hotloop_regs::Completion::BYTES as u64,
                ..Offload::default()
            };
        }
        Ok(())
    }

    fn failed(&self, jobs: &[Job], error: DriverError) -> HotloopError {
        match error {
            DriverError::Job(error) => HotloopError::Job {
                job: jobs.get(error.index).map_or("job", |job| job.name),
                device: self.shared.name.clone(),
                code: error.code,
            },
            error @ DriverError::Invalid(_) => error.into(),
            error => {
                // The rings are undefined now. A reset makes the board take jobs again; where it fails, the next job
                // says so, and what the caller needs to know is the error that came first.
                let _ = self.shared.board.reset();
                error.into()
            }
        }
    }

    /// A grind job's permutations are known when it is done.
    pub(crate) fn add_permutations(&self, permutations: u64) {
        self.offload_mut().permutations += permutations;
    }

    /// Refuses a job that needs the transform engine, if the board has none.
    pub(crate) fn needs_ntt(&self, job: &'static str) -> Result<()> {
        self.needs(job, "transform", self.shared.identity.lanes)
    }

    /// Refuses a job that needs the Poseidon engine, if the board has none.
    pub(crate) fn needs_poseidon(&self, job: &'static str) -> Result<()> {
        self.needs(job, "Poseidon", self.shared.identity.poseidon_units)
    }

    /// Refuses a fold job, if the board has no engine for it.
    pub(crate) fn needs_fold(&self, job: &'static str) -> Result<()> {
        self.needs(job, "folding", self.shared.identity.fold_max_log)
    }

    fn needs(&self, job: &'static str, engine: &'static str, count: u32) -> Result<()> {
        if count > 0 {
            return Ok(());
        }
        let (device, preset) = (self.shared.name.clone(), self.shared.identity.preset.clone());
        Err(HotloopError::MissingEngine { job, engine, device, preset })
    }

    /// Refuses what the board does not hold.
    pub(crate) fn limit(&self, what: &'static str, asked: u64, limit: u64) -> Result<()> {
        if asked <= limit {
            return Ok(());
        }
        let (device, preset) = (self.shared.name.clone(), self.shared.identity.preset.clone());
        Err(HotloopError::DeviceLimit { what, asked, limit, device, preset })
    }

    pub(crate) fn wrong(&self, job: &'static str, detail: impl Into<String>) -> HotloopError {
        HotloopError::CheckFailed { job, device: self.shared.name.clone(), detail: detail.into() }
    }

    fn offload_mut(&self) -> MutexGuard<'_, Offload> {
        // Sums stay whole when a thread that adds panics.
        self.shared.offload.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Device({}, preset {})", self.shared.name, self.shared.identity.preset)
    }
}

/// The preset of the simulated board that holds a set, whether this build has it or not.
pub const fn simulated_preset(set: ParameterSet) -> &'static str {
    match set {
        ParameterSet::Plonky2V1 => "sim",
        ParameterSet::Plonky2V0 => "sim-v0",
        ParameterSet::Plonky3Goldilocks => "sim-p3",
        ParameterSet::Miden | ParameterSet::Plonky3Poseidon2 => "sim-mid",
    }
}

/// The preset of the simulated board that holds a set, if it is in this build.
#[cfg(feature = "sim")]
fn simulated(set: ParameterSet) -> Result<&'static str> {
    let preset = simulated_preset(set);
    let next = match set {
        // In every build that has simulated boards at all: without Verilator, opening it says so.
        ParameterSet::Plonky2V1 => return Ok(preset),
        ParameterSet::Plonky2V0 => "`use hotloop_sim_sets as _;` with that crate's feature `v0` links it",
        ParameterSet::Plonky3Goldilocks => "`use hotloop_sim_sets as _;` with that crate's feature `p3` links it",
        ParameterSet::Miden | ParameterSet::Plonky3Poseidon2 => {
            "`use hotloop_sim_sets as _;` with that crate's feature `miden` links it"
        }
    };
    if hotloop_sim::presets().iter().any(|there| there == preset) {
        return Ok(preset);
    }
    Err(HotloopError::NotInThisBuild { name: format!("sim:{preset}"), next })
}

#[cfg(not(feature = "sim"))]
fn simulated(_set: ParameterSet) -> Result<&'static str> {
    Ok("sim")
}

/// A simulated board by its preset, and behind an `@` the link between it and memory.
#[cfg(feature = "sim")]
fn simulation(name: &str, preset: &str) -> Result<Arc<dyn PciFunction>> {
    use hotloop_sim::{LinkOptions, SimFunction, SimOptions};

    let failed = |reason| HotloopError::Simulation { name: name.into(), reason };
    let (preset, link) = preset.split_once('@').map_or((preset, None), |(preset, link)| (preset, Some(link)));
    let pcie = link.map(str::parse).transpose().map_err(failed)?;
    let link = LinkOptions { pcie, ..LinkOptions::default() };
    let mut sim = SimOptions { link, ..SimOptions::preset(preset) };
    if link.pcie.is_some() {
        sim.name = name.into();
    }
    Ok(Arc::new(SimFunction::open(&sim).map_err(|error| failed(error.to_string()))?))
}

#[cfg(not(feature = "sim"))]
fn simulation(name: &str, _preset: &str) -> Result<Arc<dyn PciFunction>> {
    Err(HotloopError::NotInThisBuild { name: name.into(), next: "build the `hotloop` crate with its feature `sim`" })
}
