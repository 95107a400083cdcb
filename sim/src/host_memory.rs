//! Host memory as the board's AXI4 master sees it, and a checker of the master's manners.

use std::collections::VecDeque;

use hotloop_regs::{BEAT_BYTES, BEAT_WORDS};
use pcie_sys::{DmaMemory, SysError, PAGE_BYTES};

use crate::{ffi::Port, iotlb::Iotlb, options::LinkOptions, random::Random, traffic::Traffic, Model, SimError};

const BEAT: u64 = BEAT_BYTES as u64;
/// AXI's SLVERR.
const SLAVE_ERROR: u64 = 2;
/// Write beats that are taken before their address is known: a burst.
const EARLY_BEATS: usize = 256;

type Data = [u64; BEAT_WORDS];

/// Signals of the read half.
struct ReadPorts {
    araddr: Port,
    arlen: Port,
    arvalid: Port,
    arready: Port,
    rdata: Port,
    rresp: Port,
    rlast: Port,
    rvalid: Port,
    rready: Port,
}

/// Signals of the write half.
struct WritePorts {
    awaddr: Port,
    awlen: Port,
    awvalid: Port,
    awready: Port,
    wdata: Port,
    wstrb: Port,
    wlast: Port,
    wvalid: Port,
    wready: Port,
    bresp: Port,
    bvalid: Port,
    bready: Port,
}

/// A burst whose beats are not all done.
struct Burst {
    address: u64,
    left: u32,
    /// Reads: the first cycle in which data may come. Writes: unused.
    ready_at: u64,
    failed: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct WriteBeat {
    data: Data,
    strobes: u64,
    last: bool,
}

/// What a channel showed in the last cycle without being taken: it must show the same in this one.
#[derive(Default)]
struct Held {
    read_address: Option<(u64, u64)>,
    write_address: Option<(u64, u64)>,
    write_data: Option<WriteBeat>,
}

/// The AXI4 slave.
pub(crate) struct HostMemory {
    read: ReadPorts,
    write: WritePorts,
    link: LinkOptions,
    stalls: Random,
    /// What is on the link, where there is one.
    traffic: Option<Traffic>,
    /// Mappings; the worker changes them between cycles.
    pub tlb: Iotlb,
    /// Whether the board may reach memory at all.
    pub bus_master: bool,
    cycle: u64,
    reads: VecDeque<Burst>,
    /// Parts of a beat that move one after the other: one on a bus of 512 bits, eight on one of 64.
    parts: usize,
    /// A part of a beat is on the read channel, and it is its burst's last.
    presented: Option<bool>,
    /// The part of a beat that is next to be read.
    read_part: usize,
    /// Parts of a beat that is being written, and how many there are.
    partial: (WriteBeat, usize),
    writes: VecDeque<Burst>,
    early: VecDeque<WriteBeat>,
    responses: VecDeque<u64>,
    responding: bool,
    arready: bool,
    awready: bool,
    wready: bool,
    held: Held,
}

/// A rule of AXI4 that the board broke.
pub(crate) type Violation = String;

impl HostMemory {
    /// Finds the master's ports.
    pub fn new(model: &Model, link: LinkOptions) -> Result<HostMemory, SimError> {
        let input = |name, width| model.input(name, width);
        let output = |name, width| model.output(name, width);
        // A bus of a beat, or of a word.
        let bits = model.port("m_rdata").map(|port| port.width()).ok().filter(|bits| *bits == 64);
        let bits = bits.unwrap_or(8 * BEAT_BYTES as u32);
        Ok(HostMemory {
            read: ReadPorts {
                araddr: output("m_araddr", 64)?,
                arlen: output("m_arlen", 8)?,
                arvalid: output("m_arvalid", 1)?,
                arready: input("m_arready", 1)?,
                rdata: input("m_rdata", bits)?,
                rresp: input("m_rresp", 2)?,
                rlast: input("m_rlast", 1)?,
                rvalid: input("m_rvalid", 1)?,
                rready: output("m_rready", 1)?,
            },
            write: WritePorts {
                awaddr: output("m_awaddr", 64)?,
                awlen: output("m_awlen", 8)?,
                awvalid: output("m_awvalid", 1)?,
                awready: input("m_awready", 1)?,
                wdata: output("m_wdata", bits)?,
                wstrb: output("m_wstrb", bits / 8)?,
                wlast: output("m_wlast", 1)?,
                wvalid: output("m_wvalid", 1)?,
                wready: input("m_wready", 1)?,
                bresp: input("m_bresp", 2)?,
                bvalid: input("m_bvalid", 1)?,
                bready: output("m_bready", 1)?,
            },
            stalls: Random::new(link.stall_seed),
            traffic: link.pcie.map(Traffic::new),
            link,
            tlb: Iotlb::default(),
            bus_master: false,
            cycle: 0,
            reads: VecDeque::new(),
            parts: 8 * BEAT_BYTES / bits as usize,
            read_part: 0,
            partial: (WriteBeat::default(), 0),
            presented: None,
            writes: VecDeque::new(),
            early: VecDeque::new(),
            responses: VecDeque::new(),
            responding: false,
            arready: false,
            awready: false,
            wready: false,
            held: Held::default(),
        })
    }

