//! Ready/valid streams and FIFOs.

use std::rc::Rc;

use super::{
    graph::{Module, Sig},
    memory::bits_for,
};

/// A ready/valid stream as its consumer sees it. A word moves in a cycle in which both are high; `valid` never waits
/// for `ready`.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    /// A word is offered.
    pub valid: Sig,
    /// The word.
    pub data: Sig,
}

impl Module {
    /// A FIFO of `depth` words (a power of two, at least 4) in a memory, with first-word fall-through. Ports: `in_valid`, `in_data`, `in_ready`; `out_valid`, `out_data`, `out_ready`; `free` =
    /// words that can still be accepted, for credits; `empty` = no word inside.
    pub fn fifo(width: u32, depth: u64) -> Rc<Module> {
        assert!(depth.is_power_of_two() && depth >= 4, "a FIFO's depth is a power of two, at least 4");
        let bits = bits_for(depth);
        let mut m = Module::new(format!("fifo_{width}x{depth}"));
        let in_valid = m.input("in_valid", 1);
        let in_data = m.input("in_data", width);
        let out_ready = m.input("out_ready", 1);

        // The memory reads its head again every cycle, so that its read register is the output; a word is offered
        // when it was in the memory before the cycle in which it was read.
        let count = m.state("count", bits + 1, 0);
        let write = m.state("write", bits, 0);
        let read = m.state("read", bits, 0);
        let valid = m.state("head_valid", 1, 0);
        let full = m.bit(*count, bits);
        let in_ready = m.not(full);
        let push = m.and(in_valid, in_ready);
        let pop = m.and(*valid, out_ready);

        let plus = m.add_const(*write, 1);
        m.drive_when(write, push, plus);
        // The place behind the head has a register of its own: to the memory's address it is far.
        let after = m.state("after", bits, 1);
        let plus = m.add_const(*after, 1);
        m.drive_when(after, pop, plus);
        let read_next = m.mux(pop, *after, *read);
        m.drive(read, read_next);

        // One more, one less, and what is left of one word are known before it is known what moves.
        let (more, one) = (m.add_const(*count, 1), m.constant(1, bits + 1));
        let less = m.sub(*count, one);
        let moves = m.xor(push, pop);
        let next = m.mux(push, more, less);
        m.drive_when(count, moves, next);
        let none = m.eq_const(*count, 0);
        let single = m.eq_const(*count, 1);
        let last = m.and(single, pop);
        let none_left = m.or(none, last);
        let some_left = m.not(none_left);
        m.drive(valid, some_left);
        let out_data = m.ram_apart(depth, push, *write, in_data, read_next);

        let free = {
            let total = m.constant(depth.into(), bits + 1);
            m.sub(total, *count)
        };
        m.output("in_ready", in_ready);
        m.output("out_valid", *valid);
        m.output("out_data", out_data);
        m.output("free", free);
        m.output("empty", none);
        Rc::new(m)
    }

    /// Whether a FIFO with room for `free` words ([`Module::fifo`]) takes one that comes to it a cycle later; known a cycle
    /// later, too. So there is room for three: one on its way, and two that are taken before this answer changes.
    pub fn room_behind_register(&mut self, free: Sig) -> Sig {
        let least = self.constant(3, free.width());
        let few = self.lt(free, least);
        let room = self.not(few);
        self.delay_valid(room, 1)
    }

    /// A relay of two words, which cuts the path from who takes to who gives: both `in_ready` and `out_valid` are known from
    /// registers. A word goes through in a cycle, and one in each cycle. Ports as [`Module::fifo`]'s, without `free` and
    /// `empty`.
    pub fn relay(width: u32) -> Rc<Module> {
        let mut m = Module::new(format!("relay_{width}"));
        let in_valid = m.input("in_valid", 1);
        let in_data = m.input("in_data", width);
        let out_ready = m.input("out_ready", 1);
        let valid = m.state("one", 1, 0);
        let full = m.state("two", 1, 0);
        let write = m.state("write", 1, 0);
        let read = m.state("read", 1, 0);
        let in_ready = m.not(*full);
        let push = m.and(in_valid, in_ready);
        let pop = m.and(*valid, out_ready);
        let stays = m.not(out_ready);

        let left = m.and(*valid, stays);
        let some = m.any(&[push, *full, left]);
        m.drive(valid, some);
        let second = m.or(push, *full);
        let both = m.and(second, left);
        m.drive(full, both);
        for (pointer, step) in [(write, push), (read, pop)] {
            let next = m.xor(*pointer, step);
            m.drive(pointer, next);
        }
        let first = m.not(*write);
        let slots = [("slot_0", first), ("slot_1", *write)].map(|(name, here)| {
            let slot = m.state(name, width, 0);
            // Free, it takes what there is: whether that is a word is known later than the word.
            let writes = m.and(in_ready, here);
            m.drive_when(slot, writes, in_data);
            *slot
        });
        let out_data = m.mux(*read, slots[1], slots[0]);
        m.output("in_ready", in_ready);
        m.output("out_valid", *valid);
        m.output("out_data", out_data);
        Rc::new(m)
    }
}
