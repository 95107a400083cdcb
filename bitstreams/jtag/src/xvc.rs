//! Xilinx Virtual Cable, version 1.0: a JTAG cable over TCP (Xilinx XAPP1251, and the protocol's README).
//!
//! `getinfo:` is answered with name and buffer size, `settck:` with the period that was asked for, `shift:` with TDO.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs},
    sync::{
        atomic::{AtomicBool, AtomicU64, Ordering},
        Arc, Mutex, MutexGuard,
    },
    thread::JoinHandle,
    time::Duration,
};

use crate::ecp5::Ecp5;

/// Bytes of TMS and TDI together in one `shift:`. openFPGALoader takes half of it for each, and writes a zero one byte
/// behind a buffer of that size: 1024 bytes of the heap have room behind them.
pub const BUFFER_BYTES: usize = 2048;
/// A client that says nothing for so long is sent away, so that the next one gets its turn.
const SILENCE: Duration = Duration::from_secs(60);

struct Shared {
    device: Mutex<Ecp5>,
    stop: AtomicBool,
    client: Mutex<Option<TcpStream>>,
    /// Clocks left until the cable is pulled; all ones: never.
    cut: AtomicU64,
}

/// A cable with a part at its end, in a thread. One client at a time, as with a real cable; the part stays as it is
/// between them. The end of this value is the end of the server.
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens at an address; port 0 is any free one.
    pub fn start(address: impl ToSocketAddrs, device: Ecp5) -> io::Result<Server> {
        let listener = TcpListener::bind(address)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            device: Mutex::new(device),
            stop: AtomicBool::new(false),
            client: Mutex::new(None),
            cut: AtomicU64::new(u64::MAX),
        });
        let thread = {
            let shared = shared.clone();
            std::thread::Builder::new().name("xvc".into()).spawn(move || serve(&listener, &shared))?
        };
        Ok(Server { address, shared, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The part; clients wait meanwhile.
    pub fn device(&self) -> MutexGuard<'_, Ecp5> {
        locked(&self.shared.device)
    }

    /// Pulls the cable after so many more clocks: the client's connection is closed in the middle of what it does.
    pub fn cut_after(&self, clocks: u64) {
        self.shared.cut.store(clocks, Ordering::SeqCst);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        if let Some(client) = locked(&self.shared.client).as_ref() {
            let _ = client.shutdown(Shutdown::Both);
        }
        // Wakes the thread that waits for clients.
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|e| e.into_inner())
}

fn serve(listener: &TcpListener, shared: &Shared) {
    while let Ok((stream, _)) = listener.accept() {
        *locked(&shared.client) = stream.try_clone().ok();
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        // Whatever ends a connection, the next client finds the part.
        let _ = client(stream, shared);
        *locked(&shared.client) = None;
    }
}

fn client(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    let mut vectors = [0; BUFFER_BYTES];
    let mut tdo = [0; BUFFER_BYTES / 2];
    loop {
        // The first two letters tell the three commands apart.
        let mut start = [0; 2];
        read(&mut stream, &mut start)?;
        match &start {
            b"ge" => {
                expect(&mut stream, b"tinfo:")?;
                stream.write_all(format!("xvcServer_v1.0:{BUFFER_BYTES}\n").as_bytes())?;
            }
            b"se" => {
                expect(&mut stream, b"ttck:")?;
                let mut period = [0; 4];
                read(&mut stream, &mut period)?;
                stream.write_all(&period)?;
            }
            b"sh" => {
                expect(&mut stream, b"ift:")?;
                let mut bits = [0; 4];
                read(&mut stream, &mut bits)?;
                let bits = u32::from_le_bytes(bits) as usize;
                let bytes = bits.div_ceil(8);
                if bytes > BUFFER_BYTES / 2 {
                    return Err(ErrorKind::InvalidData.into());
                }
                read(&mut stream, &mut vectors[..2 * bytes])?;
                let (tms, tdi) = vectors[..2 * bytes].split_at(bytes);
                shift(shared, bits, tms, tdi, &mut tdo[..bytes])?;
                stream.write_all(&tdo[..bytes])?;
            }
            _ => return Err(ErrorKind::InvalidData.into()),
        }
    }
}

/// Clocks the part; an error when the cable is pulled meanwhile.
fn shift(shared: &Shared, bits: usize, tms: &[u8], tdi: &[u8], tdo: &mut [u8]) -> io::Result<()> {
    let mut device = locked(&shared.device);
    tdo.fill(0);
    let cut = shared.cut.load(Ordering::SeqCst);
    for i in 0..bits {
        if cut != u64::MAX && i as u64 == cut {
            shared.cut.store(u64::MAX, Ordering::SeqCst);
            return Err(ErrorKind::ConnectionAborted.into());
        }
        let (byte, bit) = (i / 8, i % 8);
        let out = device.clock(tms[byte] >> bit & 1 != 0, tdi[byte] >> bit & 1 != 0);
        tdo[byte] |= u8::from(out) << bit;
    }
    if cut != u64::MAX {
        shared.cut.store(cut - bits as u64, Ordering::SeqCst);
    }
    Ok(())
}

fn expect(stream: &mut TcpStream, rest: &[u8]) -> io::Result<()> {
    let mut bytes = [0; 6];
    read(stream, &mut bytes[..rest.len()])?;
    if bytes[..rest.len()] == *rest {
        Ok(())
    } else {
        Err(ErrorKind::InvalidData.into())
    }
}

/// Reads all of `bytes`, with acknowledgements sent at once: clients write a command in several pieces, and between those
/// Nagle's algorithm would wait for acknowledgements that Linux delays (40 ms a command). The setting wears off, so it is
/// made each time.
fn read(stream: &mut TcpStream, bytes: &mut [u8]) -> io::Result<()> {
    let mut at = 0;
    while at < bytes.len() {
        let _ = rustix::net::sockopt::set_tcp_quickack(&*stream, true);
        match stream.read(&mut bytes[at..]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(n) => at += n,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}
