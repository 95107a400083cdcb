//! Whatever a server answers, the client has an error or an answer, in time.
#![no_main]

use std::time::{Duration, Instant};

use hotloop_driver::{vfio_user::VfioUserFunction, PciFunction};
use libfuzzer_sys::fuzz_target;
use pcie_sys::Socket;

fuzz_target!(|data: &[u8]| {
    let (ours, theirs) = Socket::pair().unwrap();
    let soon = Instant::now() + Duration::from_secs(5);
    theirs.send(&data[..data.len().min(1 << 15)], &[], soon).unwrap();
    // Silence after the data is the same as an end, only sooner over.
    let thread = std::thread::spawn(move || {
        let mut byte = [0; 1];
        while theirs.receive(&mut byte, &mut Vec::new(), Instant::now() + Duration::from_millis(2)).is_ok() {}
    });
    let start = Instant::now();
    if let Ok(function) = VfioUserFunction::over("fuzz".into(), ours, Duration::from_millis(20)) {
        let mut bytes = [0; 4];
        let _ = function.config_read(0, &mut bytes);
        let _ = function.region_read(0, 0, &mut bytes);
        let _ = function.irq_enable(2);
        let _ = function.reset();
    }
    assert!(start.elapsed() < Duration::from_secs(2));
    thread.join().unwrap();
});
