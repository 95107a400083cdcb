//! Messages: a header of 16 bytes, then what the command says, little-endian. All that comes in is checked: a message is
//! at most [`MAX_MESSAGE`] bytes, and a field that is missing is `None`.

use std::{
    os::fd::{BorrowedFd, OwnedFd},
    time::Instant,
};

use pcie_sys::{Socket, SysError};

/// Bytes of a header.
pub const HEADER_BYTES: usize = 16;
/// Most bytes of data that one access to a region moves.
pub const MAX_TRANSFER: u32 = 4096;
/// Most bytes of a message, header included.
pub const MAX_MESSAGE: usize = HEADER_BYTES + 64 + MAX_TRANSFER as usize;

const REPLY: u32 = 1;
const TYPE_MASK: u32 = 0xf;
const NO_REPLY: u32 = 1 << 4;
const ERROR: u32 = 1 << 5;

/// DMA_MAP's flags: the device may read, may write.
pub const MAP_READ: u32 = 1;
/// See [`MAP_READ`].
pub const MAP_WRITE: u32 = 2;
/// DMA_UNMAP's flag: everything.
pub const UNMAP_ALL: u32 = 2;

/// Error numbers of answers, as Linux has them.
pub mod errno {
    /// The function failed.
    pub const IO: i32 = 5;
    /// Another client has the function.
    pub const BUSY: i32 = 16;
    /// A mapping overlaps.
    pub const EXISTS: i32 = 17;
    /// The function is gone.
    pub const NO_DEVICE: i32 = 19;
    /// The question makes no sense.
    pub const INVALID: i32 = 22;
    /// More mappings than there may be.
    pub const NO_SPACE: i32 = 28;
    /// A command that is not known.
    pub const UNSUPPORTED: i32 = 95;
}

/// What a message is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Command {
    /// Major and minor version, then capabilities as JSON.
    Version = 1,
    /// argsz, flags, file offset (u64), address (u64), size (u64); the file.
    DmaMap = 2,
    /// argsz, flags, address (u64), size (u64).
    DmaUnmap = 3,
    /// argsz, flags, regions, kinds of interrupts.
    DeviceInfo = 4,
    /// argsz, flags, index, capabilities, size (u64), offset (u64).
    RegionInfo = 5,
    /// argsz, flags, index, count.
    IrqInfo = 7,
    /// argsz, flags, index, start, count; events.
    SetIrqs = 8,
    /// offset (u64), region, count; the answer has the data.
    RegionRead = 9,
    /// offset (u64), region, count, data; the answer has none.
    RegionWrite = 10,
    /// Nothing.
    Reset = 13,
}

impl Command {
    /// The command of a number, if it is one that we know.
    pub fn from_code(code: u16) -> Option<Command> {
        use Command::*;
        [Version, DmaMap, DmaUnmap, DeviceInfo, RegionInfo, IrqInfo, SetIrqs, RegionRead, RegionWrite, Reset]
            .into_iter()
            .find(|command| *command as u16 == code)
    }
}

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Chosen by who asks; the answer has the same.
    pub id: u16,
    /// See [`Command`].
    pub command: u16,
    /// Bytes of the message, header included.
    pub bytes: u32,
    flags: u32,
    errno: u32,
}

impl Header {
    /// True for an answer, false for a question.
    pub fn is_reply(&self) -> bool {
        self.flags & TYPE_MASK == REPLY
    }

    /// True when whoever asks wants an answer.
    pub fn wants_reply(&self) -> bool {
        self.flags & (TYPE_MASK | NO_REPLY) == 0
    }

    /// The error number that an answer carries in place of a result.
    pub fn error(&self) -> Option<i32> {
        (self.flags & ERROR != 0).then_some(self.errno as i32)
    }

