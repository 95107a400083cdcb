//! A connection that is cut at any message leaves nothing behind: one test, since it counts what the process holds.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hotloop_driver::{
    vfio_user::{
        wire::{self, Message},
        Request, Session, VfioUserFunction,
    },
    Board, BoardOptions, Descriptor, DriverError, FunctionError, PoolOptions,
};
use hotloop_guest::leaks::Held;
use hotloop_regs::ParameterSet;
use hotloop_tests::{model::FunctionalBoard, served::ServedModel};
use pcie_sys::Socket;

const ANSWER: Duration = Duration::from_millis(100);

/// A board opened, a job, and all closed again, with a server that goes after so many messages, or answers none of the
/// later ones. True when it was not in the way.
fn cut_after(messages: usize, silent: bool) -> bool {
    let (ours, theirs) = Socket::pair().unwrap();
    let server = thread::spawn(move || {
        let (served, request) = (ServedModel(FunctionalBoard::new()), Request::default());
        let mut session = Session::new(&served, &request);
        let until = Instant::now() + Duration::from_secs(60);
        for count in 0.. {
            let Ok(message) = Message::receive(&theirs, until) else { return };
            let header = message.header;
            if count < messages {
                let result = session.answer(message);
                wire::answer(&theirs, &header, result.as_deref().map_err(|errno| *errno), until).unwrap();
            } else if !silent {
                return;
            }
        }
    });
    let pool = PoolOptions { chunk_bytes: 1 << 16, ..PoolOptions::default() };
    let options = BoardOptions { pool, settle: ANSWER, ..BoardOptions::default() };
    let work = || -> Result<(), DriverError> {
        let function = VfioUserFunction::over("vfio-user:cut".into(), ours, ANSWER)?;
        let board = Board::open_with(Arc::new(function), options)?;
        let (src, dst) = (board.alloc(64)?, board.alloc(64)?);
        let job = Descriptor::loopback(ParameterSet::Plonky2V1, src.window(), dst.window(), 1);
        board.submit_and_wait_for(&[job], Duration::from_secs(20)).map(drop)
    };
    let done = match work() {
        Ok(()) => true,
        Err(DriverError::Function(FunctionError::Gone { .. } | FunctionError::NoAnswer { .. })) => false,
        Err(other) => panic!("{messages} messages: {other}"),
    };
    server.join().unwrap();
    done
}

#[test]
fn a_connection_cut_at_any_message_leaves_nothing_behind() {
    assert!(cut_after(usize::MAX, false));
    let before = Held::now();
    let first_whole = (0..1000).find(|messages| cut_after(*messages, false)).unwrap();
    assert!(first_whole > 40, "{first_whole}");
    assert_eq!(Held::now(), before);
    // The same with silence, which costs its deadline each time.
    for messages in (0..first_whole).step_by(7) {
        let start = Instant::now();
        assert!(!cut_after(messages, true));
        assert!(start.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(Held::now(), before);
}
