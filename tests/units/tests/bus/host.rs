//! A host for the accelerator's two buses: AXI4-Lite accesses, and memory that answers at a pace of choice and watches
//! over the rules of AXI.

use std::collections::VecDeque;

use hotloop_regs::{
    map::{self, Register},
    Error,
};
use hotloop_sim::{Clocked, Port};
use rand::{rngs::StdRng, Rng, SeedableRng};

pub const BASE: u64 = 0x1_0000_0000;
const BEATS: u64 = 1 << 16;
pub const END: u64 = BASE + 64 * BEATS;
pub const SQ: u64 = END - (1 << 20);
pub const CQ: u64 = END - (1 << 19);
pub const SQ_LOG: u64 = 3;
pub const CQ_LOG: u64 = 2;

type Beat = [u64; 8];
const SLVERR: u64 = 2;

struct Burst {
    address: u64,
    beats: u64,
    moved: u64,
    failed: bool,
}

impl Burst {
    fn new(address: u64, length: u64) -> Burst {
        let beats = length + 1;
        assert!(address.is_multiple_of(64) && beats <= 64, "burst of {beats} beats at {address:#x}");
        assert_eq!(address >> 12, (address + 64 * beats - 1) >> 12, "burst of {beats} at {address:#x} crosses 4 KiB");
        Burst { address, beats, moved: 0, failed: false }
    }
}

/// What a master offers on a channel must stay until it is taken.
#[derive(Default)]
struct Offer(Option<Vec<u64>>);

impl Offer {
    fn watch(&mut self, channel: &str, valid: bool, ready: bool, payload: Vec<u64>) {
        if let Some(before) = self.0.take() {
            assert!(valid && before == payload, "{channel} changed before it was taken");
        }
        self.0 = (valid && !ready).then_some(payload);
    }
}

pub struct Completion {
    pub tag: u32,
    pub status: u32,
    pub cycles: u64,
}

pub struct Host {
    model: Clocked,
    ports: Vec<(&'static str, Port)>,
    pub memory: Vec<Beat>,
    /// How often, in percent, each channel is ready.
    pub pace: u32,
    /// Memory answers nothing.
    pub frozen: bool,
    /// Instead of at one pace, each channel runs at one of its own, which changes about every fifty cycles: full, half,
    /// rarely, not at all.
    pub wild: bool,
    paces: [u32; 5],
    pub interrupts: [u64; 2],
    rng: StdRng,
    reads: VecDeque<Burst>,
    writes: VecDeque<Burst>,
    responses: VecDeque<bool>,
    offers: [Offer; 3],
    tail: u64,
    taken: u64,
}

impl Host {
    pub fn new() -> Host {
        let model = Clocked::open("accelerator_sim").unwrap();
        let ports = model.ports().collect();
        let mut host = Host {
            model,
            ports,
            memory: vec![[0; 8]; BEATS as usize],
            pace: 100,
            frozen: false,
            wild: false,
            paces: [100; 5],
            interrupts: [0; 2],
            rng: StdRng::seed_from_u64(hotloop_units::seed(1)),
            reads: VecDeque::new(),
            writes: VecDeque::new(),
            responses: VecDeque::new(),
            offers: Default::default(),
            tail: 0,
            taken: 0,
        };
        host.set("rst", 1);
        (0..4).for_each(|_| host.step());
        host.set("rst", 0);
        host.settle();
        host
    }

    fn port(&self, name: &str) -> Port {
        self.ports.iter().find(|(n, _)| *n == name).unwrap_or_else(|| panic!("no port {name}")).1
    }

    fn set(&mut self, name: &str, value: u64) {
        let port = self.port(name);
        self.model.set(port, value);
    }

    fn get(&self, name: &str) -> u64 {
        self.model.get(self.port(name))
    }

    fn wide(&self, name: &str) -> Beat {
        let mut beat = [0; 8];
        self.model.get_words(self.port(name), &mut beat);
        beat
    }

    /// Whether a channel moves in this cycle.
    fn turn(&mut self, channel: usize) -> bool {
        if self.wild && self.rng.gen_range(0..50) == 0 {
            self.paces[channel] = [100, 50, 5, 0][self.rng.gen_range(0..4)];
        }
        let pace = if self.wild { self.paces[channel] } else { self.pace };
        !self.frozen && self.rng.gen_range(0..100) < pace
    }

    /// Index of a beat in memory, if it is there.
    fn index(address: u64) -> Option<usize> {
        (BASE..END).contains(&address).then(|| ((address - BASE) / 64) as usize)
    }

