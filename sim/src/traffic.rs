//! [`Traffic`]: what is on a link, cycle by cycle.

use std::collections::VecDeque;

use hotloop_regs::BEAT_BYTES;

use crate::link::{PcieLink, ACKNOWLEDGEMENT, COMPLETION_OVERHEAD, REQUEST_OVERHEAD, TICKS};

const BEAT: u32 = BEAT_BYTES as u32;
/// Bytes of writes that wait for the wire at most: what a bridge holds.
const WRITE_BUFFER: u64 = 4096;

/// What is on its way. Times are in ticks unless they are called cycles.
pub(crate) struct Traffic {
    link: PcieLink,
    ticks_per_byte: u64,
    latency: u64,
    /// When each direction's wire is free.
    up: u64,
    down: u64,
    /// Beats of read requests that were not sent yet.
    asked: VecDeque<u32>,
    /// When each tag under way is free again.
    tags: VecDeque<u64>,
    /// The cycle in which each beat of data is here.
    beats: VecDeque<u64>,
    /// Bytes of write requests that were not sent yet; true: the last of its burst.
    writes: VecDeque<(u32, bool)>,
    waiting: u64,
    /// A write request that is not whole yet.
    partial: u32,
    /// When credits come back, and how many.
    credits: VecDeque<(u64, u32)>,
    owed: u32,
    /// Bursts of writes whose last packet is on the wire, not yet answered: the cycle from which that is so.
    sent: VecDeque<u64>,
    /// Whose turn it is on the wire to the host.
    write_next: bool,
}

impl Traffic {
    pub fn new(link: PcieLink) -> Traffic {
        Traffic {
            link,
            ticks_per_byte: link.ticks_per_byte(),
            latency: u64::from(link.latency_ns) * u64::from(link.clock_mhz) * TICKS / 1000,
            up: 0,
            down: 0,
            asked: VecDeque::new(),
            tags: VecDeque::new(),
            beats: VecDeque::new(),
            writes: VecDeque::new(),
            waiting: 0,
            partial: 0,
            credits: VecDeque::new(),
            owed: 0,
            sent: VecDeque::new(),
            write_next: false,
        }
    }

    /// Nothing is under way: after a reset, and when the board fell idle. What is left on the wire is credits and
    /// acknowledgements; a job's cycles must not depend on how often the host polled before it.
    pub fn clear(&mut self) {
        *self = Traffic { up: self.up, down: self.down, ..Traffic::new(self.link) };
        (self.up, self.down) = (0, 0);
    }

    /// A read burst was taken.
    pub fn read(&mut self, address: u64, beats: u32) {
        // Requests end where their size does, as those of a burst that starts anywhere do.
        let most = self.link.request / BEAT;
        let mut at = (address / u64::from(BEAT)) as u32 % most;
        let mut left = beats;
        while left != 0 {
            let part = left.min(most - at);
            self.asked.push_back(part);
            (left, at) = (left - part, 0);
        }
    }

    /// A beat of a write burst was taken; `ends`: at a multiple of the payload, or with the burst.
    pub fn write(&mut self, address: u64, last: bool) {
        self.partial += BEAT;
        self.waiting += u64::from(BEAT);
        if last || (address + u64::from(BEAT)).is_multiple_of(self.link.payload.into()) {
            self.writes.push_back((self.partial, last));
            self.partial = 0;
        }
    }

    /// There is room for a beat of a write.
    pub fn takes_writes(&self) -> bool {
        self.waiting < WRITE_BUFFER.max(2 * u64::from(self.link.payload))
    }

    /// The next beat of data is here.
    pub fn has_beat(&self, cycle: u64) -> bool {
        self.beats.front().is_some_and(|at| *at <= cycle)
    }

    /// The beat was put on the bus.
    pub fn take_beat(&mut self) {
        self.beats.pop_front();
    }

    /// The next burst of writes is on the wire.
    pub fn has_sent(&self, cycle: u64) -> bool {
        self.sent.front().is_some_and(|at| *at <= cycle)
    }

    /// The burst is answered.
    pub fn take_sent(&mut self) {
        self.sent.pop_front();
    }

