//! Running SymbiYosys.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        atomic::{AtomicUsize, Ordering},
        Mutex,
    },
    time::Instant,
};

use crate::{
    design::modules,
    proof::{proofs, Broken, Proof},
};

/// What a run came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All properties hold.
    Proved,
    /// A counterexample was found.
    Refuted,
    /// The induction did not close.
    Unknown,
    /// The time was not enough.
    Timeout,
    /// The tools could not run it.
    Error,
}

impl Verdict {
    /// From SymbiYosys' exit status.
    fn of(status: Option<i32>) -> Verdict {
        match status {
            Some(0) => Verdict::Proved,
            Some(2) => Verdict::Refuted,
            Some(4) => Verdict::Unknown,
            Some(8) => Verdict::Timeout,
            _ => Verdict::Error,
        }
    }
}

/// One line of the table.
pub struct Outcome {
    /// Index into the list of proofs.
    pub proof: usize,
    /// Index into its broken copies; `None` is the sound design.
    pub broken: Option<usize>,
    /// Name: of the proof, and what was broken.
    pub name: String,
    /// What came out.
    pub verdict: Verdict,
    /// Time taken.
    pub seconds: f64,
}

impl Outcome {
    /// What should come out did.
    pub fn good(&self) -> bool {
        self.verdict == if self.broken.is_some() { Verdict::Refuted } else { Verdict::Proved }
    }
}

/// How to run.
pub struct Settings {
    /// SymbiYosys and its arguments.
    pub sby: Vec<String>,
    /// Directory for all files.
    pub out: PathBuf,
    /// Seconds for each run.
    pub limit: u32,
    /// Runs at a time.
    pub jobs: usize,
    /// Only proofs whose name contains this.
    pub only: Option<String>,
}

/// Writes the files of a run to a directory of its own, and says which.
pub fn write(
    out: &Path,
    emitted: &BTreeMap<String, String>,
    proof: &Proof,
    broken: Option<(usize, &Broken)>,
    limit: u32,
) -> io::Result<PathBuf> {
    let suffix = broken.map(|(i, _)| format!("_broken_{}", i + 1)).unwrap_or_default();
    let dir = out.join(format!("{}{suffix}", proof.name));
    fs::create_dir_all(&dir)?;
    let broken = broken.map(|(_, b)| b);
    let files = proof.files(emitted, broken);
    for (name, text) in &files {
        fs::write(dir.join(name), text)?;
    }
    fs::write(dir.join("proof.sby"), proof.task(&files, broken, limit))?;
    Ok(dir)
}

/// Runs everything; `tell` gets each outcome as it comes.
pub fn run(settings: &Settings, tell: impl Fn(&Outcome) + Sync) -> io::Result<Vec<Outcome>> {
    let (emitted, list) = (modules(), proofs());
    let mut work = Vec::new();
    for (index, proof) in list.iter().enumerate() {
        if settings.only.as_ref().is_some_and(|only| !proof.name.contains(only.as_str())) {
            continue;
        }
        let runs = std::iter::once(None).chain(proof.broken.iter().enumerate().map(Some));
        for broken in runs {
            let dir = write(&settings.out, &emitted, proof, broken, settings.limit)?;
            let name = match broken {
                None => proof.name.to_owned(),
                Some((_, b)) => format!("{}, broken: {}", proof.name, b.what),
            };
            work.push((index, broken.map(|(i, _)| i), name, dir));
        }
    }
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..settings.jobs.max(1) {
            scope.spawn(|| {
                while let Some((proof, broken, name, dir)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let verdict = sby(&settings.sby, dir);
                    let seconds = start.elapsed().as_secs_f64();
                    let outcome = Outcome { proof: *proof, broken: *broken, name: name.clone(), verdict, seconds };
                    tell(&outcome);
                    done.lock().unwrap_or_else(|e| e.into_inner()).push(outcome);
                }
            });
        }
    });
    let mut outcomes = done.into_inner().unwrap_or_else(|e| e.into_inner());
    outcomes.sort_by_key(|o| (o.proof, o.broken));
    Ok(outcomes)
}

/// One run; its log stays beside its files.
fn sby(command: &[String], dir: &Path) -> Verdict {
    let Ok(log) = fs::File::create(dir.join("sby.log")) else { return Verdict::Error };
    let Ok(errors) = log.try_clone() else { return Verdict::Error };
    let status = Command::new(&command[0])
        .args(&command[1..])
        .args(["-f", "-d", "work", "proof.sby"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .status();
    status.map_or(Verdict::Error, |s| Verdict::of(s.code()))
}
