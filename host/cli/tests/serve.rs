//! A board in another process: `hotloop sim serve`, and what happens when that process misbehaves.

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hotloop_driver::{
    vfio_user::VfioUserFunction, Board, BoardOptions, Descriptor, DmaBuf, DriverError, FunctionError, PciFunction,
    PoolOptions,
};
use hotloop_regs::ParameterSet;

const SET: ParameterSet = ParameterSet::Plonky2V1;
const LONG: Duration = Duration::from_secs(120);

/// A server in a process of its own, ended when this goes.
struct Serving {
    child: Child,
    socket: PathBuf,
}

impl Serving {
    fn start(name: &str) -> Serving {
        Serving::start_preset(name, "sim")
    }

    fn start_preset(name: &str, preset: &str) -> Serving {
        let socket = std::env::temp_dir().join(format!("hotloop-{name}-{}.sock", std::process::id()));
        Serving::start_at(socket, preset)
    }

    fn start_at(socket: PathBuf, preset: &str) -> Serving {
        let mut child = Command::new(env!("CARGO_BIN_EXE_hotloop"))
            .args(["sim", "serve", "--preset", preset, "--socket"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says that it serves when the socket is there.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with(&format!("serving preset {preset} as device vfio-user:")), "{line}");
        Serving { child, socket }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    fn open(&self, answer_time: Duration) -> Board {
        let function = VfioUserFunction::open_with(&self.socket, answer_time).unwrap();
        let pool = PoolOptions { chunk_bytes: 1 << 20, ..PoolOptions::default() };
        let options = BoardOptions { pool, settle: Duration::from_secs(1), ..BoardOptions::default() };
        Board::open_with(Arc::new(function), options).unwrap()
    }

    fn device(&self) -> String {
        format!("vfio-user:{}", self.socket.display())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.socket);
    }
}

fn buffers(board: &Board, beats: u32) -> (DmaBuf, DmaBuf) {
    let bytes = u64::from(beats) * 64;
    let (src, dst) = (board.alloc(bytes).unwrap(), board.alloc(bytes).unwrap());
    let words: Vec<u64> = (0..bytes / 8).map(|i| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    src.write_words(0, &words).unwrap();
    (src, dst)
}

fn copies(board: &Board, beats: u32) {
    let (src, dst) = buffers(board, beats);
    let job = Descriptor::loopback(SET, src.window(), dst.window(), beats);
    board.submit_and_wait_for(&[job], LONG).unwrap();
    let (mut wanted, mut found) = (vec![0; beats as usize * 8], vec![0; beats as usize * 8]);
    src.read_words(0, &mut wanted).unwrap();
    dst.read_words(0, &mut found).unwrap();
    assert!(wanted == found);
}

/// The error of more work than a simulation does in that time, to which `happens` comes in its middle, and how long
/// after that it came.
fn interrupted(board: &Board, happens: impl FnOnce()) -> (DriverError, Duration) {
    let (src, dst) = buffers(board, 4096);
    let batch = vec![Descriptor::loopback(SET, src.window(), dst.window(), 4096); 2000];
    thread::scope(|scope| {
        let job = scope.spawn(|| (board.submit_and_wait_for(&batch, LONG).unwrap_err(), Instant::now()));
        thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        happens();
        let (error, end) = job.join().unwrap();
        (error, end - start)
    })
}

fn gone(error: &DriverError) -> bool {
    matches!(error, DriverError::Function(FunctionError::Gone { .. }))
}

fn hotloop(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hotloop")).args(args).output().unwrap()
}

#[test]
fn a_server_killed_in_a_job_is_gone_and_others_go_on() {
    let (mut victim, other) = (Serving::start("victim"), Serving::start("other"));
    let (board, neighbour) = (victim.open(LONG), other.open(LONG));
    copies(&board, 64);
    let (error, after) = interrupted(&board, || victim.child.kill().unwrap());
    assert!(gone(&error), "{error}");
    assert!(after < Duration::from_secs(5), "{after:?}");
    assert!(matches!(board.submit_and_wait(&[]), Err(DriverError::NeedsReset { .. })));
    assert!(board.reset().is_err());
    copies(&neighbour, 64);
    drop(board);
    // Its socket is left over, and is no obstacle to the next one.
    victim.child.wait().unwrap();
    let socket = victim.socket.clone();
    assert!(socket.exists());
    let next = Serving::start_at(socket, "sim");
    copies(&next.open(LONG), 64);
    copies(&neighbour, 64);
}

#[test]
fn a_server_that_stops_answering_is_given_up_in_time() {
    let server = Serving::start("stopped");
    let answer = Duration::from_millis(500);
    let board = server.open(answer);
    let (error, after) = interrupted(&board, || server.signal("-STOP"));
    let late = matches!(error, DriverError::Function(FunctionError::NoAnswer { waited, .. }) if waited == answer);
    assert!(late, "{error}");
    assert!(after < Duration::from_secs(5), "{after:?}");
    let start = Instant::now();
    assert!(board.reset().is_err());
    drop(board);
    assert!(start.elapsed() < Duration::from_secs(5));
    // It wakes up, finds its client gone, and takes the next one.
    server.signal("-CONT");
    let start = Instant::now();
    while VfioUserFunction::open(&server.socket).is_err() {
        assert!(start.elapsed() < Duration::from_secs(20));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_board_has_one_user() {
    let server = Serving::start("busy");
    let board = server.open(LONG);
    let output = hotloop(&["info", "--device", &server.device()]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("in use by another process"), "{text}");
    copies(&board, 64);
    // And two servers do not share a socket.
    let second = hotloop(&["sim", "serve", "--socket", server.socket.to_str().unwrap()]);
    assert_eq!(second.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use"));
    copies(&board, 64);
    let nobody = hotloop(&["info", "--device", "vfio-user:/nowhere.sock"]);
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("nobody listens at /nowhere.sock"));
}

#[test]
fn ctrl_c_ends_a_server_with_and_without_a_client() {
    for (signal, in_a_job) in [("-INT", false), ("-TERM", true)] {
        let mut server = Serving::start(&format!("end{signal}"));
        if in_a_job {
            let board = server.open(LONG);
            let (error, after) = interrupted(&board, || server.signal(signal));
            // Told in time that the board goes, as a driver is of an unplug; or it went first.
            let told = matches!(error, DriverError::Function(FunctionError::Unplug { .. }));
            assert!(told || gone(&error), "{error}");
            assert!(after < Duration::from_secs(5), "{after:?}");
        } else {
            server.signal(signal);
        }
        assert_eq!(server.child.wait().unwrap().code(), Some(0));
        assert!(!server.socket.exists());
    }
}

#[test]
fn a_proof_on_a_board_in_another_process() {
    let server = Serving::start("prove");
    let file = |name: &str| {
        let path = std::env::temp_dir().join(format!("hotloop-served-{name}-{}.bin", std::process::id()));
        path.to_str().unwrap().to_owned()
    };
    let (there, here) = (file("there"), file("here"));
    let prove = |device: &str, out: &str| {
        let output = hotloop(&["prove", "--device", device, "--log-rows", "6", "--out", out]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        std::fs::read(out).unwrap()
    };
    assert!(prove(&server.device(), &there) == prove("cpu", &here));
    // A prover that is interrupted leaves the board to the next one.
    let mut child = Command::new(env!("CARGO_BIN_EXE_hotloop"))
        .args(["prove", "--device", &server.device(), "--log-rows", "14", "--out", &there])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_millis(700));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(!child.wait().unwrap().success());
    thread::sleep(Duration::from_millis(200));
    assert!(prove(&server.device(), &there) == prove("cpu", &here));
    let _ = (std::fs::remove_file(&there), std::fs::remove_file(&here));
}

#[test]
fn a_link_is_part_of_a_devices_name() {
    let cycles = |device: &str| {
        let path = std::env::temp_dir().join(format!("hotloop-link-{}.bin", std::process::id()));
        let out = path.to_str().unwrap();
        let output = hotloop(&["prove", "--device", device, "--log-rows", "6", "--out", out, "--json"]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let object: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let proof = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        (object["offload"]["cycles"].as_u64().unwrap(), proof)
    };
    let (near, proof) = cycles("sim");
    let (far, same) = cycles("sim:sim@gen3x1,latency=3000");
    assert!(far > near + 3000 && proof == same, "{near} cycles, {far} over the link");
    for wrong in ["sim:sim@gen3", "sim:sim@gen3x8,speed=2", "sim:sim@"] {
        let output = hotloop(&["info", "--device", wrong]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
        assert!(String::from_utf8_lossy(&output.stderr).contains("link"), "{wrong}");
    }
}

/// Figures, printed and not judged: this machine may be busy.
#[test]
fn the_way_to_another_process_in_figures() {
    for preset in ["link", "sim"] {
        figures(preset);
    }
}

fn figures(preset: &str) {
    let server = Serving::start_preset(&format!("figures-{preset}"), preset);
    let function = Arc::new(VfioUserFunction::open(&server.socket).unwrap());
    let board = Board::open(Arc::clone(&function) as _).unwrap();
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let timed = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let reads = (0..200).map(|_| timed(&|| function.region_read(0, 0, &mut [0; 4]).unwrap())).collect();
    let (src, dst) = buffers(&board, 1 << 14);
    let small = Descriptor::loopback(SET, src.window(), dst.window(), 1);
    let large = Descriptor::loopback(SET, src.window(), dst.window(), 1 << 14);
    let jobs = (0..200).map(|_| timed(&|| drop(board.submit_and_wait(&[small]).unwrap()))).collect();
    let moved = timed(&|| drop(board.submit_and_wait(&[large; 8]).unwrap()));
    println!(
        "vfio-user, preset {preset}: register read {:?}, 64-byte job {:?} with MSI-X on (medians), \
         loopback {:.1} MB/s each way",
        median(reads),
        median(jobs),
        8.0 * (1 << 20) as f64 / moved.as_secs_f64() / 1e6
    );
}
