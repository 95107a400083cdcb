//! Whatever a server answers, the client has an error or an answer, in time.
#![no_main]

use std::time::{Duration, Instant};

use hotloop_driver::{
    vfio_user::{wire::Message, VfioUserFunction},
    DmaMemory, PciFunction,
};
use libfuzzer_sys::fuzz_target;
use pcie_sys::Socket;

fuzz_target!(|data: &[u8]| {
    let (ours, theirs) = Socket::pair().unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    let data = data.to_vec();
    // A server whose heads are right, where the fuzzer does not say otherwise, and whose bodies are the fuzzer's.
    let server = std::thread::spawn(move || {
        let mut rest = &data[..];
        while let Ok(message) = Message::receive(&theirs, until) {
            let [kind, bytes, more @ ..] = rest else { return };
            let (body, more) = more.split_at(usize::from(*bytes).min(more.len()));
            rest = more;
            let mut answer = message.header.id.to_le_bytes().to_vec();
            answer.extend_from_slice(&message.header.command.to_le_bytes());
            answer.extend_from_slice(&(16 + body.len() as u32).to_le_bytes());
            answer.extend_from_slice(&[1, 0, 0, 0, 0, 0, 0, 0]);
            answer.extend_from_slice(body);
            if *kind >= 0x80 {
                let at = usize::from(kind & 0xf);
                answer[at] ^= kind;
            }
            if theirs.send(&answer, &[], until).is_err() {
                return;
            }
        }
    });
    let start = Instant::now();
    if let Ok(function) = VfioUserFunction::over("fuzz".into(), ours, Duration::from_millis(30)) {
        let mut bytes = [0; 4];
        let memory = std::sync::Arc::new(DmaMemory::new(4096).unwrap());
        let _ = function.config_read(0, &mut bytes);
        let _ = function.region_read(0, 0, &mut bytes);
        let _ = function.region_write(0, 0, &bytes);
        let _ = function.dma_map(0x1000, &memory);
        let _ = function.dma_unmap(0x1000, 4096);
        let _ = function.irq_enable(2);
        let _ = function.check();
        let _ = function.reset();
    }
    assert!(start.elapsed() < Duration::from_secs(4));
    server.join().unwrap();
});