    /// Forgets all bursts, for a reset; mappings stay.
    pub fn clear(&mut self, model: &mut Model) {
        self.reads.clear();
        self.writes.clear();
        self.early.clear();
        self.responses.clear();
        self.held = Held::default();
        (self.read_part, self.partial.1) = (0, 0);
        self.traffic.iter_mut().for_each(Traffic::clear);
        (self.presented, self.responding) = (None, false);
        (self.arready, self.awready, self.wready) = (false, false, false);
        for port in [self.read.arready, self.read.rvalid, self.write.awready, self.write.wready, self.write.bvalid] {
            model.set(port, 0);
        }
    }

    /// True when a burst is under way.
    pub fn active(&self) -> bool {
        !(self.reads.is_empty() && self.writes.is_empty() && self.responses.is_empty() && self.early.is_empty())
    }

    /// The board fell idle. Stalls begin again and the link is empty, so that a job's cycles do not depend on how
    /// often the host polled before it.
    pub fn idle(&mut self) {
        self.stalls.restart();
        self.traffic.iter_mut().for_each(Traffic::clear);
    }

    /// Before the clock's low half: what this side shows in the coming cycle.
    pub fn drive(&mut self, model: &mut Model) {
        let cycle = self.cycle;
        if let Some(traffic) = &mut self.traffic {
            traffic.cycle(cycle);
        }
        let room = self.traffic.as_ref().is_none_or(Traffic::takes_writes);
        self.arready = self.reads.len() < self.link.outstanding_reads as usize && !self.stalls.stall();
        self.awready = self.writes.len() < self.link.outstanding_writes as usize && !self.stalls.stall();
        self.wready = self.early.len() < EARLY_BEATS && room && !self.stalls.stall();
        model.set(self.read.arready, self.arready.into());
        model.set(self.write.awready, self.awready.into());
        model.set(self.write.wready, self.wready.into());
        if self.presented.is_none() {
            self.present(model);
        }
        if !self.responding {
            let sent = self.traffic.as_ref().is_none_or(|traffic| traffic.has_sent(cycle));
            let response = self.responses.front().filter(|_| sent && !self.stalls.stall());
            if let Some(traffic) = self.traffic.as_mut().filter(|_| response.is_some()) {
                traffic.take_sent();
            }
            self.responding = response.is_some();
            model.set(self.write.bvalid, self.responding.into());
            model.set(self.write.bresp, response.copied().unwrap_or(0));
        }
    }