    pub fn step(&mut self) {
        let [ar, aw, w, r, b] = [0, 1, 2, 3, 4].map(|channel| self.turn(channel));
        let (ar, aw) = (ar && self.reads.len() < 16, aw && self.writes.len() < 16);
        let w = w && !self.writes.is_empty();
        let read = self.reads.front().filter(|_| r).map(|burst| {
            let beat = Host::index(burst.address + 64 * burst.moved).map(|i| self.memory[i]);
            (beat, burst.moved + 1 == burst.beats)
        });
        let response = self.responses.front().copied().filter(|_| b);
        let (beat, last) = read.unwrap_or_default();
        for (name, value) in [
            ("m_arready", u64::from(ar)),
            ("m_awready", u64::from(aw)),
            ("m_wready", u64::from(w)),
            ("m_rvalid", u64::from(read.is_some())),
            ("m_rlast", u64::from(last)),
            ("m_rresp", if beat.is_some() { 0 } else { SLVERR }),
            ("m_bvalid", u64::from(response.is_some())),
            ("m_bresp", if response == Some(true) { SLVERR } else { 0 }),
        ] {
            self.set(name, value);
        }
        let data = self.port("m_rdata");
        self.model.set_words(data, &beat.unwrap_or([u64::MAX; 8]));
        self.model.settle().unwrap();
        self.move_data(ar, aw, w, read.is_some(), response.is_some());
        let irq = self.get("irq");
        for (vector, count) in self.interrupts.iter_mut().enumerate() {
            *count += irq >> vector & 1;
        }
        self.model.edge().unwrap();
    }

    fn move_data(&mut self, ar: bool, aw: bool, w: bool, read: bool, response: bool) {
        assert!(self.get("m_rready") == 1 && self.get("m_bready") == 1);
        if read {
            let burst = &mut self.reads[0];
            burst.moved += 1;
            if burst.moved == burst.beats {
                self.reads.pop_front();
            }
        }
        if response {
            self.responses.pop_front();
        }
        let data = self.wide("m_wdata");
        let (strobe, last) = (self.get("m_wstrb"), self.get("m_wlast"));
        let valid = ["m_arvalid", "m_awvalid", "m_wvalid"].map(|name| self.get(name) == 1);
        let ready = [ar, aw, w];
        let mut payload = data.to_vec();
        payload.extend([strobe, last]);
        let address =
            |host: &Host, name: &str| vec![host.get(&format!("m_{name}addr")), host.get(&format!("m_{name}len"))];
        let payloads = [address(self, "ar"), address(self, "aw"), payload];
        for (i, name) in ["AR", "AW", "W"].into_iter().enumerate() {
            self.offers[i].watch(name, valid[i], ready[i], payloads[i].clone());
        }
        if valid[2] && w {
            let burst = &mut self.writes[0];
            let at = burst.address + 64 * burst.moved;
            burst.moved += 1;
            assert_eq!(last == 1, burst.moved == burst.beats, "last of {} beats", burst.beats);
            match Host::index(at) {
                Some(i) => {
                    for byte in (0..64).filter(|byte| strobe >> byte & 1 == 1) {
                        let (word, shift) = (byte / 8, 8 * (byte % 8));
                        let old = &mut self.memory[i][word];
                        *old = *old & !(0xff << shift) | data[word] & 0xff << shift;
                    }
                }
                None => burst.failed |= strobe != 0,
            }
            if last == 1 {
                self.responses.extend(self.writes.pop_front().map(|burst| burst.failed));
            }
        }
        if valid[0] && ar {
            self.reads.push_back(Burst::new(payloads[0][0], payloads[0][1]));
        }
        if valid[1] && aw {
            self.writes.push_back(Burst::new(payloads[1][0], payloads[1][1]));
        }
    }

    /// Nothing is owed to the accelerator and it offers nothing.
    pub fn bus_rests(&self) -> bool {
        let offers = ["m_arvalid", "m_awvalid", "m_wvalid"].iter().any(|name| self.get(name) == 1);
        self.reads.is_empty() && self.writes.is_empty() && self.responses.is_empty() && !offers
    }

    /// Clocks until `busy` falls.
    pub fn settle(&mut self) {
        for _ in 0..3_000_000 {
            self.step();
            self.model.settle().unwrap();
            if self.get("busy") == 0 {
                return;
            }
        }
        panic!("still busy");
    }