    /// What goes to the wire in this cycle.
    pub fn cycle(&mut self, cycle: u64) {
        let (now, end) = (cycle * TICKS, (cycle + 1) * TICKS);
        while self.tags.front().is_some_and(|done| *done <= now) {
            self.tags.pop_front();
        }
        while let Some((_, bytes)) = self.credits.pop_front_if(|(back, _)| *back <= now) {
            self.owed -= bytes;
        }
        while self.up < end {
            let read = self.asked.front().copied().filter(|_| self.tags.len() < self.link.tags as usize);
            let credit = |bytes: &u32| self.owed + bytes <= self.link.credits;
            let write = self.writes.front().copied().filter(|(bytes, _)| credit(bytes));
            match (read, write) {
                (Some(beats), None) => self.send_read(now, beats),
                (Some(beats), Some(_)) if !self.write_next => self.send_read(now, beats),
                (_, Some((bytes, last))) => self.send_write(now, bytes, last),
                (None, None) => break,
            }
        }
    }

    fn send_read(&mut self, now: u64, beats: u32) {
        self.asked.pop_front();
        self.write_next = true;
        self.up = self.up.max(now) + REQUEST_OVERHEAD * self.ticks_per_byte;
        let ready = self.up + self.latency;
        let most = self.link.payload / BEAT;
        let mut left = beats;
        while left != 0 {
            let part = left.min(most);
            // With it, an acknowledgement of what goes the other way.
            let bytes = u64::from(part * BEAT) + COMPLETION_OVERHEAD + ACKNOWLEDGEMENT;
            self.down = self.down.max(ready) + bytes * self.ticks_per_byte;
            self.beats.extend((0..part).map(|_| self.down.div_ceil(TICKS)));
            left -= part;
        }
        self.tags.push_back(self.down);
    }

    fn send_write(&mut self, now: u64, bytes: u32, last: bool) {
        self.writes.pop_front();
        self.write_next = false;
        self.waiting -= u64::from(bytes);
        let wire = u64::from(bytes) + REQUEST_OVERHEAD + ACKNOWLEDGEMENT;
        self.up = self.up.max(now) + wire * self.ticks_per_byte;
        self.owed += bytes;
        self.credits.push_back((self.up + self.latency, bytes));
        if last {
            self.sent.push_back(self.up.div_ceil(TICKS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cycles until so many beats of each kind have gone through.
    fn run(link: &str, reads: u32, writes: u32) -> u64 {
        let mut traffic = Traffic::new(link.parse().unwrap());
        let (mut asked, mut come, mut given, mut answered) = (0, 0, 0, 0);
        for cycle in 0..10_000_000 {
            traffic.cycle(cycle);
            if asked < reads && asked < come + 4096 {
                traffic.read(u64::from(asked) * 64, 64);
                asked += 64;
            }
            if given < writes && traffic.takes_writes() {
                traffic.write(u64::from(given) * 64, given % 64 == 63);
                given += 1;
            }
            if traffic.has_beat(cycle) {
                traffic.take_beat();
                come += 1;
            }
            if traffic.has_sent(cycle) {
                traffic.take_sent();
                answered += 64;
            }
            if (come, answered) == (reads, writes) {
                return cycle;
            }
        }
        panic!("{come} of {reads} beats read, {answered} of {writes} written");
    }

    #[test]
    fn long_transfers_reach_the_limit_of_the_wire() {
        for name in ["gen3x8", "gen1x1", "gen4x8,payload=512", "gen3x16"] {
            let link: PcieLink = name.parse().unwrap();
            let beats = 1 << 14;
            let limit = f64::from(beats) * 64.0 / link.payload_limit();
            let cycles = run(name, beats, beats) as f64;
            assert!(cycles >= 0.99 * limit, "{name}: {cycles} cycles, faster than {limit}");
            // Two in a cycle is more than the bus takes.
            assert!(cycles <= 1.05 * limit.max(f64::from(beats)) + 1000.0, "{name}: {cycles} cycles, limit {limit}");
        }
    }

    #[test]
    fn tags_credits_and_latency_bound_what_is_under_way() {
        // One request of 512 bytes under way: each takes the latency of 250 cycles.
        let one = run("gen3x8,tags=1", 800, 0);
        assert!((100 * 250..100 * 290).contains(&one), "{one}");
        let two = run("gen3x8,tags=2", 800, 0);
        assert!(two < 6 * one / 10);
        // 4 KiB of credits come back after 250 cycles.
        let credits = run("gen3x8,credits=4096", 0, 6400);
        assert!(credits > 100 * 240, "{credits}");
        // A single burst: the request, the latency, 64 packets.
        let single = run("gen3x8,payload=64", 64, 0);
        assert!((430..450).contains(&single), "{single}");
    }
}
