//! Bytes of anybody: the cable, the port and the engine neither end nor hang, and serve the next client.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    time::Duration,
};

use hotloop_jtag::{
    instruction, Configuration, Ecp5, Interpreter, Part, Progress, Server, Source, SpiFlash, BUFFER_BYTES,
};
use proptest::prelude::*;

fn part() -> Part {
    Part::by_name("LFE5UM5G-25F").unwrap()
}

fn server() -> Server {
    Server::start("127.0.0.1:0", Ecp5::new(part(), Some(SpiFlash::new()))).unwrap()
}

fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// TDO for TMS and TDI as strings of bits.
fn shift(stream: &mut TcpStream, tms: &str, tdi: &str) -> Vec<bool> {
    assert_eq!(tms.len(), tdi.len());
    let pack = |bits: &str| {
        let mut bytes = vec![0u8; bits.len().div_ceil(8)];
        bits.bytes().enumerate().for_each(|(i, bit)| bytes[i / 8] |= (bit - b'0') << (i % 8));
        bytes
    };
    let mut message = b"shift:".to_vec();
    message.extend((tms.len() as u32).to_le_bytes());
    message.extend(pack(tms));
    message.extend(pack(tdi));
    stream.write_all(&message).unwrap();
    let mut tdo = vec![0; tms.len().div_ceil(8)];
    stream.read_exact(&mut tdo).unwrap();
    (0..tms.len()).map(|i| tdo[i / 8] >> (i % 8) & 1 != 0).collect()
}

/// The server still serves: IDCODE after a reset.
fn answers(server: &Server) {
    let mut stream = connect(server);
    stream.write_all(b"getinfo:").unwrap();
    let mut answer = [0; 20];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, *b"xvcServer_v1.0:2048\n");
    stream.write_all(b"settck:\x64\0\0\0").unwrap();
    let mut period = [0; 4];
    stream.read_exact(&mut period).unwrap();
    assert_eq!(period, [100, 0, 0, 0]);
    let tdo = shift(&mut stream, &format!("111110100{}", "0".repeat(32)), &"0".repeat(41));
    let idcode = tdo[9..].iter().rev().fold(0u32, |value, &bit| value << 1 | u32::from(bit));
    assert_eq!(idcode, part().idcode);
}

#[test]
fn wrong_words_and_broken_connections() {
    let server = server();
    let long = [b"shift:".as_slice(), &(8 * BUFFER_BYTES as u32).to_le_bytes()].concat();
    let longest = [b"shift:".as_slice(), &u32::MAX.to_le_bytes(), &[0; 4096]].concat();
    let half = [b"shift:".as_slice(), &64u32.to_le_bytes(), &[0; 9]].concat();
    let words: [&[u8]; 9] =
        [b"", b"g", b"getinfo", b"getinfi:", b"settck:\x01", b"sh", b"shifty", b"\0\0\0\0", &[0xff; 5000]];
    for word in words.into_iter().chain([long.as_slice(), &longest, &half]) {
        let mut stream = connect(&server);
        // The server may close before all is written.
        let _ = stream.write_all(word);
        let _ = stream.shutdown(Shutdown::Write);
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest);
        assert!(rest.len() <= 20, "{word:?}: {rest:?}");
        answers(&server);
    }
}

#[test]
fn a_shift_of_nothing_and_the_longest_one() {
    let server = server();
    let mut stream = connect(&server);
    assert!(shift(&mut stream, "", "").is_empty());
    let longest = "1".repeat(4 * BUFFER_BYTES);
    assert_eq!(shift(&mut stream, &longest, &longest).len(), longest.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Random commands with random vectors, ended anywhere.
    #[test]
    fn random_sessions(messages in prop::collection::vec((0u8..5, prop::collection::vec(any::<u8>(), 0..600)), 0..12)) {
        let server = server();
        {
            let mut stream = connect(&server);
            for (kind, data) in &messages {
                let bits = (data.len() / 2 * 8) as u32;
                let message = match kind {
                    0 => b"getinfo:".to_vec(),
                    1 => [b"settck:".as_slice(), data].concat(),
                    2 => data.clone(),
                    _ => [b"shift:".as_slice(), &bits.to_le_bytes(), &data[..data.len() / 2 * 2]].concat(),
                };
                let _ = stream.write_all(&message);
            }
        }
        answers(&server);
    }

    /// Instructions with random data, at the part itself.
    #[test]
    fn random_instructions(steps in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..60)) {
        use instruction::*;
        const OFTEN: [u8; 8] = [
            ISC_ENABLE, ISC_ERASE, LSC_BITSTREAM_BURST, LSC_PROG_SPI, LSC_REFRESH, LSC_READ_STATUS, LSC_CHECK_BUSY,
            LSC_INIT_ADDRESS,
        ];
        let mut device = Ecp5::new(part(), Some(SpiFlash::new()));
        let clock = |device: &mut Ecp5, tms: &str, tdi: bool| tms.bytes().for_each(|bit| { device.clock(bit == b'1', tdi); });
        clock(&mut device, "111110", false);
        for (instruction, data) in steps {
            let ir = if instruction & 1 == 0 { OFTEN[usize::from(instruction >> 1) % 8] } else { instruction };
            clock(&mut device, "1100", false);
            (0..8).for_each(|bit| { device.clock(bit == 7, ir >> bit & 1 != 0); });
            clock(&mut device, "10", false);
            (0..u32::from(instruction) * 32).for_each(|_| { device.clock(false, false); });
            if let Some(last) = (8 * data.len()).checked_sub(1) {
                clock(&mut device, "100", false);
                (0..=last).for_each(|i| { device.clock(i == last, data[i / 8] >> (i % 8) & 1 != 0); });
                clock(&mut device, "10", false);
            }
        }
        clock(&mut device, "11111", true);
        prop_assert_eq!(device.flash().unwrap().bytes().len(), 16 << 20);
    }

    /// A preamble and random bytes, among them the commands that take most: memory stays what the part has.
    #[test]
    fn random_bitstreams(
        commands in prop::collection::vec((prop::sample::select(vec![
            0x02u8, 0x22, 0x3b, 0x46, 0x79, 0x7e, 0x82, 0xb2, 0xb8, 0xc2, 0xe2, 0xf6, 0xff,
        ]), prop::collection::vec(any::<u8>(), 0..300)), 0..30),
        flash: bool,
    ) {
        let source = if flash { Source::Flash } else { Source::Jtag };
        let mut interpreter = Interpreter::new(part(), source);
        let mut held = Configuration::default();
        [0xff, 0xff, 0xbd, 0xb3].iter().for_each(|&byte| { interpreter.push_byte(byte, &mut held); });
        for (command, data) in &commands {
            interpreter.push_byte(*command, &mut held);
            data.iter().for_each(|&byte| { interpreter.push_byte(byte, &mut held); });
        }
        prop_assert!(held.frames.len() <= usize::from(part().frames) * part().frame_bytes());
        prop_assert!(held.ebr.len() <= 1024 * 256);
        prop_assert!(!matches!(interpreter.progress(), Progress::Jump(_)) || flash);
    }
}
