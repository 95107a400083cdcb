//! Our vfio-user client at a server that nobody here wrote: rust-vmm's.

use std::{
    fs::File,
    io::{Error, Write},
    os::unix::fs::FileExt,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use hotloop_driver::{vfio_user::VfioUserFunction, DmaMemory, FunctionError, PciFunction};
use vfio_bindings::bindings::vfio::{vfio_region_info, VFIO_REGION_INFO_FLAG_READ, VFIO_REGION_INFO_FLAG_WRITE};
use vfio_user::{DmaMapFlags, DmaUnmapFlags, IrqInfo, Server, ServerBackend, ServerRegion};

/// What the server saw, and what it has.
#[derive(Default)]
struct Backend {
    bar: Vec<u8>,
    config: Vec<u8>,
    memory: Vec<(u64, u64, File)>,
    events: Vec<File>,
    log: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    fn log(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }

    fn region(&mut self, region: u32, offset: u64, bytes: usize) -> Result<&mut [u8], Error> {
        let space = if region == 0 { &mut self.bar } else { &mut self.config };
        let at = offset as usize;
        space.get_mut(at..at + bytes).ok_or(Error::other("outside"))
    }
}

impl ServerBackend for Backend {
    fn region_read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), Error> {
        data.copy_from_slice(self.region(region, offset, data.len())?);
        Ok(())
    }

    fn region_write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), Error> {
        self.region(region, offset, data.len())?.copy_from_slice(data);
        if (region, offset) == (0, 64) {
            // The doorbell: DMA, then an interrupt.
            for (_, _, file) in &self.memory {
                file.write_at(b"from the board", 4096)?;
            }
            if let Some(event) = self.events.first_mut() {
                event.write_all(&1u64.to_ne_bytes())?;
            }
        }
        Ok(())
    }

    fn dma_map(&mut self, _: DmaMapFlags, offset: u64, iova: u64, size: u64, fd: Option<File>) -> Result<(), Error> {
        self.log(format!("map {iova:#x} {size} from {offset}"));
        self.memory.push((iova, size, fd.ok_or(Error::other("no memory"))?));
        Ok(())
    }

    fn dma_unmap(&mut self, _: DmaUnmapFlags, iova: u64, size: u64) -> Result<(), Error> {
        self.log(format!("unmap {iova:#x} {size}"));
        self.memory.retain(|(at, _, _)| *at != iova);
        Ok(())
    }

    fn reset(&mut self) -> Result<(), Error> {
        self.log("reset".into());
        Ok(())
    }

    fn set_irqs(&mut self, index: u32, flags: u32, start: u32, count: u32, fds: Vec<File>) -> Result<(), Error> {
        self.log(format!("irqs {index} {flags:#x} {start} {count} {}", fds.len()));
        self.events = fds;
        Ok(())
    }
}

#[test]
fn a_server_of_others() {
    let path = std::env::temp_dir().join(format!("hotloop-interop-{}.sock", std::process::id()));
    let region = |index: u32, size: u64| ServerRegion {
        region_info: vfio_region_info {
            argsz: 32,
            flags: VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE,
            index,
            size,
            ..Default::default()
        },
        sparse_areas: Vec::new(),
        mmap_fd: None,
    };
    let sizes = [4096, 0, 0, 0, 0, 0, 0, 256, 0];
    let regions = (0..).zip(sizes).map(|(index, size)| region(index, size)).collect();
    let irqs = (0..5).map(|index| IrqInfo { index, flags: 1, count: [0, 0, 2, 0, 0][index as usize] }).collect();
    let server = Server::new(&path, true, irqs, regions).unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut backend =
        Backend { bar: vec![0; 4096], config: (0..=255).collect(), log: Arc::clone(&log), ..Backend::default() };
    let server = thread::spawn(move || server.run(&mut backend));

    let function = VfioUserFunction::open_with(&path, Duration::from_secs(20)).unwrap();
    assert_eq!((function.region_bytes(0), function.region_bytes(1)), (4096, 0));
    let mut data = [0; 4];
    function.config_read(16, &mut data).unwrap();
    assert_eq!(data, [16, 17, 18, 19]);
    function.region_write(0, 8, &[1, 2, 3, 4, 5, 6, 7, 8]).unwrap();
    function.region_read(0, 12, &mut data).unwrap();
    assert_eq!(data, [5, 6, 7, 8]);
    assert!(matches!(function.irq_enable(3), Err(FunctionError::Interrupts { asked: 3, available: 2 })));
    let events = function.irq_enable(2).unwrap();
    let memory = Arc::new(DmaMemory::new(8192).unwrap());
    function.dma_map(0x10_0000, &memory).unwrap();
    function.region_write(0, 64, &[1, 0, 0, 0]).unwrap();
    assert!(events[0].wait(Duration::from_secs(20)).unwrap());
    let mut found = [0; 14];
    memory.read(4096, &mut found).unwrap();
    assert_eq!(&found, b"from the board");
    function.dma_unmap(0x10_0000, 8192).unwrap();
    function.reset().unwrap();
    drop(function);
    server.join().unwrap().unwrap();
    let wanted = ["irqs 2 0x21 0 0 0", "irqs 2 0x24 0 2 2", "map 0x100000 8192 from 0", "unmap 0x100000 8192", "reset"];
    assert_eq!(*log.lock().unwrap(), wanted);
}