    /// Puts the next beat, or its next part, on the read channel, if there is one.
    fn present(&mut self, model: &mut Model) {
        let cycle = self.cycle;
        let begins = self.read_part == 0;
        let here = !begins || self.traffic.as_ref().is_none_or(|traffic| traffic.has_beat(cycle));
        let ready = |burst: &&Burst| burst.ready_at <= cycle && here && !self.stalls.stall();
        let Some(burst) = self.reads.front().filter(ready) else {
            model.set(self.read.rvalid, 0);
            return;
        };
        let mut data = [0; BEAT_WORDS];
        let data = &mut data[..BEAT_WORDS / self.parts];
        let target = self.tlb.to_read(burst.address, BEAT).filter(|_| self.bus_master);
        let part = 8 * (data.len() * self.read_part) as u64;
        let ok = target.is_some_and(|(memory, offset)| memory.read_words(offset + part, data).is_ok());
        let last = burst.left == 1 && self.read_part + 1 == self.parts;
        model.set_words(self.read.rdata, data);
        model.set(self.read.rresp, if ok { 0 } else { SLAVE_ERROR });
        model.set(self.read.rlast, last.into());
        model.set(self.read.rvalid, 1);
        self.presented = Some(last);
        if let Some(traffic) = self.traffic.as_mut().filter(|_| begins) {
            traffic.take_beat();
        }
    }

    /// At the end of the clock's low half: what the coming edge will move.
    pub fn sample(&mut self, model: &Model) -> Result<(), Violation> {
        self.cycle += 1;
        self.sample_reads(model)?;
        self.sample_writes(model)
    }

    fn sample_reads(&mut self, model: &Model) -> Result<(), Violation> {
        if let Some(last) = self.presented {
            if model.get(self.read.rready) != 0 {
                self.presented = None;
                self.read_part = (self.read_part + 1) % self.parts;
                if self.read_part != 0 {
                    // The beat goes on.
                } else if last {
                    self.reads.pop_front();
                } else if let Some(burst) = self.reads.front_mut() {
                    burst.left -= 1;
                    burst.address += BEAT;
                }
            }
        }
        let shown =
            (model.get(self.read.arvalid) != 0).then(|| (model.get(self.read.araddr), model.get(self.read.arlen)));
        still("m_ar", &self.held.read_address, &shown)?;
        self.held.read_address = shown.filter(|_| !self.arready);
        if let (Some((address, length)), true) = (shown, self.arready) {
            let ready_at = self.cycle + u64::from(self.link.read_latency);
            let burst = burst("read", address, length, self.parts as u32, ready_at)?;
            if let Some(traffic) = &mut self.traffic {
                traffic.read(burst.address, burst.left);
            }
            self.reads.push_back(burst);
        }
        Ok(())
    }

    fn sample_writes(&mut self, model: &Model) -> Result<(), Violation> {
        if self.responding && model.get(self.write.bready) != 0 {
            self.responding = false;
            self.responses.pop_front();
        }
        let shown =
            (model.get(self.write.awvalid) != 0).then(|| (model.get(self.write.awaddr), model.get(self.write.awlen)));
        still("m_aw", &self.held.write_address, &shown)?;
        self.held.write_address = shown.filter(|_| !self.awready);
        if let (Some((address, length)), true) = (shown, self.awready) {
            self.writes.push_back(burst("write", address, length, self.parts as u32, 0)?);
        }

        let shown = (model.get(self.write.wvalid) != 0).then(|| {
            let mut data = [0; BEAT_WORDS];
            model.get_words(self.write.wdata, &mut data);
            let strobes = model.get(self.write.wstrb);
            WriteBeat { data, strobes, last: model.get(self.write.wlast) != 0 }
        });
        still("m_w", &self.held.write_data, &shown)?;
        self.held.write_data = shown.filter(|_| !self.wready);
        if let Some(shown) = shown.filter(|_| self.wready) {
            self.join(shown)?;
        }
        self.store_beats()
    }

