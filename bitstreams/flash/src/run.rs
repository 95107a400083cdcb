//! Running other programs: with a deadline, watched, and ended when we are.

use std::{
    ffi::OsStr,
    io::{self, Read, Write},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{channel, RecvTimeoutError, Sender},
    time::{Duration, Instant},
};

/// A program is looked at so often; what it prints is seen at once.
const TICK: Duration = Duration::from_millis(50);
/// The end of a program's output is waited for so long behind the program's own.
const STREAMS: Duration = Duration::from_secs(2);
/// What is kept of a program's output; more is cut off in front.
const KEPT: usize = 256 << 10;

/// A program with its arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The program, looked for in `PATH`.
    pub program: &'static str,
    /// What it is told.
    pub arguments: Vec<String>,
    /// What it reads: a script, for those that take one.
    pub input: Option<String>,
    /// The longest that it may take.
    pub limit: Duration,
}

impl Call {
    /// As one would type it.
    pub fn text(&self) -> String {
        let plain =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,+@".contains(c));
        let quoted =
            |word: &String| if plain(word) { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) };
        let words = std::iter::once(self.program.to_owned()).chain(self.arguments.iter().map(quoted));
        let line = words.collect::<Vec<_>>().join(" ");
        match &self.input {
            Some(script) => format!("{line} <<'END'\n{}\nEND", script.trim_end()),
            None => line,
        }
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Exit status 0.
    pub good: bool,
    /// How, for people: `status 1`, `signal 9`.
    pub how: String,
    /// All that it printed, both streams as they came.
    pub output: String,
}

/// What is heard of a program while it runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Heard<'a> {
    /// A line.
    Line(&'a str),
    /// Per cent of what the line is about.
    Progress(&'a str, f64),
}

/// Why a program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not installed.
    #[error("{program} is not installed")]
    Missing {
        /// Its name.
        program: &'static str,
    },
    /// It could not be started.
    #[error("{program} cannot be started: {source}")]
    Start {
        /// Its name.
        program: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// It took too long, and was ended.
    #[error("{program} was ended after {seconds} s without a result; its last words: {last}")]
    Deadline {
        /// Its name.
        program: &'static str,
        /// The limit.
        seconds: u64,
        /// What it said last.
        last: String,
    },
    /// We were asked to stop, and ended it.
    #[error("interrupted; {program} was ended")]
    Interrupted {
        /// Its name.
        program: &'static str,
    },
}

/// The program of this name in `PATH`.
pub fn find_program(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let runs = |path: &Path| path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| runs(path))
}

/// Ends the program with this value, and what it started: they are a group of processes of their own.
struct Reaped(Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        // A program that has ended, and was waited for, has no group that could be somebody else's.
        if let Ok(None) = self.0.try_wait() {
            let group = format!("-{}", self.0.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Where a program runs, and with what.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The program's file; without it, it is looked for in `PATH`.
    pub path: Option<PathBuf>,
    /// Its working folder, if not ours.
    pub folder: Option<PathBuf>,
    /// Variables of its environment, besides ours.
    pub environment: Vec<(String, String)>,
}

/// Runs a program to its end. `interrupted` is asked all the time.
pub fn run(call: &Call, interrupted: &dyn Fn() -> bool, hear: &mut dyn FnMut(Heard)) -> Result<Ended, RunError> {
    run_at(call, &Place::default(), interrupted, hear)
}

/// As [`run`], at a place.
pub fn run_at(
    call: &Call,
    place: &Place,
    interrupted: &dyn Fn() -> bool,
    hear: &mut dyn FnMut(Heard),
) -> Result<Ended, RunError> {
    let program = call.program;
    let path = place.path.clone().or_else(|| find_program(program)).ok_or(RunError::Missing { program })?;
    let spawned = Command::new(path)
        .process_group(0)
        .envs(place.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(place.folder.as_deref().unwrap_or(Path::new(".")))
        .args(call.arguments.iter().map(OsStr::new))
        .stdin(if call.input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Reaped(spawned.map_err(|source| RunError::Start { program, source })?);
    if let (Some(mut to), Some(script)) = (child.0.stdin.take(), call.input.clone()) {
        // In a thread of its own: a program that does not read must not hold us up.
        std::thread::spawn(move || to.write_all(script.as_bytes()));
    }
    let (sender, pieces) = channel();
    if let Some(out) = child.0.stdout.take() {
        listen(out, sender.clone());
    }
    if let Some(err) = child.0.stderr.take() {
        listen(err, sender);
    }
    let start = Instant::now();
    let (mut output, mut line) = (String::new(), String::new());
    let mut ended = None;
    loop {
        match pieces.recv_timeout(TICK) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                output.push_str(&text);
                if output.len() > KEPT {
                    let cut = (output.len() - KEPT / 2..output.len()).find(|&i| output.is_char_boundary(i));
                    output.drain(..cut.unwrap_or_default());
                }
                tell(&text, &mut line, hear);
            }
            Err(RecvTimeoutError::Disconnected) if ended.is_some() => break,
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(TICK),
            Err(RecvTimeoutError::Timeout) => {}
        }
        match &ended {
            None => {
                let status = child.0.try_wait().map_err(|source| RunError::Start { program, source })?;
                ended = status.map(|status| (status, Instant::now()));
            }
            // Its streams are still open: what it left behind holds them.
            Some((_, at)) if at.elapsed() > STREAMS => break,
            Some(_) => {}
        }
        if interrupted() {
            return Err(RunError::Interrupted { program });
        }
        if start.elapsed() > call.limit {
            let last = last_words(&output);
            return Err(RunError::Deadline { program, seconds: call.limit.as_secs(), last });
        }
    }
    if !line.trim().is_empty() {
        hear(Heard::Line(line.trim()));
    }
    let (good, how) = ended.map_or((false, "unknown".into()), |(status, _)| {
        use std::os::unix::process::ExitStatusExt;
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("status {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => "unknown".into(),
        };
        (status.success(), how)
    });
    Ok(Ended { good, how, output })
}

/// The last line that says anything.
pub fn last_words(output: &str) -> String {
    let line = output.split(['\n', '\r']).map(str::trim).rfind(|line| !line.is_empty());
    line.unwrap_or("(it said nothing)").to_owned()
}

fn listen(mut from: impl Read + Send + 'static, to: Sender<Vec<u8>>) {
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(n @ 1..) = from.read(&mut bytes) {
            if to.send(bytes[..n].to_vec()).is_err() {
                break;
            }
        }
    });
}

