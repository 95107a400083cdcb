//! What a descriptor may not say.

use hotloop_regs::{
    descriptor::{
        Descriptor, ACROSS_ROWS_LOG, FLAG_ACROSS, FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE, FLAG_OWN_TABLES,
        MAX_LOG_INNER, MAX_SALTS,
    },
    Error, LastBlock, Opcode, ParameterSet,
};

use super::field;
use crate::{
    datapath::{Module, Sig},
    fold, Config,
};

/// A descriptor's operation, one bit for each, a cycle behind the descriptor. Those whose engine the board lacks are constant zeros.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub loopback: Sig,
    pub permute: Sig,
    pub hash: Sig,
    pub grind: Sig,
    pub transform: Sig,
    pub commit: Sig,
    pub fold: Sig,
}

impl Operation {
    pub(crate) fn of(m: &mut Module, config: &Config, descriptor: Sig) -> Operation {
        let opcode = field(m, descriptor, Descriptor::opcode);
        let (ntt, poseidon) = (config.ntt.is_there(), config.poseidon.is_there());
        let mut is = |opcode_: Opcode, there: bool| {
            if !there {
                return m.constant(0, 1);
            }
            let is = m.eq_const(opcode, opcode_.code().into());
            let is = m.reg(is);
            m.label(is, &format!("is_{}", opcode_.name()))
        };
        Operation {
            loopback: is(Opcode::Loopback, true),
            permute: is(Opcode::Permute, poseidon),
            hash: is(Opcode::Hash, poseidon),
            grind: is(Opcode::Grind, poseidon),
            transform: is(Opcode::Transform, ntt),
            commit: is(Opcode::Commit, ntt && poseidon),
            fold: is(Opcode::Fold, config.fold),
        }
    }
}

/// Largest number of tree levels that a 32-bit number of rows can have.
const MAX_LEVELS: u128 = 31;

/// The error code of a descriptor, zero for a valid one: a code of [`Error`], 16 bits. It is known
/// [`super::plan::SETTLES`] cycles behind the descriptor.
pub(crate) fn validate(m: &mut Module, config: &Config, descriptor: Sig, op: Operation) -> Sig {
    let known = m.any(&[op.loopback, op.permute, op.hash, op.grind, op.transform, op.commit, op.fold]);
    let bad_opcode = m.not(known);
    let bad_opcode = m.reg(bad_opcode);
    let set = field(m, descriptor, Descriptor::set);
    let ours: Vec<Sig> = config.set.held().iter().map(|held| m.eq_const(set, held.code().into())).collect();
    let ours = m.any(&ours);
    let bad_set = m.not(ours);
    let bad_set = m.reg(bad_set);
    let bad_shape = bad_shape(m, config, descriptor, op);
    let low: Vec<Sig> = [Descriptor::src, Descriptor::dst, Descriptor::param]
        .map(|address| {
            let address = field(m, descriptor, address);
            m.slice(address, 0, 6)
        })
        .to_vec();
    let low = m.any(&low);
    let aligned = m.eq_const(low, 0);
    let misaligned = m.not(aligned);
    let misaligned = m.reg(misaligned);
    let cases = [
        (bad_opcode, Error::BadOpcode),
        (bad_set, Error::BadSet),
        (bad_shape, Error::BadShape),
        (misaligned, Error::Misaligned),
    ]
    .map(|(hit, error)| (hit, m.constant(error.code().into(), 16)));
    let none = m.constant(0, 16);
    let error = m.choose(&cases, none);
    m.reg(error)
}

/// Whether the job's set fills a last block of a leaf with zeros.
pub(crate) fn zeroed(m: &mut Module, config: &Config, descriptor: Sig) -> Sig {
    let set = field(m, descriptor, Descriptor::set);
    let zeroed = |set: &ParameterSet| set.leaf_rule().last_block == LastBlock::Zeroed;
    let zeroed: Vec<Sig> =
        config.set.held().iter().filter(|set| zeroed(set)).map(|held| m.eq_const(set, held.code().into())).collect();
    match zeroed[..] {
        [] => m.constant(0, 1),
        _ => m.any(&zeroed),
    }
}