    fn from_bytes(bytes: &[u8; HEADER_BYTES]) -> Header {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = *bytes;
        Header {
            id: u16::from_le_bytes([a, b]),
            command: u16::from_le_bytes([c, d]),
            bytes: u32::from_le_bytes([e, f, g, h]),
            flags: u32::from_le_bytes([i, j, k, l]),
            errno: u32::from_le_bytes([m, n, o, p]),
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAX_MESSAGE.min(64));
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.extend_from_slice(&self.command.to_le_bytes());
        for word in [self.bytes, self.flags, self.errno] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// A message as it came in.
#[derive(Debug)]
pub struct Message {
    /// Its head.
    pub header: Header,
    /// What follows the head.
    pub body: Vec<u8>,
    /// What came with it.
    pub fds: Vec<OwnedFd>,
}

/// Why no message came in.
#[derive(Debug)]
pub enum Broken {
    /// The socket failed, was closed, or stayed silent.
    Socket(SysError),
    /// A length that no message can have.
    Length(u32),
}

impl From<SysError> for Broken {
    fn from(error: SysError) -> Broken {
        Broken::Socket(error)
    }
}

impl Message {
    /// Receives one, whole.
    pub fn receive(socket: &Socket, deadline: Instant) -> Result<Message, Broken> {
        let (mut head, mut fds) = ([0; HEADER_BYTES], Vec::new());
        socket.receive(&mut head, &mut fds, deadline)?;
        let header = Header::from_bytes(&head);
        let bytes = header.bytes as usize;
        if !(HEADER_BYTES..=MAX_MESSAGE).contains(&bytes) {
            return Err(Broken::Length(header.bytes));
        }
        let mut body = vec![0; bytes - HEADER_BYTES];
        socket.receive(&mut body, &mut fds, deadline)?;
        Ok(Message { header, body, fds })
    }
}

/// Sends a question.
pub fn ask(
    socket: &Socket,
    id: u16,
    command: Command,
    body: &[u8],
    fds: &[BorrowedFd<'_>],
    deadline: Instant,
) -> Result<(), SysError> {
    send(socket, Header { id, command: command as u16, bytes: 0, flags: 0, errno: 0 }, body, fds, deadline)
}

/// Sends an answer to `question`: a result, or an error number.
pub fn answer(socket: &Socket, question: &Header, result: Result<&[u8], i32>, until: Instant) -> Result<(), SysError> {
    let (flags, errno) = match result {
        Ok(_) => (REPLY, 0),
        Err(errno) => (REPLY | ERROR, errno as u32),
    };
    let header = Header { id: question.id, command: question.command, bytes: 0, flags, errno };
    send(socket, header, result.unwrap_or(&[]), &[], until)
}

fn send(
    socket: &Socket,
    header: Header,
    body: &[u8],
    fds: &[BorrowedFd<'_>],
    deadline: Instant,
) -> Result<(), SysError> {
    let mut bytes = Header { bytes: (HEADER_BYTES + body.len()) as u32, ..header }.to_bytes();
    bytes.extend_from_slice(body);
    socket.send(&bytes, fds, deadline)
}

/// Takes fields from the front of a body.
pub struct Fields<'a>(pub &'a [u8]);

impl<'a> Fields<'a> {
    /// The next 16 bits.
    pub fn half(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    /// The next 32 bits.
    pub fn word(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    /// The next `N` words.
    pub fn words<const N: usize>(&mut self) -> Option<[u32; N]> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.word()?;
        }
        Some(words)
    }

    /// The next 64 bits.
    pub fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (first, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*first)
    }
}

/// Puts fields together.
#[derive(Default)]
pub struct Body(pub Vec<u8>);

impl Body {
    /// Adds 32-bit fields.
    pub fn words(mut self, words: &[u32]) -> Body {
        self.0.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        self
    }

    /// Adds 64-bit fields.
    pub fn longs(mut self, longs: &[u64]) -> Body {
        self.0.extend(longs.iter().flat_map(|long| long.to_le_bytes()));
        self
    }

    /// Adds data.
    pub fn data(mut self, data: &[u8]) -> Body {
        self.0.extend_from_slice(data);
        self
    }
}

/// The body of VERSION, either way: version 0.0 and what this side takes.
pub fn version() -> Vec<u8> {
    let text = format!(
        "{{\"capabilities\":{{\"max_msg_fds\":{},\"max_data_xfer_size\":{MAX_TRANSFER}}}}}\0",
        pcie_sys::MAX_DESCRIPTORS
    );
    Body::default().words(&[0]).data(text.as_bytes()).0
}
