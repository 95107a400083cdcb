//! The command processor: rings in host memory, decode, and the sequence of a job.
//!
//! Three machines of rust-hdl stand one inside the other: [`rings`] takes descriptors and answers them, [`job`] runs
//! one, [`segments`] walks through a job's input and output. [`tee`] joins the engines in a commit job. [`reset`] stands outside and ends all of it safely.

pub(crate) mod core;
mod counters;
pub(crate) mod decode;
pub(crate) mod engines;
pub(crate) mod job;
pub(crate) mod plan;
pub(crate) mod reset;
pub(crate) mod rings;
pub(crate) mod segments;
mod tee;

use hotloop_regs::descriptor::Field;

use crate::datapath::{Module, Sig};

/// One field of a descriptor.
pub(crate) fn field(m: &mut Module, layout: Sig, field: Field) -> Sig {
    let sig = m.slice(layout, field.bit, field.width);
    m.label(sig, field.name)
}

/// A value of `bits` bits from its fields; what no field covers is zero.
pub(crate) fn compose(m: &mut Module, bits: u32, fields: &[(Field, Sig)]) -> Sig {
    let mut parts = Vec::new();
    let mut at = 0;
    for &(field, value) in fields {
        if field.bit > at {
            parts.push(m.constant(0, field.bit - at));
        }
        assert_eq!(value.width(), field.width, "width of {}", field.name);
        parts.push(value);
        at = field.bit + field.width;
    }
    if bits > at {
        parts.push(m.constant(0, bits - at));
    }
    m.pack(&parts)
}
