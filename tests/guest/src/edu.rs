//! QEMU's `edu` device (docs/specs/edu in QEMU): our VFIO code against hardware that nobody here wrote.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use hotloop_driver::{Board, VfioFunction};
use hotloop_driver::{DmaMemory, DriverError, EventFd, FunctionError, Obstacle, PciAddress, PciFunction, Sysfs};
use pcie_sys::vfio;

use crate::leaks::Held;

/// `edu`'s vendor and device identifier.
pub const IDS: (u16, u16) = (0x1234, 0x11e8);

// Registers of BAR0.
const IDENTITY: u64 = 0x00;
const LIVENESS: u64 = 0x04;
const FACTORIAL: u64 = 0x08;
const STATUS: u64 = 0x20;
const INTERRUPTS: u64 = 0x24;
const RAISE: u64 = 0x60;
const ACKNOWLEDGE: u64 = 0x64;
const DMA_SOURCE: u64 = 0x80;
const DMA_TARGET: u64 = 0x88;
const DMA_COUNT: u64 = 0x90;
const DMA_COMMAND: u64 = 0x98;
/// DMA commands: to the device, from it; with an interrupt when done.
const TO_DEVICE: u64 = 1 | 4;
const FROM_DEVICE: u64 = 1 | 2 | 4;
/// What a finished transfer adds to the interrupt status.
const DMA_DONE: u32 = 0x100;
/// The device's buffer, in its own addresses.
const BUFFER: u64 = 0x4_0000;
/// Bytes of a transfer: QEMU 7.2 aborts on the whole buffer's 4096.
const BYTES: u64 = 2048;
/// An address below the device's 28 bits.
const IOVA: u64 = 0x20_0000;

const WAIT: Duration = Duration::from_secs(20);