fn bad_shape(m: &mut Module, config: &Config, descriptor: Sig, op: Operation) -> Sig {
    let rows = field(m, descriptor, Descriptor::rows);
    let no_rows = m.eq_const(rows, 0);
    let has_rows = m.not(op.grind);
    let empty = m.and(no_rows, has_rows);

    // A state is two beats, and beats are counted in 32 bits.
    let many = m.bit(rows, 31);
    let permute = m.and(op.permute, many);

    let width = field(m, descriptor, Descriptor::width);
    let no_width = m.eq_const(width, 0);
    let levels = field(m, descriptor, Descriptor::levels);
    let most = m.constant(MAX_LEVELS, 8);
    let too_high = m.lt(most, levels);
    let uneven = uneven(m, descriptor, op);
    let hash = m.any(&[no_width, too_high, uneven]);
    let hash = m.and(op.hash, hash);

    let flags = field(m, descriptor, Descriptor::flags);
    let allowed: Vec<Sig> = [
        FLAG_FORWARD,
        FLAG_FORWARD | FLAG_ACROSS,
        FLAG_FORWARD | FLAG_OWN_TABLES,
        FLAG_INVERSE | FLAG_COEFFICIENTS,
        FLAG_INVERSE | FLAG_COEFFICIENTS | FLAG_ACROSS,
        FLAG_INVERSE | FLAG_COEFFICIENTS | FLAG_OWN_TABLES,
        FLAG_INVERSE | FLAG_FORWARD,
        FLAG_INVERSE | FLAG_FORWARD | FLAG_COEFFICIENTS,
    ]
    .map(|f| m.eq_const(flags, f.into()))
    .to_vec();
    let allowed = m.any(&allowed);
    let bad_flags = m.not(allowed);
    let log_n = field(m, descriptor, Descriptor::log_n);
    let too_short = m.eq_const(log_n, 0);
    let most = m.constant(config.ntt.max_log.into(), 8);
    let too_long = m.lt(most, log_n);
    let log_cosets = field(m, descriptor, Descriptor::log_cosets);
    let most = m.constant(config.ntt.max_log_cosets.into(), 8);
    let too_many = m.lt(most, log_cosets);
    let one_coset = m.eq_const(log_cosets, 0);
    let cosets = m.not(one_coset);
    let forward = m.bit(flags, FLAG_FORWARD.trailing_zeros());
    let backward = m.not(forward);
    let cosets_of_none = m.and(cosets, backward);
    let split = bad_split(m, config, descriptor, rows, cosets, uneven);
    let split = m.reg(split);
    let transform = m.any(&[bad_flags, too_short, too_long, too_many, cosets_of_none]);
    let transform = m.reg(transform);
    let transform = m.or(transform, split);
    let transforms = m.or(op.transform, op.commit);
    let transform = m.and(transforms, transform);

    // A commit's leaves: the rows of its values, in the panels that they fill, and salts.
    let [log_n, log_cosets, levels] = [log_n, log_cosets, levels].map(|log| m.extend(log, 9));
    let log_rows = m.add(log_n, log_cosets);
    let log_rows = m.reg(log_rows);
    let salts = field(m, descriptor, Descriptor::salts);
    let most = m.constant(MAX_SALTS.into(), 8);
    let too_salty = m.lt(most, salts);
    let too_wide = {
        let [width, salts] = [width, salts].map(|count| m.extend(count, 17));
        let sum = m.add(width, salts);
        let sum = m.reg(sum);
        m.bit(sum, 16)
    };
    let too_high = m.lt(log_rows, levels);
    let panels = width_panels(m, width);
    let panels = m.reg(panels);
    let fitting = m.eq(rows, panels);
    let not_fitting = m.not(fitting);
    // The passes of a split transform do not have their values in the order of leaves.
    let passes = [FLAG_ACROSS, FLAG_OWN_TABLES].map(|flag| m.bit(flags, flag.trailing_zeros()));
    let pass = m.any(&passes);
    let commit = m.any(&[no_width, backward, pass, too_salty, too_wide, too_high, not_fitting]);
    let commit = m.reg(commit);
    let commit = m.and(op.commit, commit);

    // Arities, and input beats that can be counted.
    let fold = {
        let log_arity = field(m, descriptor, Descriptor::log_n);
        let none = m.eq_const(log_arity, 0);
        let most = m.constant(fold::MAX_LOG.into(), 8);
        let too_many = m.lt(most, log_arity);
        let high = m.slice(rows, 32 - fold::MAX_LOG, fold::MAX_LOG);
        let few = m.eq_const(high, 0);
        let many = m.not(few);
        let bad = m.any(&[none, too_many, many]);
        m.and(op.fold, bad)
    };

    let bad = m.any(&[empty, permute, hash, transform, commit, fold]);
    m.reg(bad)
}

