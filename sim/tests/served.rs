//! One suite, two ways to the simulated board: in this process, and through a vfio-user socket.
#![cfg(verilated)]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use hotloop_driver::{
    vfio_user::{Server, VfioUserFunction},
    EventFd,
};
use hotloop_guest::suite;
use hotloop_sim::{SimFunction, SimOptions};

fn socket(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hotloop-{name}-{}.sock", std::process::id()))
}

/// Serves a board of preset `sim` while `work` runs.
fn served<T>(name: &str, work: impl FnOnce(&Path) -> T) -> T {
    let path = socket(name);
    let board = Arc::new(SimFunction::open(&SimOptions::preset("sim")).unwrap());
    let server = Server::bind(&path, board).unwrap();
    let stop = EventFd::new().unwrap();
    thread::scope(|scope| {
        let run = scope.spawn(|| server.run(stop.as_fd(), &|text| panic!("{text}")));
        let result = work(&path);
        stop.signal().unwrap();
        run.join().unwrap().unwrap();
        result
    })
}

/// One after the other: what the process holds is part of the suite.
#[test]
fn in_this_process_and_through_a_socket() {
    let one = Arc::new(SimFunction::open(&SimOptions::preset("sim")).unwrap());
    suite::run(&|| Ok(Arc::clone(&one) as _), |text| println!("in process: {text}")).unwrap();
    served("suite", |path| {
        suite::run(&|| Ok(Arc::new(VfioUserFunction::open(path)?)), |text| println!("vfio-user: {text}"))
    })
    .unwrap();
    assert!(!socket("suite").exists());
}
