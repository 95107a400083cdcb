//! The simulated board in a guest that boots Linux: QEMU's `vfio-user-pci` makes it a function on the guest's bus, the
//! guest's vfio-pci binds it, and our VFIO code drives it.
//!
//! Needs a QEMU of 10.1 or later. `make test-guest` fetches one from Debian's newer suites; where that has not been done,
//! the short run says so and ends. `HOTLOOP_GUEST=full` (set there) wants the whole run: with `lspci`, the self-test and a
//! whole proof by the `hotloop` command at `HOTLOOP`.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hotloop_driver::{vfio_user::Server, EventFd};
use hotloop_guest::machine::{new_qemu_folder, Bundle, Image, Machine};
use hotloop_sim::{SimFunction, SimOptions};

const PROOF: [&str; 5] = ["prove", "--air", "fibonacci", "--log-rows", "10"];

/// Boots a guest with a simulated board on its bus; the lines that it printed.
fn run(name: &str, script: &str, programs: &[(&str, PathBuf)]) -> Vec<String> {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let system = Bundle::system(build).unwrap();
    let qemu = Bundle::new_qemu(build).unwrap();
    let mut image = Image::new(&system, script).unwrap();
    for (name, path) in programs {
        image.program(name, path, None).unwrap();
    }
    image.program("lspci", &system.find("lspci").unwrap(), Some(&system)).unwrap();
    image.file("usr/share/misc/pci.ids", &system.find("pci.ids").unwrap()).unwrap();
    let socket = std::env::temp_dir().join(format!("hotloop-{name}-{}.sock", std::process::id()));
    let board = Arc::new(SimFunction::open(&SimOptions::preset("sim")).unwrap());
    let server = Server::bind(&socket, board).unwrap();
    let stop = EventFd::new().unwrap();
    let machine = Machine {
        system: &system,
        qemu: &qemu,
        folder: build.join(name),
        devices: vec![
            "pcie-root-port,id=rp1,addr=2,chassis=1,x-speed=8,x-width=16".into(),
            format!(
                r#"{{"driver":"vfio-user-pci","bus":"rp1","socket":{{"type":"unix","path":"{}"}}}}"#,
                socket.display()
            ),
        ],
        memory: 768,
        time: Duration::from_secs(300),
    };
    let start = Instant::now();
    let heard = thread::scope(|scope| {
        scope.spawn(|| server.run(stop.as_fd(), &|text| println!("server: {text}")).unwrap());
        let heard = machine.run(image, |line, _| println!("{line}"));
        stop.signal().unwrap();
        heard
    });
    println!("boot to end: {:.1} s", start.elapsed().as_secs_f64());
    heard.unwrap_or_else(|reason| panic!("{reason}"))
}

fn said(heard: &[String], wanted: &str) -> bool {
    heard.iter().any(|line| line.contains(wanted))
}

#[test]
fn the_suite_on_vfio() {
    if !new_qemu_folder(Path::new(env!("CARGO_TARGET_TMPDIR"))).exists() || hotloop_sim::presets().is_empty() {
        println!("not run: there is no QEMU with vfio-user-pci here (`make test-guest` fetches one), or no Verilator");
        return;
    }
    let heard = run("guest-board", "guest board", &[("guest", env!("CARGO_BIN_EXE_guest").into())]);
    assert!(said(&heard, "guest: board passed"));
}

#[test]
fn a_whole_proof() {
    if std::env::var_os("HOTLOOP_GUEST").is_none_or(|value| value != "full") {
        println!("not run: `make test-guest` does");
        return;
    }
    let hotloop = PathBuf::from(std::env::var_os("HOTLOOP").expect("HOTLOOP names the command"));
    let proof = PROOF.join(" ");
    let script = format!(
        "lspci -vv -s 01:00.0\nhotloop devices\nhotloop bind 0000:01:00.0\nlspci -k -s 01:00.0\nhotloop devices\n\
         hotloop selftest --device vfio:0000:01:00.0 --vectors 20 || echo FAILED\n\
         hotloop {proof} --device vfio:0000:01:00.0 --out /tmp/p.bin || echo FAILED\nsha256sum /tmp/p.bin"
    );
    let heard = run("guest-proof", &script, &[("hotloop", hotloop.clone())]);
    let lspci = ["1209:4854", "Express (v2) Endpoint", "Speed 8GT/s, Width x16", "MSI-X: Enable-", "in use: vfio-pci"];
    for wanted in lspci {
        assert!(said(&heard, wanted), "{wanted}");
    }
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("guest-proof/cpu.bin");
    let made = Command::new(&hotloop).args(PROOF).args(["--device", "cpu", "--out"]).arg(&file).status().unwrap();
    assert!(made.success());
    let sum = Command::new("sha256sum").arg(&file).output().unwrap();
    let sum = String::from_utf8_lossy(&sum.stdout);
    let sum = sum.split_whitespace().next().unwrap();
    assert_eq!(sum.len(), 64);
    assert!(said(&heard, &format!("{sum}  /tmp/p.bin")), "the guest's proof is not the CPU prover's ({sum})");
    println!("the proof made in the guest, on the board, is the CPU prover's, byte for byte: sha256 {sum}");
}