/// Whether the rows are no multiple of 2^levels, for a hash, or of 2^log_inner.
fn uneven(m: &mut Module, descriptor: Sig, op: Operation) -> Sig {
    let [rows, levels, log_inner] =
        [Descriptor::rows, Descriptor::levels, Descriptor::log_inner].map(|of| field(m, descriptor, of));
    let log = m.mux(op.hash, levels, log_inner);
    let one = m.constant(1, 32);
    let power = m.shl_var(one, log);
    let power = m.reg(power);
    let mask = m.sub(power, one);
    let odd = m.and(rows, mask);
    let odd = m.reg(odd);
    let even = m.eq_const(odd, 0);
    let uneven = m.not(even);
    m.reg(uneven)
}

/// Panels that hold `width` columns.
pub(crate) fn width_panels(m: &mut Module, width: Sig) -> Sig {
    let up = m.extend(width, 17);
    let up = m.add_const(up, 7);
    let panels = m.slice(up, 3, 14);
    m.extend(panels, 32)
}

/// Whether a transform across its panel is more than the walks or the engine can count, one that turns its panels more
/// than the chip holds or not all of what it holds, or another one has inner rows.
fn bad_split(m: &mut Module, config: &Config, descriptor: Sig, rows: Sig, cosets: Sig, uneven: Sig) -> Sig {
    let flags = field(m, descriptor, Descriptor::flags);
    let across = m.bit(flags, FLAG_ACROSS.trailing_zeros());
    let log_n = field(m, descriptor, Descriptor::log_n);
    let log_inner = field(m, descriptor, Descriptor::log_inner);
    let shorter = m.lt(log_inner, log_n);
    let nothing_left = m.not(shorter);
    let most = m.constant(MAX_LOG_INNER.into(), 8);
    let too_many = m.lt(most, log_inner);
    let high = m.slice(rows, ACROSS_ROWS_LOG, 32 - ACROSS_ROWS_LOG);
    let few = m.eq_const(high, 0);
    let many = m.not(few);
    let bad_across = m.any(&[nothing_left, too_many, many, cosets]);

    let own_tables = m.bit(flags, FLAG_OWN_TABLES.trailing_zeros());
    let inverse = m.bit(flags, FLAG_INVERSE.trailing_zeros());
    let turning = m.and(own_tables, inverse);
    let [log, inner] = [log_n, log_inner].map(|x| m.extend(x, 9));
    let held = m.add(log, inner);
    let held = m.reg(held);
    let most = m.constant(config.ntt.max_log.into(), 9);
    let too_long = m.lt(most, held);
    let bad_turning = m.any(&[too_many, too_long, uneven]);

    let none = m.eq_const(log_inner, 0);
    let some = m.not(none);
    m.choose(&[(across, bad_across), (turning, bad_turning)], some)
}
