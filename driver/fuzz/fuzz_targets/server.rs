//! Whatever a client sends, the server's session answers or gives up: no panic, no wait, nothing beyond its limits.
#![no_main]

mod puppet;

use std::time::{Duration, Instant};

use hotloop_driver::{
    vfio_user::{
        wire::{Message, MAX_MESSAGE},
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
    // The first byte: whether memory comes with the messages; the next: how many bytes are one send.
    let [kind, part, rest @ ..] = data else { return };
    let memory = DmaMemory::new(8192).unwrap();
    for (i, piece) in rest.chunks(usize::from(*part).max(16)).take(64).enumerate() {
        let with_memory = kind >> (i % 8) & 1 == 1;
        let fds = [memory.as_fd()];
        ours.send(piece, if with_memory { &fds } else { &[] }, until).unwrap();
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
