//! What goes with a state through units whose rounds share their S-boxes, and what waits there.

use super::fifo::hold;
use crate::datapath::{Module, Sig, Wire};

/// Bits of a pass: partial ones need most.
pub(super) const PASS_BITS: u32 = 5;

/// What goes with a word: whether there is one, of which state, of which pass.
#[derive(Clone, Copy)]
pub(super) struct Tag {
    pub valid: Sig,
    pub id: Sig,
    pub pass: Sig,
}

impl Tag {
    /// As it was `cycles` ago.
    pub fn later(self, m: &mut Module, cycles: u32) -> Tag {
        let valid = m.delay_valid(self.valid, cycles);
        let rest = m.cat(&[self.id, self.pass]);
        let rest = m.delay(rest, cycles);
        Tag { valid, id: m.slice(rest, PASS_BITS, self.id.width()), pass: m.slice(rest, 0, PASS_BITS) }
    }

    /// Kept from a cycle with `load` on.
    pub fn kept(self, m: &mut Module, load: Sig) -> Tag {
        let valid = m.state("tag_valid", 1, 0);
        m.drive_when(valid, load, self.valid);
        Tag { valid: *valid, id: hold(m, load, self.id), pass: hold(m, load, self.pass) }
    }

    /// The first whose condition holds, else `default`.
    pub fn choose(m: &mut Module, cases: &[(Sig, Tag)], default: Tag) -> Tag {
        let mut field = |get: fn(Tag) -> Sig| {
            let cases: Vec<(Sig, Sig)> = cases.iter().map(|&(when, tag)| (when, get(tag))).collect();
            m.choose(&cases, get(default))
        };
        Tag { valid: field(|t| t.valid), id: field(|t| t.id), pass: field(|t| t.pass) }
    }
}

/// A FIFO of as many entries as there may be states inside, or more: so it is never full.
pub(super) struct Queue {
    pub push: Wire,
    pub entry: Wire,
    pub pop: Wire,
    pub valid: Sig,
    pub data: Sig,
}

impl Queue {
    pub fn new(m: &mut Module, name: &str, width: u32, states: u64) -> Queue {
        let (push, entry, pop) = (m.wire(1), m.wire(width), m.wire(1));
        // A wide one is made deep enough to be a block memory.
        let depth = if width > 16 { states.max(128) } else { states };
        let fifo = Module::fifo(width, depth);
        let fifo = m.instance(name, &fifo, &[("in_valid", *push), ("in_data", *entry), ("out_ready", *pop)]);
        let (valid, data) = (m.output_of(&fifo, "out_valid"), m.output_of(&fifo, "out_data"));
        Queue { push, entry, pop, valid, data }
    }
}
