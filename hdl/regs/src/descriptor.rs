//! Descriptors, completions, opcodes and codes. Layouts are tables of bit fields, so that RTL decode, the driver's
//! `Pod` structures, JSON and documents cannot disagree.

/// A bit field of a descriptor or completion: bits `bit .. bit + width` of its little-endian value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Name, lower case.
    pub name: &'static str,
    /// First bit.
    pub bit: u32,
    /// Width in bits; no field crosses a 64-bit word.
    pub width: u32,
    /// One sentence for documents and JSON.
    pub doc: &'static str,
}

impl Field {
    /// The field in a value of at most 64 bits.
    pub const fn of(self, value: u64) -> u64 {
        value >> self.bit & (u64::MAX >> (64 - self.width))
    }
}

macro_rules! fields {
    ($layout:ident, $bytes:literal, $about:literal; $($name:ident = $bit:literal, $width:literal, $doc:literal;)*) => {
        #[doc = $about]
        pub struct $layout;
        #[allow(non_upper_case_globals, missing_docs)]
        impl $layout {
            /// Size in bytes.
            pub const BYTES: usize = $bytes;
            $(pub const $name: Field = Field { name: stringify!($name), bit: $bit, width: $width, doc: $doc };)*
            /// Every field, in order of bits.
            pub const FIELDS: &'static [Field] = &[$(Self::$name),*];
        }
    };
}

fields! { Descriptor, 64, "A submission-ring entry of 64 bytes.";
    opcode = 0, 8, "What to do: see the opcodes.";
    set = 8, 8, "Parameter set.";
    flags = 16, 16, "Per opcode: see the flags.";
    tag = 32, 32, "Returned in the completion.";
    src = 64, 64, "IOVA of the input, a multiple of 64.";
    dst = 128, 64, "IOVA of the output, a multiple of 64.";
    src_beats = 192, 32, "Length of the input window in beats: reads outside src .. src + 64·src_beats are refused.";
    dst_beats = 224, 32, "Length of the output window in beats.";
    param = 256, 64, "IOVA of the parameter block, a multiple of 64 (transform, commit, grind, fold).";
    log_n = 320, 8, "Transform, commit: base-2 logarithm of the length; fold: of the arity, 1 to 4.";
    log_cosets = 328, 8, "Transform, commit: base-2 logarithm of the number of cosets.";
    log_inner = 336, 8, "Transform with ACROSS, or with INVERSE and OWN_TABLES: base-2 logarithm of the neighbouring rows that belong to different transforms, 0 to 6.";
    rows = 384, 32, "Rows: states, leaves or beats (of the output, for a fold); for a transform or commit, panels.";
    width = 416, 16, "Hash, commit: elements in a leaf, 1 to 65535.";
    levels = 432, 8, "Hash, commit: tree levels above the leaves; the leaves must be a multiple of 2^levels.";
    salts = 440, 8, "Commit: salts appended to each leaf, 0 to 8.";
    src_stride = 448, 32, "Beats from one input panel to the next.";
    dst_stride = 480, 32, "Transform, commit: beats from one output panel to the next.";
}

fields! { Completion, 16, "A completion-ring entry of 16 bytes.";
    tag = 0, 32, "The descriptor's tag.";
    status = 32, 16, "0, or an error code.";
    phase = 48, 1, "Toggles at each pass round the ring; the first pass writes 1.";
    cycles = 64, 64, "Clock cycles from the decode of the descriptor to its last write response.";
}

fields! { Monitor, 8, "Register MONITOR: codes as the part's monitor has them, full scale 65536.";
    temperature = 0, 16, "Code of the temperature.";
    vccint = 16, 16, "Code of VCCINT, the core's supply; full scale is 3 V.";
    vccaux = 32, 16, "Code of VCCAUX, the auxiliary supply; full scale is 3 V.";
    kind = 48, 4, "Kind of monitor: 0 where there is none.";
    present = 52, 1, "The monitor answers: the codes are its own and a few milliseconds old at most.";
    on_chip = 53, 1, "The monitor measures against its reference on the chip, not against one of the board.";
}

fields! { FlashCommand, 4, "Register FLASH_COMMAND: bytes that go to the configuration flash, while as many come from it.";
    number = 0, 8, "Number of the command; another than that of the command before.";
    count = 8, 3, "Bytes, 0 to 4.";
    select = 11, 1, "Chip select is low while they go, and stays low behind them. Without it, it is high from here on, and the clock runs all the same.";
}

fields! { FlashState, 4, "Register FLASH_STATE.";
    number = 0, 8, "Number of the last command that is done.";
    kind = 8, 4, "1: a port to a SPI flash. 0: none.";
}

macro_rules! codes {
    ($(#[$about:meta])* $enum:ident : $($name:ident = $value:literal, $text:literal, $doc:literal;)*) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $enum {
            $(#[doc = $doc] $name = $value,)*
        }
        impl $enum {
            /// Every value, in order.
            pub const ALL: &'static [$enum] = &[$($enum::$name),*];
            /// Name in commands, JSON and documents.
            pub const fn name(self) -> &'static str {
                match self { $($enum::$name => $text,)* }
            }
            /// One sentence for documents and messages.
            pub const fn doc(self) -> &'static str {
                match self { $($enum::$name => $doc,)* }
            }
            /// The value with this number, if there is one.
            pub const fn from_code(code: u32) -> Option<$enum> {
                match code { $($value => Some($enum::$name),)* _ => None }
            }
            /// The number in registers, descriptors and completions.
            pub const fn code(self) -> u32 {
                self as u32
            }
        }
    };
}

