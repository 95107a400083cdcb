//! Human and JSON output, failures and exit codes.

use std::{error::Error, io::IsTerminal, io::Write, process::ExitCode};

use serde::Serialize;
use serde_json::json;

/// Where results go.
pub struct Output {
    json: bool,
    progress: bool,
}

impl Output {
    /// Human output, or JSON.
    pub fn new(json: bool) -> Output {
        Output { json, progress: std::io::stderr().is_terminal() }
    }

    /// Whether JSON is wanted.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// Prints the result: the object, or the lines.
    pub fn result(&self, object: &impl Serialize, lines: &[String]) -> Result<(), Failure> {
        let mut out = std::io::stdout().lock();
        let written = if self.json {
            let text = serde_json::to_string_pretty(object).map_err(Failure::new)?;
            writeln!(out, "{text}")
        } else {
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        };
        written.map_err(|e| Failure::message(format!("standard output: {e}")))
    }

    /// A line about work under way, replaced by the next; only where somebody watches.
    pub fn progress(&self, text: &str) {
        if self.progress {
            let _ = write!(std::io::stderr(), "\r\x1b[2K{text}");
        }
    }

    /// Whether somebody watches.
    pub fn is_watched(&self) -> bool {
        self.progress
    }

    /// A line on standard error that stays, for what a user should know before work begins.
    pub fn note(&self, text: &str) {
        self.progress_done();
        let _ = writeln!(std::io::stderr(), "{text}");
    }

    /// Takes the progress line away.
    pub fn progress_done(&self) {
        if self.progress {
            let _ = write!(std::io::stderr(), "\r\x1b[2K");
        }
    }
}

/// Why a command ends without its result.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A failure with an error's text and its sources'.
    pub fn new(error: impl Error) -> Failure {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !message.contains(&text) {
                message = format!("{message}: {text}");
            }
            source = cause.source();
        }
        Failure { message, code: 1 }
    }

    /// A failure with this text.
    pub fn message(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: 1 }
    }

    /// The call itself is wrong.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), code: 2 }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.message
    }

    /// Prints it, and gives the exit status.
    pub fn report(&self, output: &Output) -> ExitCode {
        output.progress_done();
        if output.is_json() {
            let object = json!({ "error": self.message });
            let _ = writeln!(std::io::stdout(), "{object:#}");
        }
        let _ = writeln!(std::io::stderr(), "hotloop: {}", self.message);
        ExitCode::from(self.code)
    }
}

/// Writes a file whole or not at all: beside its place first, then renamed.
pub fn write_file(path: &std::path::Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::message(format!("cannot write {}: {e}", path.display()));
    let partial = beside(path);
    std::fs::write(&partial, bytes).map_err(fail)?;
    std::fs::rename(&partial, path).map_err(|e| {
        let _ = std::fs::remove_file(&partial);
        fail(e)
    })
}

/// Says before long work that its result could not be written after it.
pub fn check_writable(path: &std::path::Path) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Failure::message(format!("cannot write {}: {e}", path.display()));
    if path.is_dir() {
        return Err(Failure::message(format!("cannot write {}: it is a folder; name a file in it", path.display())));
    }
    let partial = beside(path);
    std::fs::write(&partial, []).map_err(fail)?;
    std::fs::remove_file(&partial).map_err(fail)
}

fn beside(path: &std::path::Path) -> std::path::PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".partial-{}", std::process::id()));
    path.with_file_name(name)
}
