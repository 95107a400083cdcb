//! Scale tables: row i of a transform's input on coset b is multiplied by `hi[i >> 6] · lo[i & 63]` of table b.
//!
//! Eight memories stand side by side for `lo` and for `hi`, one for each word of a beat, so that a table is written as
//! fast as it comes; on a narrow bus, where words come one by one, it is one memory each. One product joins the two factors
//! for all lanes.

use std::rc::Rc;

use super::product::product;
use crate::{
    bus::Bus,
    config::Config,
    datapath::{Module, Sig},
};

/// Bits of a row's number within `lo`, and of a word's within a beat.
const LO_LOG: u32 = 6;
const WORD_LOG: u32 = 3;
/// Words from which on a memory of 64 bits is a block memory on small parts.
const BLOCK_LOG: u32 = 7;
/// Beats of `lo`, as a power of two.
pub const LO_BEATS_LOG: u32 = LO_LOG - WORD_LOG;

/// Bits of a table's number.
pub fn table_bits(config: &Config) -> u32 {
    config.ntt.max_log_cosets.max(1)
}

/// Bits of a beat's number within `hi`.
pub fn hi_beat_bits(config: &Config) -> u32 {
    config.ntt.max_log.saturating_sub(LO_LOG + WORD_LOG).max(1)
}

/// Module `ntt_scale`: `write_lo` and `write_hi` store `data` as beat `beat` of table `write_table`, on a narrow bus as its
/// word `word`; `factor` is that of
/// `row` in `read_table`, after the latency.
pub fn scale(config: &Config) -> Rc<Module> {
    let max_log = config.ntt.max_log;
    let (table_bits, hi_bits) = (table_bits(config), hi_beat_bits(config));
    let mut m = Module::new("ntt_scale");
    let data = m.input("data", config.bus.bits());
    let write_table = m.input("write_table", table_bits);
    let beat = m.input("beat", hi_bits.max(LO_BEATS_LOG));
    let table = m.pipe_input("read_table", table_bits);
    let row = m.pipe_input("row", max_log);
    let words = m.split(data, 64);
    let place = (config.bus == Bus::Narrow).then(|| m.input("word", WORD_LOG));

    let row_bits = max_log.max(LO_LOG + WORD_LOG + hi_bits);
    let row = m.extend(row, row_bits);
    let factors = [("write_lo", 0, LO_BEATS_LOG), ("write_hi", LO_LOG, hi_bits)].map(|(port, low_bit, beat_bits)| {
        let write = m.input(port, 1);
        let beat = m.slice(beat, 0, beat_bits);
        let mut write_address = m.cat(&[write_table, beat]);
        let (word, beat) = (m.slice(row, low_bit, WORD_LOG), m.slice(row, low_bit + WORD_LOG, beat_bits));
        let mut read_address = m.cat(&[table, beat]);
        if let Some(place) = place {
            write_address = m.cat(&[write_address, place]);
            read_address = m.cat(&[read_address, word]);
        }
        // Where look-up tables are short, deep enough to be block memories.
        let least = if config.ntt.sharing > 1 { BLOCK_LOG } else { 0 };
        let address_bits = least.max(write_address.width());
        let [write_address, read_address] = [write_address, read_address].map(|x| m.extend(x, address_bits));
        let depth = 1 << address_bits;
        // A table is written before the first row that needs it is issued, or after the last one has been read.
        let read: Vec<Sig> =
            words.iter().map(|&data| m.ram_apart(depth, write, write_address, data, read_address)).collect();
        let factor = match read[..] {
            [factor] => factor,
            _ => {
                let word = m.delay(word, 1);
                m.select(word, &read)
            }
        };
        // A shared multiplier has a register of its own in front.
        if config.ntt.sharing > 1 {
            factor
        } else {
            m.reg(factor)
        }
    });
    let factor = product(&mut m, config, "join", factors[0], factors[1]);
    m.pipe_outputs(&[("factor", factor)]);
    Rc::new(m)
}
