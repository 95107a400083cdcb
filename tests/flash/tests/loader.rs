//! Stock openFPGALoader and the model of an ECP5: what a board's part would take, it takes, and what it would refuse, it
//! refuses. Images are made by the open flow.

use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use hotloop_flash_tests::{Bench, GOLDEN, GOLDEN_OFFSET, IDCODE, ONE, TWO};
use hotloop_jtag::{Configuration, Ecp5, Fault, Part, Server, SpiFlash};

fn bench() -> Option<Bench> {
    Bench::get(env!("CARGO_TARGET_TMPDIR"))
}

/// A part with a flash in which there is a golden image and nothing else.
fn board(bench: &Bench) -> Server {
    let mut flash = SpiFlash::new();
    bench.flash().iter().for_each(|(address, bytes)| flash.put(*address, bytes));
    Server::start("127.0.0.1:0", Ecp5::new(Part::by_idcode(IDCODE).unwrap(), Some(flash))).unwrap()
}

/// Runs the tool; its end within a minute, and all that it said.
fn load(bench: &Bench, server: &Server, words: &[&str]) -> (bool, String) {
    let address = server.address();
    let mut child = Command::new(bench.tools.join("openFPGALoader"))
        .args(["-c", "xvc-client", "--ip", &address.ip().to_string(), "--port", &address.port().to_string(), "-v"])
        .args(words)
        .current_dir(&bench.images)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let read = |mut from: Box<dyn std::io::Read + Send>| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).unwrap();
            bytes
        })
    };
    let (out, err) = (read(Box::new(out)), read(Box::new(err)));
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("openFPGALoader {words:?} did not end in a minute");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let output = Output { status, stdout: out.join().unwrap(), stderr: err.join().unwrap() };
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    println!("{words:?}: {:.2} s, {:?}", start.elapsed().as_secs_f64(), status);
    (status.success(), text)
}

/// An image with one bit of its frames changed, in a file of its own.
fn flipped(bench: &Bench, name: &str) -> String {
    let mut bytes = bench.image("one.bit");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.bit"));
    std::fs::write(&path, bytes).unwrap();
    path.display().to_string()
}

#[test]
fn loads_with_and_without_compression() {
    let Some(bench) = bench() else { return };
    let server = board(&bench);
    assert_eq!(server.device().configuration().usercode, GOLDEN, "started from the golden image");
    let mut held = Vec::new();
    for image in ["one.bit", "plain.bit"] {
        let (good, text) = load(&bench, &server, &[image]);
        let device = server.device();
        assert!(good && device.status().done() && device.status().fault().is_none(), "{text}");
        assert!(text.contains("userCode: 10000001"), "{text}");
        assert_eq!(device.configuration().usercode, ONE);
        held.push(device.configuration().clone());
    }
    // What was decompressed is what was never compressed: every frame, and the block memory's words.
    assert_eq!(held[0].frames.len(), 13294 * 142);
    assert!(held[0] == held[1]);
    assert!(held[0].frames.iter().any(|&byte| byte != 0));
    let first: Vec<u8> = held[0].ebr.values().next().unwrap().to_vec();
    let words: Vec<u16> = (0..8).map(|i| (i * 37) ^ (i >> 3)).collect();
    let packed = words.iter().fold(0u128, |packed, &word| packed << 9 | u128::from(word & 0x1ff));
    assert_eq!(first, packed.to_be_bytes()[7..], "the first words of blink.v's memory");
    assert_eq!(held[0].ebr.len(), 256, "one block memory");
}

#[test]
fn a_flipped_bit_is_refused() {
    let Some(bench) = bench() else { return };
    let server = board(&bench);
    let (good, text) = load(&bench, &server, &[&flipped(&bench, "loader-flipped")]);
    assert!(!good && text.contains("CRC ERR"), "{text}");
    let status = server.device().status();
    assert!(!status.done() && status.fault() == Some(Fault::Crc), "{status:x?}");
    let (good, text) = load(&bench, &server, &["one.bit"]);
    assert!(good && server.device().status().done(), "{text}");
}

#[test]
fn an_image_for_another_part_is_refused() {
    let Some(bench) = bench() else { return };
    let server = board(&bench);
    let before = server.device().configuration().clone();
    let (good, text) = load(&bench, &server, &["other-part.bit"]);
    assert!(!good && text.contains("mismatch between target's idcode and bitstream idcode"), "{text}");
    assert!(*server.device().configuration() == before, "nothing was touched");
    // The tool reads only the first identity of a file; the part reads each one.
    let mut bytes = bench.image("one.bit");
    let first = bytes.windows(4).position(|w| w == IDCODE.to_be_bytes()).unwrap() - 4;
    let mut again = bytes[first..first + 8].to_vec();
    again[4] = 0x41;
    bytes.splice(first + 8..first + 8, again);
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("loader-other.bit");
    std::fs::write(&path, bytes).unwrap();
    let (good, text) = load(&bench, &server, &[&path.display().to_string()]);
    let device = server.device();
    assert!(!good && device.status().fault() == Some(Fault::Id) && !device.status().done(), "{text}");
}

#[test]
fn after_a_pulled_cable_the_next_load_succeeds() {
    let Some(bench) = bench() else { return };
    let server = board(&bench);
    server.cut_after(1_000_000);
    let (_, text) = load(&bench, &server, &["one.bit"]);
    assert!(!text.contains("userCode: 10000001"), "{text}");
    assert!(!server.device().status().done());
    let (good, text) = load(&bench, &server, &["one.bit"]);
    assert!(good && server.device().status().done(), "{text}");
}

#[test]
fn the_flash_is_written_and_the_golden_image_stays() {
    let Some(bench) = bench() else { return };
    let server = board(&bench);
    let golden = bench.image("golden.bit");
    let has_golden = |server: &Server| {
        let device = server.device();
        let flash = device.flash().unwrap().bytes();
        flash[GOLDEN_OFFSET..GOLDEN_OFFSET + golden.len()] == golden && flash[flash.len() - 1] == 0xff
    };
    // Pulled in the middle of a write: at power-on the part takes the golden image.
    server.cut_after(1_500_000);
    let (_, text) = load(&bench, &server, &["--write-flash", "--verify", "two.bit"]);
    assert!(has_golden(&server), "{text}");
    assert!(
        server.device().flash().unwrap().bytes()[..1024].iter().any(|&b| b != 0xff),
        "it was being written: {text}"
    );
    server.device().power_cycle();
    assert_eq!(server.device().configuration().usercode, GOLDEN);
    // Written whole: now that one.
    let (good, text) = load(&bench, &server, &["--write-flash", "--verify", "two.bit"]);
    assert!(good, "{text}");
    assert!(has_golden(&server));
    assert_eq!(server.device().configuration().usercode, TWO, "started from flash by REFRESH");
    server.device().power_cycle();
    assert_eq!(server.device().configuration().usercode, TWO);
    assert!(server.device().status().done());
    // A part whose flash is empty holds nothing.
    let blank = Ecp5::new(Part::by_idcode(IDCODE).unwrap(), Some(SpiFlash::new()));
    assert!(!blank.status().done() && blank.status().fault() == Some(Fault::Preamble));
    assert!(*blank.configuration() == Configuration::default());
}
