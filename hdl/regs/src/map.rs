//! Registers of BAR0. Offsets in bytes; 64-bit registers take two words, low word first, and are read high, low,
//! high by the driver while they may still change.

/// Who may do what with a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A constant of the build.
    Constant,
    /// Written by the hardware, read by the host.
    ReadOnly,
    /// Written and read by the host.
    ReadWrite,
    /// Written by the host, read as 0.
    WriteOnly,
}

impl Access {
    /// Short form for tables: `const`, `ro`, `rw`, `wo`.
    pub const fn name(self) -> &'static str {
        match self {
            Access::Constant => "const",
            Access::ReadOnly => "ro",
            Access::ReadWrite => "rw",
            Access::WriteOnly => "wo",
        }
    }
}

/// One register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// Name, upper case; the RTL uses it in lower case.
    pub name: &'static str,
    /// Byte offset in BAR0.
    pub offset: u32,
    /// 32 or 64 bits.
    pub width: u32,
    /// Access from the host.
    pub access: Access,
    /// One sentence for documents and JSON.
    pub doc: &'static str,
}

macro_rules! registers {
    ($($name:ident = $offset:literal, $width:literal, $access:ident, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub const $name: Register = Register {
                name: stringify!($name),
                offset: $offset,
                width: $width,
                access: Access::$access,
                doc: $doc,
            };
        )*
        /// Every register, in order of offset.
        pub const REGISTERS: &[Register] = &[$($name),*];
    };
}

