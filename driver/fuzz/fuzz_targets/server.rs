//! Whatever a client sends, the server's session answers or gives up: no panic, no wait, nothing beyond its limits.
#![no_main]

mod puppet;

use std::time::{Duration, Instant};

use hotloop_driver::{
    vfio_user::{
        wire::{self, Message, MAX_MESSAGE},
        Request, Session,
    },
    DmaMemory,
};
use libfuzzer_sys::fuzz_target;
use pcie_sys::Socket;
use puppet::Puppet;

fuzz_target!(|data: &[u8]| {
    let (ours, theirs) = Socket::pair().unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    // The first byte: whether memory comes with a message; the second: raw bytes, or bodies of messages that are framed
    // rightly and begin with the version.
    let [memory_with, framed, rest @ ..] = data else { return };
    let memory = DmaMemory::new(8192).unwrap();
    let fds = [memory.as_fd()];
    let send = |i: usize, bytes: &[u8]| {
        let fds = if memory_with >> (i % 8) & 1 == 1 { &fds[..] } else { &[] };
        ours.send(bytes, fds, until).unwrap();
    };
    if framed & 1 == 0 {
        rest.chunks(200).enumerate().for_each(|(i, piece)| send(i, piece));
    } else {
        send(0, &frame(1, &wire::version()));
        let mut rest = rest;
        for i in 1..100 {
            let [command, bytes, more @ ..] = rest else { break };
            let (body, more) = more.split_at(usize::from(*bytes).min(more.len()));
            send(i, &frame(u16::from(command % 18), body));
            rest = more;
        }
    }
    drop(ours);
    let (puppet, request) = (Puppet::new(&[], 0), Request::default());
    let mut session = Session::new(&puppet, &request);
    while let Ok(message) = Message::receive(&theirs, until) {
        if let Ok(body) = session.answer(message) {
            assert!(body.len() <= MAX_MESSAGE);
        }
    }
});

/// A question of this command.
fn frame(command: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![7, 0];
    bytes.extend_from_slice(&command.to_le_bytes());
    bytes.extend_from_slice(&(16 + body.len() as u32).to_le_bytes());
    bytes.extend_from_slice(&[0; 8]);
    bytes.extend_from_slice(body);
    bytes
}