/// Cuts what comes into lines; programs draw progress by returning to a line's start.
fn tell(text: &str, line: &mut String, hear: &mut dyn FnMut(Heard)) {
    for c in text.chars() {
        if c == '\n' || c == '\r' {
            let words = line.trim();
            match progress(words) {
                Some((what, per_cent)) => hear(Heard::Progress(what, per_cent)),
                None if words.is_empty() => {}
                None => hear(Heard::Line(words)),
            }
            line.clear();
        } else if line.len() < 4096 {
            line.push(c);
        }
    }
}

/// `Loading: [====    ] 45.00%`
fn progress(line: &str) -> Option<(&str, f64)> {
    let (what, bar) = line.split_once('[')?;
    let number = bar.rsplit(']').next()?.trim().strip_suffix('%')?;
    Some((what.trim().trim_end_matches(':'), number.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Call {
        Call { program: "sh", arguments: vec!["-c".into(), script.into()], input: None, limit }
    }

    #[test]
    fn lines_progress_and_status_are_heard() {
        let mut heard = Vec::new();
        let call =
            shell("echo one; printf 'Loading: [==  ] 45.50%%\\r'; echo two >&2; exit 3", Duration::from_secs(10));
        let ended = run(&call, &|| false, &mut |h| heard.push(format!("{h:?}"))).unwrap();
        assert!(!ended.good && ended.how == "status 3");
        for wanted in ["Line(\"one\")", "Progress(\"Loading\", 45.5)", "Line(\"two\")"] {
            assert!(heard.iter().any(|h| h == wanted), "{heard:?}");
        }
        assert!(ended.output.contains("one\n") && ended.output.contains("two\n"));
    }

    #[test]
    fn a_deadline_and_an_interrupt_end_the_program() {
        let start = Instant::now();
        let error = run(&shell("echo begun; exec sleep 60", Duration::from_millis(300)), &|| false, &mut |_| {});
        let text = error.unwrap_err().to_string();
        assert!(text.contains("begun"), "{text}");
        let error = run(
            &shell("exec sleep 60", Duration::from_secs(60)),
            &|| start.elapsed() > Duration::from_millis(600),
            &mut |_| {},
        );
        assert!(matches!(error, Err(RunError::Interrupted { .. })));
        assert!(start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn what_a_program_started_ends_with_it() {
        let mark = format!("{}.5", 7000 + std::process::id());
        let script = format!("sleep {mark} & echo begun; wait");
        let error = run(&shell(&script, Duration::from_millis(500)), &|| false, &mut |_| {});
        assert!(matches!(error, Err(RunError::Deadline { .. })));
        let running = || {
            let entries = std::fs::read_dir("/proc").unwrap().flatten();
            entries
                .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
                .any(|line| line.split(|&byte| byte == 0).any(|word| word == mark.as_bytes()))
        };
        let start = Instant::now();
        while running() {
            assert!(start.elapsed() < Duration::from_secs(5), "the shell's child runs on");
            std::thread::sleep(TICK);
        }
    }

    #[test]
    fn a_program_has_its_place() {
        let place = Place {
            path: Some("/bin/sh".into()),
            folder: Some("/".into()),
            environment: vec![("HOTLOOP_WORD".into(), "told".into())],
        };
        let call = shell("pwd; echo $HOTLOOP_WORD", Duration::from_secs(10));
        assert_eq!(run_at(&call, &place, &|| false, &mut |_| {}).unwrap().output, "/\ntold\n");
    }

    #[test]
    fn nothing_is_lost_at_the_end_and_streams_held_open_are_left() {
        for _ in 0..20 {
            let ended = run(&shell("seq 20000; echo last", Duration::from_secs(30)), &|| false, &mut |_| {}).unwrap();
            assert!(ended.good && ended.output.ends_with("20000\nlast\n"), "{}", last_words(&ended.output));
        }
        let start = Instant::now();
        let ended = run(&shell("sleep 30 & echo on", Duration::from_secs(60)), &|| false, &mut |_| {}).unwrap();
        assert!(ended.good && ended.output == "on\n" && start.elapsed() < Duration::from_secs(20));
    }

    #[test]
    fn a_program_that_there_is_not() {
        let call =
            Call { program: "hotloop-no-such-program", arguments: vec![], input: None, limit: Duration::from_secs(1) };
        assert!(matches!(run(&call, &|| false, &mut |_| {}), Err(RunError::Missing { .. })));
    }

    #[test]
    fn a_call_as_text_can_be_typed() {
        let call = shell("it's", Duration::ZERO);
        assert_eq!(call.text(), r"sh -c 'it'\''s'");
    }
}
