//! What the CPU prover's own clocks say: its `TimingTree` goes to the log, and this is a log that reads it.

use std::sync::{Mutex, OnceLock, PoisonError};

use hotloop_plonky2::Reference;
use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::output::Failure;

/// Scopes of plonky2 1.1.0 and starky 1.1.0 whose work goes to the board: extensions with their transposes, leaves and
/// trees (`starky/src/prover.rs:80,437`), the codewords' transforms, trees and folding, and grinding
/// (`plonky2/src/fri/oracle.rs:214`, `fri/prover.rs:43,56`).
const OFFLOADED: [&str; 5] = [
    "compute trace commitment",
    "compute quotient commitment",
    "perform final FFT",
    "fold codewords in the commitment phase",
    "find proof-of-work witness",
];

/// Those of them that do nothing but hash, nearly.
const HASHED: [&str; 3] = ["build Merkle tree", "fold codewords in the commitment phase", "find proof-of-work witness"];

/// Seconds of a run of the CPU prover.
#[derive(Clone, Copy, Debug)]
pub struct Split {
    /// All of it.
    pub total: f64,
    /// What a board takes over.
    pub offloaded: f64,
    /// Hashing, of that.
    pub hashed: f64,
}

impl Split {
    /// Of a run, to 0.1 ms a scope.
    pub fn of(run: &Reference) -> Result<Split, Failure> {
        let log = Lines::installed()?;
        log.lock().clear();
        log::set_max_level(LevelFilter::Debug);
        run.timing.print();
        log::set_max_level(LevelFilter::Off);
        let lines = std::mem::take(&mut *log.lock());
        let scopes: Vec<(f64, &str)> = lines.iter().filter_map(|line| scope(line)).collect();
        let sum = |names: &[&str]| -> Result<f64, Failure> {
            let mut seconds = 0.0;
            for wanted in names {
                let mut found = scopes.iter().filter(|(_, name)| name.starts_with(wanted)).peekable();
                if found.peek().is_none() {
                    return Err(Failure::message(format!(
                        "the CPU prover has no scope `{wanted}`: this is not plonky2 and starky 1.1.0 with `timing`"
                    )));
                }
                seconds += found.map(|(seconds, _)| seconds).sum::<f64>();
            }
            Ok(seconds)
        };
        // The inverse transforms of the quotients have no scope of their own.
        let offloaded = sum(&OFFLOADED)? + run.quotient_inverse.as_secs_f64();
        Ok(Split { total: run.prove_time.as_secs_f64(), offloaded, hashed: sum(&HASHED)? })
    }

    /// What stays with the processor.
    pub fn floor(&self) -> f64 {
        self.total - self.offloaded
    }
}

/// `| | 0.1234s to do something`
fn scope(line: &str) -> Option<(f64, &str)> {
    let (seconds, name) = line.trim_start_matches("| ").split_once("s to ")?;
    Some((seconds.parse().ok()?, name))
}

/// The log of this process, as long as nobody else has one.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl Lines {
    fn installed() -> Result<&'static Lines, Failure> {
        static LINES: OnceLock<Lines> = OnceLock::new();
        let lines = LINES.get_or_init(Lines::default);
        static SET: OnceLock<bool> = OnceLock::new();
        if *SET.get_or_init(|| log::set_logger(lines).is_ok()) {
            return Ok(lines);
        }
        Err(Failure::message("somebody else has the log of this process"))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= Level::Debug
    }

    fn log(&self, record: &Record<'_>) {
        self.lock().push(record.args().to_string());
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotloop_plonky2::{reference, Statement};

    #[test]
    fn scopes_add_up() {
        let run = reference(Statement::new("wide", Some(32), 10).unwrap()).unwrap();
        let split = Split::of(&run).unwrap();
        assert!(split.offloaded > 0.5 * split.total && split.offloaded < split.total, "{split:?}");
        assert!(split.hashed > 0.2 * split.total && split.hashed < split.offloaded, "{split:?}");
        assert_eq!(scope("| | 0.0123s to perform final FFT 64"), Some((0.0123, "perform final FFT 64")));
        assert_eq!(scope("something else"), None);
    }
}