    /// Response and data of an access, which must come within a few cycles.
    fn access(&mut self, valid: &[&str], ready: &str, done: &str, answer: &str) -> (u64, u64) {
        valid.iter().for_each(|name| self.set(name, 1));
        self.set(ready, 1);
        for _ in 0..16 {
            self.model.settle().unwrap();
            let (accepted, finished) = (self.get(done) == 1, self.get(answer) == 1);
            let result = (self.get("s_bresp"), self.get("s_rdata"));
            self.step();
            if accepted {
                valid.iter().for_each(|name| self.set(name, 0));
            }
            if finished {
                self.set(ready, 0);
                return result;
            }
        }
        panic!("access was not answered");
    }

    pub fn write32(&mut self, offset: u32, value: u32, strobe: u64) -> u64 {
        self.set("s_awaddr", offset.into());
        self.set("s_wdata", value.into());
        self.set("s_wstrb", strobe);
        self.access(&["s_awvalid", "s_wvalid"], "s_bready", "s_awready", "s_bvalid").0
    }

    pub fn read32(&mut self, offset: u32) -> (u64, u32) {
        self.set("s_araddr", offset.into());
        let (response, data) = self.access(&["s_arvalid"], "s_rready", "s_arready", "s_rvalid");
        (response, data as u32)
    }

    pub fn write(&mut self, register: Register, value: u64) {
        for word in 0..register.width / 32 {
            assert_eq!(self.write32(register.offset + 4 * word, (value >> (32 * word)) as u32, 15), 0);
        }
    }

    pub fn read(&mut self, register: Register) -> u64 {
        (0..register.width / 32).fold(0, |value, word| {
            let (response, data) = self.read32(register.offset + 4 * word);
            assert_eq!(response, 0, "{}", register.name);
            value | u64::from(data) << (32 * word)
        })
    }

    /// Programs the rings and enables them.
    pub fn enable(&mut self, sq: u64, cq: u64, log: u64) {
        self.write(map::SQ_BASE, sq);
        self.write(map::CQ_BASE, cq);
        self.write(map::RING_LOG, log);
        self.write(map::IRQ_ENABLE, 3);
        let (from, to) = (Host::index(CQ).unwrap(), Host::index(CQ).unwrap() + (1 << CQ_LOG));
        self.memory[from..to].fill([0; 8]);
        (self.tail, self.taken) = (0, 0);
        self.write(map::CONTROL, map::CONTROL_ENABLE.into());
    }

    pub fn start(&mut self) {
        self.enable(SQ, CQ, SQ_LOG | CQ_LOG << 8);
    }

    pub fn reset(&mut self) {
        self.write(map::CONTROL, map::CONTROL_RESET.into());
        self.settle();
        assert_eq!((self.read(map::CONTROL), self.read(map::STATUS), self.read(map::FAULT_CODE)), (0, 0, 0));
        assert!(self.bus_rests());
    }

    pub fn push(&mut self, descriptor: Beat) {
        let slot = self.tail & ((1 << SQ_LOG) - 1);
        self.memory[Host::index(SQ + 64 * slot).unwrap()] = descriptor;
        self.tail += 1;
    }

    pub fn doorbell(&mut self) {
        self.write(map::SQ_TAIL, self.tail & 0xffff);
    }

    /// The next completion, if its phase says that it is there.
    pub fn poll(&mut self) -> Option<Completion> {
        let slot = self.taken & ((1 << CQ_LOG) - 1);
        let beat = self.memory[Host::index(CQ + 16 * slot).unwrap()];
        let (low, cycles) = (beat[(slot % 4 * 2) as usize], beat[(slot % 4 * 2 + 1) as usize]);
        let phase = 1 - (self.taken >> CQ_LOG & 1);
        (low >> 48 & 1 == phase).then(|| {
            self.taken += 1;
            Completion { tag: low as u32, status: (low >> 32 & 0xffff) as u32, cycles }
        })
    }

    pub fn release(&mut self) {
        self.write(map::CQ_HEAD, self.taken & 0xffff);
    }

    /// Runs one job to its completion.
    pub fn run(&mut self, mut descriptor: Beat) -> Completion {
        let tag = self.rng.gen::<u32>();
        descriptor[0] |= u64::from(tag) << 32;
        self.push(descriptor);
        self.doorbell();
        self.settle();
        let completion = self.poll().expect("a completion");
        assert_eq!(completion.tag, tag);
        self.release();
        completion
    }

    pub fn error_of(&mut self, descriptor: Beat) -> Option<Error> {
        Error::from_code(self.run(descriptor).status)
    }

    pub fn slice(&mut self, address: u64, beats: u64) -> &mut [Beat] {
        let from = Host::index(address).unwrap();
        &mut self.memory[from..from + beats as usize]
    }
}
