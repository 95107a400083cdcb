//! Queues of states: twelve memories with one pair of pointers.

use crate::datapath::{Module, Sig, State};

/// Bits of an index into `0 .. values`.
pub fn index_bits(values: u64) -> u32 {
    values.next_power_of_two().ilog2().max(1)
}

/// A register that is loaded when `enable` is high, without reset.
pub fn hold(m: &mut Module, enable: Sig, value: Sig) -> Sig {
    let kept = m.wire(value.width());
    let next = m.mux(enable, value, *kept);
    let register = m.reg(next);
    m.connect(kept, register);
    register
}

/// A count of what comes and goes, one of each a cycle at most.
pub fn counted(m: &mut Module, count: State, more: Sig, less: Sig) {
    let bits = count.width();
    let (more, less) = (m.extend(more, bits), m.extend(less, bits));
    let next = m.add(*count, more);
    let next = m.sub(next, less);
    m.drive(count, next);
}

/// What goes into a [`states`] queue.
pub struct Push<'a> {
    /// Write enables of groups of words: one for all twelve, or one for each phase in which some arrive.
    pub groups: &'a [Sig],
    /// The words of a group.
    pub words: &'a [Sig],
    /// The state is complete: high with the last group.
    pub last: Sig,
}

/// A queue of at most `depth` states (a power of two; the user counts, nothing here refuses), with first-word
/// fall-through. `pop` may be high only while the returned valid bit is.
pub fn states(m: &mut Module, name: &str, depth: u64, push: &Push<'_>, pop: Sig) -> (Sig, Vec<Sig>) {
    assert!(depth.is_power_of_two() && depth >= 2, "a queue's depth is a power of two");
    assert_eq!(push.groups.len() * push.words.len(), 12, "a state has twelve words");
    let bits = index_bits(depth);
    let count = m.state(&format!("{name}_count"), bits + 1, 0);
    let write = m.state(&format!("{name}_write"), bits, 0);
    let read = m.state(&format!("{name}_read"), bits, 0);
    let valid = m.state(&format!("{name}_valid"), 1, 0);

    let plus = m.add_const(*write, 1);
    m.drive_when(write, push.last, plus);
    let plus = m.add_const(*read, 1);
    let read_next = m.mux(pop, plus, *read);
    m.drive(read, read_next);
    let popped = m.extend(pop, bits + 1);
    let left = m.sub(*count, popped);
    let pushed = m.extend(push.last, bits + 1);
    let next = m.add(left, pushed);
    m.drive(count, next);
    // A state is offered when it was complete before the cycle in which the memories read it.
    let none = m.eq_const(left, 0);
    let some = m.not(none);
    m.drive(valid, some);
    let words = push
        .groups
        .iter()
        .flat_map(|&enable| push.words.iter().map(move |&word| (enable, word)))
        .map(|(enable, word)| m.ram_apart(depth, enable, *write, word, read_next))
        .collect();
    (*valid, words)
}
