//! `hotloop-formal emit DIR` writes every proof's files; `hotloop-formal run` proves them (see
//! `scripts/prove-hardware.sh`).

use std::{path::PathBuf, process::ExitCode, time::Instant};

use hotloop_formal::{
    design::modules,
    proof::proofs,
    report,
    run::{run, write, Settings},
};

const USAGE: &str = "hotloop-formal emit DIR
hotloop-formal run --out DIR --sby COMMAND [--only NAME] [--limit SECONDS] [--jobs N] [--json] [--docs FILE]";

fn main() -> ExitCode {
    match start(std::env::args().skip(1).collect()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            eprintln!("hotloop-formal: {message}");
            ExitCode::from(2)
        }
    }
}

fn start(args: Vec<String>) -> Result<bool, String> {
    let mut args = args.into_iter();
    match args.next().as_deref() {
        Some("emit") => {
            let out = PathBuf::from(args.next().ok_or(USAGE)?);
            let emitted = modules();
            for proof in proofs() {
                for broken in std::iter::once(None).chain(proof.broken.iter().enumerate().map(Some)) {
                    write(&out, &emitted, &proof, broken, 600).map_err(|e| format!("{}: {e}", out.display()))?;
                }
            }
            Ok(true)
        }
        Some("run") => prove(args),
        _ => Err(USAGE.into()),
    }
}

fn prove(mut args: impl Iterator<Item = String>) -> Result<bool, String> {
    let mut settings = Settings { sby: Vec::new(), out: PathBuf::new(), limit: 300, jobs: 2, only: None };
    let (mut json, mut docs) = (false, None);
    while let Some(arg) = args.next() {
        if arg == "--json" {
            json = true;
            continue;
        }
        let value = args.next().ok_or_else(|| format!("{arg} wants a value\n{USAGE}"))?;
        let number = || value.parse().map_err(|_| format!("{arg} {value}: not a number"));
        match arg.as_str() {
            "--sby" => settings.sby = value.split_whitespace().map(Into::into).collect(),
            "--out" => settings.out = value.into(),
            "--only" => settings.only = Some(value),
            "--docs" => docs = Some(PathBuf::from(value)),
            "--limit" => settings.limit = number()?,
            "--jobs" => settings.jobs = number()? as usize,
            _ => return Err(format!("unknown option {arg}\n{USAGE}")),
        }
    }
    if settings.sby.is_empty() || settings.out.as_os_str().is_empty() {
        return Err(USAGE.into());
    }
    let began = Instant::now();
    let outcomes = run(&settings, |o| {
        // Standard output belongs to the JSON.
        let line = format!("{:6.1} s  {:18}  {}", o.seconds, report::word(o), o.name);
        if json {
            eprintln!("{line}");
        } else {
            println!("{line}");
        }
    })
    .map_err(|e| format!("{}: {e}", settings.out.display()))?;
    let good = outcomes.iter().filter(|o| o.good()).count();
    let summary = format!("{good} of {} as they must be, in {:.0} s", outcomes.len(), began.elapsed().as_secs_f64());
    if json {
        eprintln!("{summary}");
        println!("{}", report::json(&outcomes));
    } else {
        println!("{summary}");
    }
    if outcomes.is_empty() {
        return Err("no proof has such a name".into());
    }
    // A page of some of the proofs would be wrong about the others.
    if let Some(path) = docs.filter(|_| settings.only.is_none()) {
        std::fs::write(&path, report::page(&outcomes)).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(good == outcomes.len())
}