registers! {
    MAGIC = 0x000, 32, Constant, "\"HOTL\": tells a Hotloop board from anything else.";
    ABI_VERSION = 0x004, 32, Constant, "ABI version: major in bits 31..16, minor in 15..0.";
    MAP_HASH_REG = 0x008, 64, Constant, "Hash of this register map, the descriptors and the codes.";
    PRESET = 0x010, 64, Constant, "Name of the preset in ASCII, first letter in the low byte, zero padded.";
    BUILD_ID = 0x018, 64, Constant, "Identity of the build that made this image.";
    SETS = 0x020, 32, Constant, "Bit i is set when parameter set i is on the board.";
    BUS_BYTES = 0x024, 32, Constant, "Bytes of one bus word.";
    NTT_LANES = 0x028, 32, Constant, "Lanes of the transform: columns that move in lock-step; 0 where there is no transform engine.";
    NTT_MAX_LOG = 0x02c, 32, Constant, "Base-2 logarithm of the longest transform on chip.";
    NTT_MAX_LOG_COSETS = 0x030, 32, Constant, "Base-2 logarithm of the most cosets of one transform job.";
    NTT_MULTIPLIERS = 0x034, 32, Constant, "64-bit multipliers of the transform, twiddle and scale ones included.";
    POSEIDON_UNITS = 0x038, 32, Constant, "Poseidon units; 0 where there is no Poseidon engine.";
    POSEIDON_FULL_SBOXES = 0x03c, 32, Constant, "S-boxes for full rounds in each unit; 0 where all rounds share those of partial ones.";
    POSEIDON_PARTIAL_SBOXES = 0x040, 32, Constant, "S-boxes for partial rounds in each unit; for all, where there are none for full ones.";
    POSEIDON_MULTIPLIERS = 0x044, 32, Constant, "64-bit multipliers of all Poseidon units.";
    TILE_ROWS = 0x048, 32, Constant, "Rows whose sponge states stay on chip while their panels are absorbed.";
    SCRATCH = 0x04c, 32, ReadWrite, "Holds what the host writes; read back by the self-test.";
    COMMIT_LOG = 0x050, 32, Constant, "Base-2 logarithm of the most rows (leaves) whose sponge states a commit job keeps on chip; of more it reads the values back. 0 where it always does.";
    FOLD_MAX_LOG = 0x054, 32, Constant, "Base-2 logarithm of the largest arity of a fold job; 0 where there is no folding engine.";
    FOLD_MULTIPLIERS = 0x058, 32, Constant, "64-bit multipliers of the folding engine.";
    CONTROL = 0x100, 32, ReadWrite, "Bit 0 ENABLE: take jobs from the ring. Bit 1 RESET: clear rings, faults and engines; clears itself.";
    STATUS = 0x104, 32, ReadOnly, "Bit 0 BUSY: a job, a fetch or a completion is under way. Bit 1 FAULT: stopped, see FAULT.";
    FAULT_CODE = 0x108, 32, ReadOnly, "Why the rings stopped; 0 while they run. Cleared by CONTROL.RESET.";
    IRQ_ENABLE = 0x10c, 32, ReadWrite, "Bit v enables interrupt vector v.";
    SQ_BASE = 0x110, 64, ReadWrite, "IOVA of the submission ring, a multiple of 4096.";
    CQ_BASE = 0x118, 64, ReadWrite, "IOVA of the completion ring, a multiple of 4096.";
    RING_LOG = 0x120, 32, ReadWrite, "Base-2 logarithm of the rings' entries: submission in bits 7..0, completion in 15..8; each 1 to 12.";
    SQ_TAIL = 0x124, 32, ReadWrite, "Doorbell: free-running 16-bit count of descriptors written by the host.";
    SQ_HEAD = 0x128, 32, ReadOnly, "Free-running 16-bit count of descriptors taken by the board.";
    CQ_HEAD = 0x12c, 32, ReadWrite, "Free-running 16-bit count of completions read by the host.";
    CQ_TAIL = 0x130, 32, ReadOnly, "Free-running 16-bit count of completions written by the board.";
    CYCLES = 0x200, 64, ReadOnly, "Clock cycles since reset.";
    BUSY_CYCLES = 0x208, 64, ReadOnly, "Clock cycles with STATUS.BUSY set.";
    JOBS = 0x210, 64, ReadOnly, "Jobs completed, in error or not.";
    BYTES_READ = 0x218, 64, ReadOnly, "Bytes read from host memory by jobs and rings.";
    BYTES_WRITTEN = 0x220, 64, ReadOnly, "Bytes written to host memory by jobs and rings.";
    PERMUTATIONS = 0x228, 64, ReadOnly, "Poseidon permutations that left the units.";
    POSEIDON_CYCLES = 0x230, 64, ReadOnly, "Clock cycles in which a permute, hash, grind or commit job was under way.";
    NTT_BEATS = 0x238, 64, ReadOnly, "Beats of data (a row of a panel) that entered the butterflies, flushing excluded.";
    NTT_CYCLES = 0x240, 64, ReadOnly, "Clock cycles in which a transform or commit job was under way.";
    MONITOR = 0x300, 64, ReadOnly, "Temperature and voltages, as the part's monitor measures them: see the fields. 0 where nothing reads a monitor. No reset of the rings changes it.";
    PART_IDCODE = 0x308, 32, ReadOnly, "JTAG IDCODE of the part that the image was made for, which the part compared before it took the image. 0 in simulation.";
    FLASH_OUT = 0x310, 32, WriteOnly, "Bytes for the configuration flash, the first in bits 31..24.";
    FLASH_COMMAND = 0x314, 32, WriteOnly, "What the port to the configuration flash does next: see the fields. It begins when NUMBER changes.";
    FLASH_IN = 0x318, 32, ReadOnly, "Bytes of the last command to the configuration flash: of n, the first in the highest of the low 8n bits.";
    FLASH_STATE = 0x31c, 32, ReadOnly, "The port to the configuration flash: see the fields. 0 where there is none.";
}

/// CONTROL bit 0: take jobs from the ring.
pub const CONTROL_ENABLE: u32 = 1 << 0;
/// CONTROL bit 1: clear rings, faults and engines; clears itself.
pub const CONTROL_RESET: u32 = 1 << 1;
/// STATUS bit 0: work is under way.
pub const STATUS_BUSY: u32 = 1 << 0;
/// STATUS bit 1: the rings stopped.
pub const STATUS_FAULT: u32 = 1 << 1;
/// Registers that the shell around the accelerator drives: no reset of the accelerator changes them.
pub const FROM_SHELL: [Register; 2] = [MONITOR, PART_IDCODE];
/// Field `kind` of FLASH_STATE: a port to a SPI flash.
pub const FLASH_KIND_SPI: u32 = 1;
/// Most bytes of one command in FLASH_COMMAND: what FLASH_OUT and FLASH_IN hold.
pub const FLASH_COMMAND_BYTES: usize = 4;
/// Bytes of a configuration flash that the driver erases at a time: slots begin and end at multiples of it.
pub const FLASH_BLOCK_BYTES: u64 = 64 << 10;
/// Bytes that one command writes to such a flash, within a page of that many.
pub const FLASH_PAGE_BYTES: usize = 256;
/// Largest base-2 logarithm of a ring's entries.
pub const RING_LOG_MAX: u32 = 12;
