//! Servers that misbehave: each gives its own error in time, and the client never hangs.

use std::{
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use hotloop_driver::{
    function::FunctionError,
    vfio_user::{
        wire::{Message, HEADER_BYTES},
        Request, Session, VfioUserFunction,
    },
    Board, BoardOptions, DmaMemory, DriverError, EventFd, PciFunction, PoolOptions,
};
use hotloop_tests::{
    model::{FunctionalBoard, Mischief},
    served::ServedModel,
};
use pcie_sys::Socket;

/// How long the client waits here.
const ANSWER: Duration = Duration::from_millis(300);

/// A board of the model behind a socket whose server answers rightly, except for the message of this number: there it
/// puts `spoil(the right answer)` on the wire, or closes the connection where that is `None`.
fn open_spoiled(
    number: usize,
    spoil: fn(Vec<u8>) -> Option<Vec<u8>>,
) -> (Result<VfioUserFunction, FunctionError>, JoinHandle<()>) {
    let (ours, theirs) = Socket::pair().unwrap();
    let server = thread::spawn(move || {
        let (served, request) = (ServedModel(FunctionalBoard::new()), Request::default());
        let mut session = Session::new(&served, &request);
        let until = || Instant::now() + Duration::from_secs(20);
        for count in 0.. {
            let Ok(message) = Message::receive(&theirs, until()) else { return };
            let (id, command) = (message.header.id, message.header.command);
            let (flags, errno, body) = match session.answer(message) {
                Ok(body) => (1u32, 0u32, body),
                Err(errno) => (1 | 1 << 5, errno as u32, Vec::new()),
            };
            let mut bytes = [id.to_le_bytes(), command.to_le_bytes()].concat();
            for word in [(HEADER_BYTES + body.len()) as u32, flags, errno] {
                bytes.extend_from_slice(&word.to_le_bytes());
            }
            bytes.extend_from_slice(&body);
            let bytes = if count == number { spoil(bytes) } else { Some(bytes) };
            let Some(bytes) = bytes else { return };
            if theirs.send(&bytes, &[], until()).is_err() {
                return;
            }
        }
    });
    (VfioUserFunction::over("vfio-user:test".into(), ours, ANSWER), server)
}

/// Messages up to an open function: version, device, seven regions, five kinds of interrupts, one event.
const OPENING: usize = 15;

/// The error of a read of configuration space whose answer is spoiled, and that everything after it is refused at once.
fn error_of(spoil: fn(Vec<u8>) -> Option<Vec<u8>>) -> FunctionError {
    let (function, server) = open_spoiled(OPENING, spoil);
    let function = function.unwrap();
    let start = Instant::now();
    let error = function.config_read(0, &mut [0; 4]).unwrap_err();
    let again = Instant::now();
    assert!(again - start < ANSWER + Duration::from_secs(5));
    match function.config_read(0, &mut [0; 4]) {
        Err(FunctionError::Gone { reason, .. }) => assert_eq!(reason, error.to_string()),
        other => panic!("{other:?}"),
    }
    drop(function);
    server.join().unwrap();
    error
}

fn put(mut bytes: Vec<u8>, at: usize, value: &[u8]) -> Option<Vec<u8>> {
    bytes[at..at + value.len()].copy_from_slice(value);
    Some(bytes)
}

#[test]
fn answers_that_are_none() {
    let protocol = |error: FunctionError| match error {
        FunctionError::Protocol { what, .. } => what,
        other => panic!("{other}"),
    };
    assert!(protocol(error_of(|b| put(b, 0, &[0x77, 0x77]))).contains("message 30583"));
    assert!(protocol(error_of(|b| put(b, 2, &[3, 0]))).contains("command 3"));
    assert!(protocol(error_of(|b| put(b, 8, &[0]))).contains("in answer to"), "a question in place of an answer");
    assert!(protocol(error_of(|b| put(b, 4, &[15, 0]))).contains("15 bytes"));
    assert!(protocol(error_of(|b| put(b, 4, &[0xff; 4]))).contains("4294967295 bytes"));
    assert!(protocol(error_of(|b| put(b, 16, &[1]))).contains("another access"));
    assert!(protocol(error_of(|b| put(b, 28, &[5]))).contains("another access"));
    // Data left out, its length right.
    let short = |b: Vec<u8>| put(b[..b.len() - 4].to_vec(), 4, &[32, 0]);
    assert!(protocol(error_of(short)).contains("0 bytes of data"));
    // A body too short for its fields.
    assert!(protocol(error_of(|b| put(b[..20].to_vec(), 4, &[20, 0]))).contains("another access"));
}

#[test]
fn silence_ends_at_the_deadline() {
    let silent = |error: FunctionError| matches!(error, FunctionError::NoAnswer { waited: ANSWER, .. });
    assert!(silent(error_of(|_| Some(Vec::new()))));
    assert!(silent(error_of(|b| Some(b[..7].to_vec()))), "half a head");
    assert!(silent(error_of(|b| Some(b[..20].to_vec()))), "half a body");
}

#[test]
fn a_server_that_goes_is_gone() {
    assert!(matches!(error_of(|_| None), FunctionError::Gone { .. }));
}

#[test]
fn error_answers_are_errors_and_the_connection_goes_on() {
    let (function, server) = open_spoiled(OPENING, |b| put(b[..16].to_vec(), 4, &[16, 0, 0, 0, 0x21, 0, 0, 0, 22]));
    let function = function.unwrap();
    match function.config_read(0, &mut [0; 4]) {
        Err(FunctionError::System { what: "REGION_READ", source }) => assert_eq!(source.raw_os_error(), Some(22)),
        other => panic!("{other:?}"),
    }
    function.config_read(0, &mut [0; 4]).unwrap();
    drop(function);
    server.join().unwrap();
}

#[test]
fn every_message_of_the_opening_may_fail() {
    for number in 0..OPENING {
        let (function, server) = open_spoiled(number, |b| put(b, 0, &[0x77, 0x77]));
        assert!(matches!(function, Err(FunctionError::Protocol { .. })), "{number}");
        server.join().unwrap();
        let (function, server) = open_spoiled(number, |b| put(b[..16].to_vec(), 4, &[16, 0]));
        let short = matches!(function, Err(FunctionError::Protocol { .. }));
        // The last one's answer has no body.
        assert!(short || number == OPENING - 1, "{number}");
        drop(function);
        server.join().unwrap();
    }
    let (function, server) = open_spoiled(0, |b| put(b, 16, &[1]));
    assert!(matches!(function, Err(FunctionError::Protocol { what, .. }) if what.contains("version")));
    server.join().unwrap();
    let (function, server) = open_spoiled(0, |b| put(b[..16].to_vec(), 4, &[16, 0, 0, 0, 0x21, 0, 0, 0, 16]));
    assert!(matches!(function, Err(FunctionError::CannotOpen { obstacle: hotloop_driver::Obstacle::Busy, .. })));
    server.join().unwrap();
}

/// A board behind a true server, and the model that can be told to misbehave.
fn with_board(work: impl FnOnce(&FunctionalBoard, &Board)) {
    let path = std::env::temp_dir().join(format!("hotloop-model-{:?}.sock", thread::current().id()));
    let model = FunctionalBoard::new();
    let server = hotloop_driver::vfio_user::Server::bind(&path, Arc::new(ServedModel(model.clone()))).unwrap();
    let stop = EventFd::new().unwrap();
    let reports = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let run = scope.spawn(|| server.run(stop.as_fd(), &|text| reports.lock().unwrap().push(text.to_owned())));
        let function = VfioUserFunction::open(&path).unwrap();
        let pool = PoolOptions { chunk_bytes: 1 << 20, ..PoolOptions::default() };
        let board = Board::open_with(Arc::new(function), BoardOptions { pool, ..BoardOptions::default() }).unwrap();
        work(&model, &board);
        drop(board);
        stop.signal().unwrap();
        run.join().unwrap().unwrap();
    });
    // The last thing that the model is told here is to go.
    let reports = reports.into_inner().unwrap();
    assert!(reports.iter().all(|text| text.contains("it was told to go")), "{reports:?}");
    assert_eq!(model.mappings(), [], "the server lets go of memory");
}

