//! Memories: simple dual-port RAM, ROM, circular delays, FIFO.

use super::graph::{Module, Node, RamInfo, RomInfo, Sig};

/// Bits needed to count `0 .. values`.
pub(crate) fn bits_for(values: u64) -> u32 {
    64 - values.saturating_sub(1).leading_zeros().min(63)
}

impl Module {
    /// A memory of `depth` words with one write port and one read port. The read is registered: data one cycle after
    /// the address, the old word when both ports meet (read-first). Addresses have `ceil(log2 depth)` bits (at least
    /// one).
    #[track_caller]
    pub fn ram(
        &mut self,
        depth: u64,
        write_enable: Sig,
        write_address: Sig,
        write_data: Sig,
        read_address: Sig,
    ) -> Sig {
        let bits = bits_for(depth);
        assert_eq!(write_enable.width, 1, "{}: a write enable is one bit", self.name);
        assert_eq!(write_address.width, bits, "{}: write address of a RAM of {depth}", self.name);
        assert_eq!(read_address.width, bits, "{}: read address of a RAM of {depth}", self.name);
        let index = self.rams.len();
        let stage = read_address.stage.map(|s| s + 1);
        let read = self.push(Node::RamRead(index), write_data.width, stage);
        self.rams.push(RamInfo {
            width: write_data.width,
            depth,
            write_enable: write_enable.id,
            write_address: write_address.id,
            write_data: write_data.id,
            read_address: read_address.id,
            read_node: read.id,
            apart: false,
        });
        read
    }

    /// As [`Module::ram`], for users that make nothing of a word read in the cycle in which it is written: queues. A
    /// block memory whose ports know nothing of each other then needs no logic that keeps the old word.
    #[track_caller]
    pub fn ram_apart(
        &mut self,
        depth: u64,
        write_enable: Sig,
        write_address: Sig,
        write_data: Sig,
        read_address: Sig,
    ) -> Sig {
        let read = self.ram(depth, write_enable, write_address, write_data, read_address);
        if let Some(ram) = self.rams.last_mut() {
            ram.apart = true;
        }
        read
    }

    /// A table; the read is registered: data one cycle after the address. Its length is a power of two, at least 2.
    #[track_caller]
    pub fn rom(&mut self, words: &[u64], width: u32, address: Sig) -> Sig {
        assert!(words.len().is_power_of_two() && words.len() >= 2, "{}: a ROM's length is a power of two", self.name);
        assert_eq!(address.width, words.len().ilog2(), "{}: address of a ROM of {}", self.name, words.len());
        let index = self.roms.len();
        let read = self.push(Node::RomRead(index), width, address.stage.map(|s| s + 1));
        self.roms.push(RomInfo {
            width,
            words: words.iter().map(|&w| w.into()).collect(),
            address: address.id,
            read_node: read.id,
        });
        read
    }

    /// A free-running counter modulo `length`, shared by all delays of that length.
    fn delay_counter(&mut self, length: u32) -> Sig {
        if let Some(&counter) = self.counters.get(&length) {
            return counter;
        }
        let width = bits_for(length.into());
        let counter = self.state(&format!("delay_{length}"), width, 0);
        let last = self.eq_const(*counter, (length - 1).into());
        let plus = self.add_const(*counter, 1);
        let zero = self.constant(0, width);
        let next = self.mux(last, zero, plus);
        self.drive(counter, next);
        self.counters.insert(length, *counter);
        *counter
    }

    /// A delay of `cycles` ≥ 3 in a memory: word written `cycles − 1` before it is read, and the read registered.
    #[track_caller]
    pub(super) fn circular_delay(&mut self, a: Sig, cycles: u32) -> Sig {
        let address = self.delay_counter(cycles - 1);
        let one = self.constant(1, 1);
        let read = self.ram((cycles - 1).into(), one, address, self.at(a, None), address);
        Sig { stage: a.stage.map(|s| s + cycles), ..read }
    }

    /// `state + 1` when `enable`, cleared by `clear`; wraps at 2^width.
    #[track_caller]
    pub fn counter(&mut self, name: &str, width: u32, enable: Sig, clear: Sig) -> Sig {
        let state = self.state(name, width, 0);
        let plus = self.add_const(*state, 1);
        let zero = self.constant(0, width);
        let next = self.choose(&[(clear, zero), (enable, plus)], *state);
        self.drive(state, next);
        *state
    }
}