codes! {
    /// What a descriptor asks for.
    Opcode :
    Loopback = 1, "loopback", "Copy `rows` beats from src to dst.";
    Permute = 2, "permute", "Permute `rows` states of 12 words, each in two beats (words 0..8, then 8..12 and four ignored).";
    Hash = 3, "hash", "Hash `rows` leaves of `width` elements in panels of eight columns, then `levels` tree levels above them; digests of 32 bytes in level order.";
    Grind = 4, "grind", "Find the smallest nonce of a range for which a permutation's output word has enough leading or trailing zero bits.";
    Transform = 5, "transform", "Number-theoretic transforms of `rows` panels: forward, inverse, or low-degree extension over 2^log_cosets cosets.";
    Commit = 6, "commit", "A transform with FORWARD and, behind its panels, the digests of a hash of its values: leaves of `width` elements and `salts` salts, then `levels` tree levels above them.";
    Fold = 7, "fold", "Fold a polynomial over the quadratic extension: `rows` beats of four coefficients, each the sum of 2^log_n neighbours times powers.";
}

codes! {
    /// What fixes field, generators, shift, hash and its constants.
    ParameterSet :
    Plonky2V1 = 0, "plonky2-v1", "plonky2 1.x and starky 1.x: Goldilocks, Poseidon of width 12, generator 7277203076849721926.";
    Plonky2V0 = 1, "plonky2-v0", "plonky2 before 1.0 and ZKM's fork: as plonky2-v1 with generator 1753635133440165772 and coset shift 7.";
    Plonky3Goldilocks = 2, "plonky3-goldilocks", "Plonky3: Goldilocks, Poseidon1 with its own constants.";
    Miden = 3, "miden", "Miden: Goldilocks, Poseidon2 of width 12; the last block of a leaf is filled with zeros.";
    Plonky3Poseidon2 = 4, "plonky3-poseidon2", "Plonky3: Goldilocks, Poseidon2 of width 12; as miden, but for the last block of a leaf.";
}

codes! {
    /// Why a job ended without its result; the board takes the next job.
    Error :
    BadOpcode = 1, "bad-opcode", "The board does not know this opcode, or lacks its engine.";
    BadSet = 2, "bad-set", "The board does not hold this parameter set.";
    BadShape = 3, "bad-shape", "Rows, width, levels, length or cosets are outside what this preset holds.";
    Misaligned = 4, "misaligned", "An address is not a multiple of 64.";
    OutOfWindow = 5, "out-of-window", "The job would read or write outside its windows.";
    ReadError = 6, "read-error", "Host memory answered a read with an error: the address is not mapped for the board.";
    WriteError = 7, "write-error", "Host memory answered a write with an error: the address is not mapped for the board.";
}

codes! {
    /// Why the rings stopped; only CONTROL.RESET starts them again.
    Fault :
    BadRing = 16, "bad-ring", "A ring's base is not a multiple of 4096, or its size is not 1 to 12.";
    RingOverflow = 17, "ring-overflow", "The doorbell announces more descriptors than the submission ring holds, or the completion ring is over-consumed.";
    RingRead = 18, "ring-read", "Host memory answered the read of a descriptor with an error.";
    RingWrite = 19, "ring-write", "Host memory answered the write of a completion with an error.";
}

codes! {
    /// What measures temperature and voltages: field `kind` of register MONITOR.
    MonitorKind :
    Xadc = 1, "xadc", "XADC of Xilinx' 7 series (UG480).";
    Sysmone1 = 2, "sysmone1", "SYSMONE1 of UltraScale (UG580).";
    Sysmone4 = 3, "sysmone4", "SYSMONE4 of UltraScale+ (UG580).";
}

/// Transform flag: the input is values on the subgroup; an inverse transform comes first.
pub const FLAG_INVERSE: u16 = 1 << 0;
/// Transform flag: coset transforms of the coefficients (2^log_cosets of them) are wanted.
pub const FLAG_FORWARD: u16 = 1 << 1;
/// Transform flag, with FORWARD or with INVERSE and COEFFICIENTS: rows of one panel of `rows`·2^log_inner by 2^(log_n − log_inner) rows are
/// transformed across it, `src_stride` beats apart: the first pass of a split transform.
pub const FLAG_ACROSS: u16 = 1 << 3;
/// Transform flag, with FORWARD: each panel has scale tables of its own: the second pass of a split transform. With INVERSE
/// and COEFFICIENTS: each panel has one for its input too, and the results of 2^log_inner panels leave together, in turns.
pub const FLAG_OWN_TABLES: u16 = 1 << 4;
/// Bit of word 14 of a grind job's parameter block: trailing zero bits are wanted, not leading ones.
pub const GRIND_TRAILING_BIT: u32 = 24;
/// Most salts of a leaf of a commit job.
pub const MAX_SALTS: u32 = 8;
/// Largest `log_inner`.
pub const MAX_LOG_INNER: u32 = 6;
/// Base-2 logarithm of the limit for `rows` of a transform with ACROSS: `rows`·2^log_inner beats are counted in 32 bits.
pub const ACROSS_ROWS_LOG: u32 = 32 - MAX_LOG_INNER;
/// Transform flag: each output panel starts with its coefficients in natural order.
pub const FLAG_COEFFICIENTS: u16 = 1 << 2;