fn copy(board: &Board) -> Result<(), DriverError> {
    let (src, dst) = (board.alloc(64).unwrap(), board.alloc(64).unwrap());
    src.write_words(0, &[5; 8]).unwrap();
    dst.fill_zero(0, 64).unwrap();
    let set = hotloop_regs::ParameterSet::Plonky2V1;
    let job = hotloop_driver::Descriptor::loopback(set, src.window(), dst.window(), 1);
    board.submit_and_wait_for(&[job], Duration::from_secs(1))?;
    let mut words = [0; 8];
    dst.read_words(0, &mut words).unwrap();
    assert_eq!(words, [5; 8]);
    Ok(())
}

#[test]
fn boards_that_misbehave_behind_a_socket() {
    with_board(|model, board| {
        for mischief in [
            Mischief::WrongTag,
            Mischief::RepeatedCompletion,
            Mischief::MissingCompletion,
            Mischief::Silence,
            Mischief::WrongPhase,
            Mischief::Garbage(0xffff_ffff_ffff),
            Mischief::Fault(3),
        ] {
            copy(board).unwrap();
            model.inject(mischief);
            // A repeated completion is found with the next batch at the latest.
            let error = copy(board).and_then(|()| copy(board)).unwrap_err();
            let wanted = match mischief {
                Mischief::Silence | Mischief::MissingCompletion => matches!(error, DriverError::Timeout { .. }),
                Mischief::Fault(3) => matches!(error, DriverError::Fault { code: 3 }),
                _ => matches!(error, DriverError::Completion(_)),
            };
            assert!(wanted, "{mischief:?}: {error}");
            board.reset().unwrap();
        }
        model.inject(Mischief::LostInterrupt);
        copy(board).unwrap();
        model.inject(Mischief::Gone);
        assert!(matches!(copy(board), Err(DriverError::Gone { .. })), "all ones");
    });
}

#[test]
fn memory_is_shared_and_taken_away() {
    let (ours, theirs) = Socket::pair().unwrap();
    let model = FunctionalBoard::new();
    let served = ServedModel(model.clone());
    let server = thread::spawn(move || {
        let request = Request::default();
        let mut session = Session::new(&served, &request);
        let until = || Instant::now() + Duration::from_secs(20);
        while let Ok(message) = Message::receive(&theirs, until()) {
            let header = message.header;
            let result = session.answer(message);
            let answer = result.as_deref().map_err(|errno| *errno);
            hotloop_driver::vfio_user::wire::answer(&theirs, &header, answer, until()).unwrap();
        }
    });
    let function = VfioUserFunction::over("vfio-user:test".into(), ours, ANSWER).unwrap();
    let memory = Arc::new(DmaMemory::new(8192).unwrap());
    function.dma_map(0x10000, &memory).unwrap();
    memory.store_u64_release(4096, 99).unwrap();
    let theirs = model.memory_at(0x10000).unwrap();
    assert_eq!(theirs.load_u64_acquire(4096).unwrap(), 99);
    function.dma_unmap(0x10000, 8192).unwrap();
    assert!(model.memory_at(0x10000).is_none());
    drop(function);
    server.join().unwrap();
}