type Done<T = ()> = Result<T, String>;
type Check = (&'static str, fn(&PciAddress) -> Done);

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn expect<T: PartialEq + std::fmt::Debug>(what: &str, found: T, wanted: T) -> Done {
    if found == wanted {
        return Ok(());
    }
    Err(format!("{what}: {found:x?}, wanted {wanted:x?}"))
}

/// The device, open.
struct Edu {
    function: VfioFunction,
}

impl Edu {
    fn open(address: &PciAddress) -> Done<Edu> {
        let function = VfioFunction::open(&address.to_string()).map_err(text)?;
        // Memory and bus master.
        function.config_write(4, &[6]).map_err(text)?;
        Ok(Edu { function })
    }

    fn get(&self, register: u64) -> Done<u32> {
        let mut data = [0; 4];
        self.function.region_read(0, register, &mut data).map_err(text)?;
        Ok(u32::from_le_bytes(data))
    }

    fn put(&self, register: u64, value: u32) -> Done {
        self.function.region_write(0, register, &value.to_le_bytes()).map_err(text)
    }

    fn put_long(&self, register: u64, value: u64) -> Done {
        self.function.region_write(0, register, &value.to_le_bytes()).map_err(text)
    }

    /// One transfer, waited for by its interrupt.
    fn transfer(&self, event: &EventFd, source: u64, target: u64, command: u64) -> Done {
        self.put_long(DMA_SOURCE, source)?;
        self.put_long(DMA_TARGET, target)?;
        self.put_long(DMA_COUNT, BYTES)?;
        self.put_long(DMA_COMMAND, command)?;
        expect("an interrupt of the transfer", event.wait(WAIT).map_err(text)?, true)?;
        event.try_take().map_err(text)?;
        expect("interrupt status", self.get(INTERRUPTS)?, DMA_DONE)?;
        self.put(ACKNOWLEDGE, DMA_DONE)
    }
}

/// Gives the device to vfio-pci and back, and keeps it: [`Sysfs::bind`] and [`Sysfs::unbind`].
pub fn bind(address: &PciAddress) -> Done {
    let sysfs = Sysfs::default();
    let driver = || sysfs.slot(address).map(|slot| slot.driver).map_err(text);
    expect("IDs", sysfs.slot(address).map_err(text)?.ids, IDS)?;
    let unbound = Obstacle::NotBound { address: address.to_string(), driver: None };
    expect("what keeps us off before", sysfs.obstacle(address), Some(unbound))?;
    sysfs.bind(address).map_err(text)?;
    expect("driver when bound", driver()?, Some("vfio-pci".into()))?;
    sysfs.unbind(address).map_err(text)?;
    expect("driver when unbound", driver()?, None)?;
    sysfs.bind(address).map_err(text)?;
    expect("what keeps us off after", sysfs.obstacle(address), None)
}

/// All that root can try with the device, bound.
pub fn run(address: &PciAddress, mut say: impl FnMut(&str)) -> Done {
    let checks: &[Check] = &[
        ("registers", registers),
        ("MSI", msi),
        ("INTx", intx),
        ("mappings", mappings),
        ("DMA both ways", dma),
        ("DMA after unmap", blocked),
        ("events of errors and requests", events),
        ("a second process", second),
        ("no Hotloop board", no_board),
        ("reset", reset),
        ("nothing is left behind", leaks),
    ];
    for (name, check) in checks {
        let start = Instant::now();
        check(address).map_err(|reason| format!("{name}: {reason}"))?;
        say(&format!("edu, {name}: ok ({:.1} ms)", start.elapsed().as_secs_f64() * 1e3));
    }
    Ok(())
}

fn registers(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    expect("identity", edu.get(IDENTITY)?, 0x0100_00ed)?;
    edu.put(LIVENESS, 0x1234_5678)?;
    expect("liveness", edu.get(LIVENESS)?, !0x1234_5678)?;
    edu.put(FACTORIAL, 10)?;
    let start = Instant::now();
    while edu.get(STATUS)? & 1 != 0 && start.elapsed() < WAIT {
        thread::sleep(Duration::from_millis(1));
    }
    expect("10!", edu.get(FACTORIAL)?, 3_628_800)?;
    // Memory off: nobody answers, and the process lives.
    edu.function.config_write(4, &[4]).map_err(text)?;
    expect("a register with memory off", edu.get(LIVENESS)?, u32::MAX)?;
    edu.put(LIVENESS, 0)?;
    edu.function.config_write(4, &[6]).map_err(text)?;
    expect("the register with memory on again", edu.get(LIVENESS)?, !0x1234_5678)?;
    let outside = edu.function.region_read(0, 1 << 20, &mut [0; 4]);
    expect("a read outside is refused", matches!(outside, Err(FunctionError::OutOfRange { .. })), true)
}

fn msi(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    let events = edu.function.irq_enable(1).map_err(text)?;
    for value in [1, 0x80] {
        edu.put(RAISE, value)?;
        expect("an interrupt", events[0].wait(WAIT).map_err(text)?, true)?;
        expect("how many", events[0].try_take().map_err(text)?, 1)?;
        expect("its status", edu.get(INTERRUPTS)?, value)?;
        edu.put(ACKNOWLEDGE, value)?;
    }
    let more = edu.function.irq_enable(2);
    expect("two vectors are refused", matches!(more, Err(FunctionError::Interrupts { available: 1, .. })), true)
}

fn intx(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    let events = edu.function.interrupts(vfio::INTX_IRQ, 1).map_err(text)?;
    for value in [2, 4] {
        edu.put(RAISE, value)?;
        expect("an interrupt", events[0].wait(WAIT).map_err(text)?, true)?;
        events[0].try_take().map_err(text)?;
        // A level: it is masked until we have looked, and does not come again.
        expect("the same again", events[0].wait(Duration::from_millis(50)).map_err(text)?, false)?;
        edu.put(ACKNOWLEDGE, value)?;
        edu.function.device().set_interrupts(vfio::INTX_IRQ, vfio::ACTION_UNMASK, 1, &[]).map_err(text)?;
    }
    edu.function.interrupts(vfio::INTX_IRQ, 0).map_err(text)?;
    Ok(())
}

fn mappings(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    let f = &edu.function;
    let memory = Arc::new(DmaMemory::new(8192).map_err(text)?);
    let ranges = f.iova_ranges();
    expect("ranges are there", ranges.is_empty(), false)?;
    expect("the window of interrupts is in none", ranges.iter().any(|r| r.contains(&0xfee0_0000)), false)?;
    f.dma_map(IOVA, &memory).map_err(text)?;
    for (what, iova) in [("an overlap", IOVA + 4096), ("a crooked address", IOVA + 0x8010), ("the window", 0xfee0_0000)]
    {
        let refused = matches!(f.dma_map(iova, &memory), Err(FunctionError::Mapping { .. }));
        expect(&format!("{what} is refused"), refused, true)?;
    }
    let half = f.dma_unmap(IOVA, 4096);
    expect("half a mapping is refused", matches!(half, Err(FunctionError::Mapping { .. })), true)?;
    f.dma_unmap(IOVA, 8192).map_err(text)
}

fn dma(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    let event = edu.function.irq_enable(1).map_err(text)?.remove(0);
    let memory = Arc::new(DmaMemory::new(8192).map_err(text)?);
    let words: Vec<u64> = (1..=BYTES / 8).map(|i: u64| i.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    memory.write_words(0, &words).map_err(text)?;
    edu.function.dma_map(IOVA, &memory).map_err(text)?;
    edu.transfer(&event, IOVA, BUFFER, TO_DEVICE)?;
    edu.transfer(&event, BUFFER, IOVA + 4096, FROM_DEVICE)?;
    let mut back = vec![0; words.len()];
    memory.read_words(4096, &mut back).map_err(text)?;
    expect("what went there and back", back == words, true)
}

fn blocked(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    let event = edu.function.irq_enable(1).map_err(text)?.remove(0);
    let memory = Arc::new(DmaMemory::new(4096).map_err(text)?);
    memory.write_words(0, &[7; 256]).map_err(text)?;
    edu.function.dma_map(IOVA, &memory).map_err(text)?;
    edu.transfer(&event, IOVA, BUFFER, TO_DEVICE)?;
    memory.fill_zero(0, 4096).map_err(text)?;
    edu.transfer(&event, BUFFER, IOVA, FROM_DEVICE)?;
    let mut found = [0; 256];
    memory.read_words(0, &mut found).map_err(text)?;
    expect("memory while it is mapped", found, [7; 256])?;
    memory.fill_zero(0, 4096).map_err(text)?;
    edu.function.dma_unmap(IOVA, 4096).map_err(text)?;
    // The device believes that it wrote; the IOMMU knew better.
    edu.transfer(&event, BUFFER, IOVA, FROM_DEVICE)?;
    memory.read_words(0, &mut found).map_err(text)?;
    expect("memory after unmap", found, [0; 256])
}

/// VFIO fires an event when asked to: what a real unplug does. Errors of the bus only functions of PCI Express have.
fn events(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    edu.function.check().map_err(text)?;
    edu.function.device().set_interrupts(vfio::REQ_IRQ, vfio::ACTION_TRIGGER, 1, &[]).map_err(text)?;
    for _ in 0..2 {
        expect("a request", matches!(edu.function.check(), Err(FunctionError::Unplug { .. })), true)?;
    }
    Ok(())
}

fn second(address: &PciAddress) -> Done {
    let first = Edu::open(address)?;
    let obstacle = match VfioFunction::open(&address.to_string()) {
        Err(FunctionError::CannotOpen { obstacle, .. }) => obstacle,
        Err(other) => return Err(text(other)),
        Ok(_) => return Err("opens a second time".into()),
    };
    expect("why not", obstacle, Obstacle::Busy)?;
    expect("what `hotloop devices` says", Sysfs::default().obstacle(address), Some(Obstacle::Busy))?;
    expect("the first still works", first.get(IDENTITY)?, 0x0100_00ed)?;
    drop(first);
    expect("once it is closed", Sysfs::default().obstacle(address), None)
}

fn no_board(address: &PciAddress) -> Done {
    let function = VfioFunction::open(&address.to_string()).map_err(text)?;
    match Board::open(Arc::new(function)) {
        Err(DriverError::NotHotloop { what: "vendor ID", found: 0x1234, .. }) => Ok(()),
        Err(other) => Err(text(other)),
        Ok(_) => Err("passes for a board".into()),
    }
}

/// Behind a port, the slot's reset is the device's; on the root bus there is none, and that is said.
fn reset(address: &PciAddress) -> Done {
    let edu = Edu::open(address)?;
    edu.put(LIVENESS, 0x1234_5678)?;
    let events = edu.function.irq_enable(1).map_err(text)?;
    if !edu.function.device().resettable().map_err(text)? {
        let refused = matches!(edu.function.reset(), Err(FunctionError::System { .. }));
        return expect("a reset that there is not", refused, true);
    }
    edu.function.reset().map_err(text)?;
    let mut command = [0; 2];
    edu.function.config_read(4, &mut command).map_err(text)?;
    expect("command register after reset", command[0] & 6, 0)?;
    edu.function.config_write(4, &[6]).map_err(text)?;
    edu.put(RAISE, 1)?;
    expect("interrupts after reset", events[0].wait(Duration::from_millis(50)).map_err(text)?, false)?;
    edu.put(ACKNOWLEDGE, 1)
}

fn leaks(address: &PciAddress) -> Done {
    let once = || {
        let edu = Edu::open(address)?;
        edu.function.irq_enable(1).map_err(text)?;
        let memory = Arc::new(DmaMemory::new(4096).map_err(text)?);
        edu.function.dma_map(IOVA, &memory).map_err(text)
    };
    once()?;
    let before = Held::now();
    for _ in 0..5 {
        once()?;
    }
    expect("what the process holds", Held::now(), before)
}

/// What a user without rights meets. `allowed`: the group's file is theirs, with 8 MiB of memory to lock.
pub fn as_user(address: &PciAddress, allowed: bool) -> Done {
    let opened = VfioFunction::open(&address.to_string());
    if !allowed {
        let denied = matches!(&opened, Err(FunctionError::CannotOpen { obstacle: Obstacle::NoPermission { .. }, .. }));
        return expect("no permission", denied, true);
    }
    let function = opened.map_err(text)?;
    let small = Arc::new(DmaMemory::new(1 << 20).map_err(text)?);
    function.dma_map(IOVA, &small).map_err(text)?;
    let large = Arc::new(DmaMemory::new(16 << 20).map_err(text)?);
    match function.dma_map(64 << 20, &large) {
        Err(FunctionError::Memlock { bytes, limit }) => {
            expect("the error's numbers", (bytes, limit), (16 << 20, 8 << 20))?;
        }
        other => return Err(format!("{other:?} in place of the limit")),
    }
    // What was mapped still is.
    function.dma_unmap(IOVA, 1 << 20).map_err(text)
}

/// Waits until somebody takes the device out, and lets go of it.
pub fn unplug(address: &PciAddress, ready: impl FnOnce()) -> Done {
    let edu = Edu::open(address)?;
    ready();
    let start = Instant::now();
    loop {
        match edu.function.check() {
            Err(FunctionError::Unplug { .. }) => break,
            Err(other) => return Err(text(other)),
            Ok(()) if start.elapsed() > WAIT => return Err("nobody asked for the device".into()),
            Ok(()) => thread::sleep(Duration::from_millis(5)),
        }
    }
    drop(edu);
    let start = Instant::now();
    while Sysfs::default().slot(address).is_ok() {
        if start.elapsed() > WAIT {
            return Err("the device is still there after it was let go".into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