    /// Joins the parts of a beat: memory sees it whole, as from a bridge that makes packets of beats.
    fn join(&mut self, shown: WriteBeat) -> Result<(), Violation> {
        let words = BEAT_WORDS / self.parts;
        let (beat, part) = &mut self.partial;
        if *part == 0 {
            *beat = WriteBeat::default();
        }
        beat.data[*part * words..][..words].copy_from_slice(&shown.data[..words]);
        beat.strobes |= shown.strobes << (8 * words * *part);
        beat.last = shown.last;
        *part += 1;
        if *part == self.parts {
            *part = 0;
            self.early.push_back(*beat);
        } else if shown.last {
            return Err("m_wlast comes within a beat".into());
        }
        Ok(())
    }

    /// Brings beats and their addresses together.
    fn store_beats(&mut self) -> Result<(), Violation> {
        while let (Some(burst), Some(beat)) = (self.writes.front_mut(), self.early.front()) {
            if beat.last != (burst.left == 1) {
                let found = if beat.last { "comes" } else { "is missing" };
                return Err(format!("m_wlast {found} with {} beats to go at {:#x}", burst.left, burst.address));
            }
            let target = self.tlb.to_write(burst.address, BEAT).filter(|_| self.bus_master);
            burst.failed |= target.is_none_or(|(memory, offset)| store(memory, offset, beat).is_err());
            if let Some(traffic) = &mut self.traffic {
                traffic.write(burst.address, beat.last);
            }
            burst.left -= 1;
            burst.address += BEAT;
            if beat.last {
                self.responses.push_back(if burst.failed { SLAVE_ERROR } else { 0 });
                self.writes.pop_front();
            }
            self.early.pop_front();
        }
        Ok(())
    }
}

/// Checks that a channel that was shown and not taken shows the same again.
fn still<T: PartialEq>(channel: &str, held: &Option<T>, shown: &Option<T>) -> Result<(), Violation> {
    match (held, shown) {
        (Some(_), None) => Err(format!("{channel}valid dropped before {channel}ready")),
        (Some(old), Some(new)) if old != new => Err(format!("{channel} channel changed before {channel}ready")),
        _ => Ok(()),
    }
}

/// A burst of `length` + 1 parts of beats, if it is one that the bus allows.
fn burst(what: &str, address: u64, length: u64, parts: u32, ready_at: u64) -> Result<Burst, Violation> {
    let transfers = length as u32 + 1;
    if !transfers.is_multiple_of(parts) {
        return Err(format!("{what} burst of {transfers} transfers at {address:#x}, which are no whole beats"));
    }
    let left = transfers / parts;
    if !address.is_multiple_of(BEAT) {
        return Err(format!("{what} burst at {address:#x}, which is not a multiple of {BEAT}"));
    }
    if address % PAGE_BYTES + u64::from(left) * BEAT > PAGE_BYTES {
        return Err(format!("{what} burst of {left} beats at {address:#x} crosses 4 KiB"));
    }
    Ok(Burst { address, left, ready_at, failed: false })
}

/// Writes the bytes whose strobes are set. Words of a partial beat go in from the top, each as a release: of a
/// completion, the word with the phase bit is then the last that the host sees.
fn store(memory: &DmaMemory, offset: u64, beat: &WriteBeat) -> Result<(), SysError> {
    if beat.strobes == u64::MAX {
        return memory.write_words(offset, &beat.data);
    }
    for (word, data) in beat.data.iter().enumerate().rev() {
        let at = offset + 8 * word as u64;
        let strobes = (beat.strobes >> (8 * word)) as u8;
        if strobes == 0xff {
            memory.store_u64_release(at, *data)?;
            continue;
        }
        for (byte, value) in data.to_le_bytes().iter().enumerate() {
            if strobes >> byte & 1 != 0 {
                memory.write(at + byte as u64, &[*value])?;
            }
        }
    }
    Ok(())
}
