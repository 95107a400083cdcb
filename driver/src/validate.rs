//! What can be known to be wrong before the doorbell: every rule of docs/jobs.md, against the board's identity and
//! the pool's buffers.

use hotloop_regs::{
    descriptor::{
        ACROSS_ROWS_LOG, FLAG_ACROSS, FLAG_FORWARD, FLAG_OWN_TABLES, GRIND_TRAILING_BIT, MAX_LOG_INNER, MAX_SALTS,
    },
    scale_table_beats, Opcode, ParameterSet, BEAT_BYTES, BEAT_WORDS,
};

use crate::{
    buffer::DmaBuf,
    descriptor::{hash_digests, Descriptor},
    error::InvalidJob,
    identity::Identity,
    pool::DmaPool,
};

/// Words of a grind job's parameter block.
pub(crate) const GRIND_WORDS: usize = 2 * BEAT_WORDS;

/// Checks a descriptor. Returns the buffers it uses, to be held while it runs.
pub(crate) fn check(
    index: usize,
    job: &Descriptor,
    identity: &Identity,
    pool: &DmaPool,
) -> Result<Vec<DmaBuf>, InvalidJob> {
    let mut checker = Checker { index, pool, buffers: Vec::with_capacity(3) };
    checker.job(job, identity)?;
    Ok(checker.buffers)
}

/// The engine that an operation needs and the board lacks.
fn missing_engine(opcode: Opcode, identity: &Identity) -> Option<&'static str> {
    let (ntt, poseidon) = match opcode {
        Opcode::Loopback => (false, false),
        Opcode::Permute | Opcode::Hash | Opcode::Grind => (false, true),
        Opcode::Transform => (true, false),
        Opcode::Commit => (true, true),
        Opcode::Fold => return (identity.fold_max_log == 0).then_some("folding"),
    };
    match (ntt && identity.lanes == 0, poseidon && identity.poseidon_units == 0) {
        (true, _) => Some("transform"),
        (_, true) => Some("Poseidon"),
        _ => None,
    }
}

struct Checker<'a> {
    index: usize,
    pool: &'a DmaPool,
    buffers: Vec<DmaBuf>,
}

impl Checker<'_> {
    fn job(&mut self, job: &Descriptor, identity: &Identity) -> Result<(), InvalidJob> {
        let Some(opcode) = Opcode::from_code(job.opcode.into()) else {
            let names: Vec<_> = Opcode::ALL.iter().map(|o| format!("{} ({})", o.code(), o.name())).collect();
            return Err(self.invalid("opcode", job.opcode.into(), names.join(", ")));
        };
        if let Some(engine) = missing_engine(opcode, identity) {
            let rule = format!("an operation of this board, which has no {engine} engine");
            return Err(self.invalid("opcode", job.opcode.into(), rule));
        }
        let set = ParameterSet::from_code(job.set.into());
        if !set.is_some_and(|set| identity.sets.contains(&set)) {
            let held: Vec<_> = identity.sets.iter().map(|s| format!("{} ({})", s.code(), s.name())).collect();
            let asked = set.map_or(String::new(), |set| format!(" instead of {}", set.name()));
            let rule = format!("a parameter set on the board: {}{asked}", held.join(", "));
            return Err(self.invalid("set", job.set.into(), rule));
        }
        let reserved = job.reserved_43.iter().find(|b| **b != 0);
        self.require("reserved", reserved.copied().unwrap_or(0).into(), reserved.is_none(), || "zero".into())?;
        self.require("salts", job.salts.into(), job.salts == 0 || opcode == Opcode::Commit, || "zero".into())?;
        if opcode != Opcode::Grind {
            self.require("rows", job.rows.into(), job.rows > 0, || "at least 1".into())?;
        }
        let rows = u64::from(job.rows);
        match opcode {
            Opcode::Loopback => self.windows(job, rows, rows),
            Opcode::Permute => self.windows(job, 2 * rows, 2 * rows),
            Opcode::Hash => self.hash(job),
            Opcode::Grind => self.grind(job),
            Opcode::Transform => {
                let output = self.transform(job, identity)?;
                if job.transform_shape().across() {
                    return self.across(job);
                }
                if job.transform_shape().turning() {
                    return self.turning(job, identity);
                }
                let further = u64::from(job.rows) - 1;
                self.panels(job, output, (further * u64::from(job.dst_stride)).saturating_add(output))
            }
            Opcode::Commit => self.commit(job, identity),
            Opcode::Fold => self.fold(job, identity),
        }
    }

    fn hash(&mut self, job: &Descriptor) -> Result<(), InvalidJob> {
        self.require("width", job.width.into(), job.width > 0, || "1 to 65535".into())?;
        let whole = job.levels < 32 && job.rows.trailing_zeros() >= job.levels.into();
        self.require("levels", job.levels.into(), whole, || format!("such that 2^levels divides rows = {}", job.rows))?;
        let panels = u64::from(job.width).div_ceil(BEAT_WORDS as u64);
        let src = (panels - 1) * u64::from(job.src_stride) + u64::from(job.rows);
        self.windows(job, src, hash_digests(job.rows, job.levels).div_ceil(2))
    }

    fn grind(&mut self, job: &Descriptor) -> Result<(), InvalidJob> {
        self.window("dst", job.dst, "dst_beats", job.dst_beats, 1)?;
        let block = self.block("param", job.param, 2)?;
        let mut words = [0; GRIND_WORDS];
        // The block was found to lie inside the buffer, so reading cannot fail; were it to, the zeros are refused.
        let _ = block.read_words(job.param - block.iova(), &mut words);
        let (count, how) = (words[13], words[14]);
        self.require("param word 13 (nonces)", count, count > 0, || "at least 1".into())?;
        let (position, output, zeros) = (how & 15, how >> 8 & 15, how >> 16 & 127);
        let trailing = how & 1 << GRIND_TRAILING_BIT;
        let known = how == position | output << 8 | zeros << 16 | trailing;
        self.require("param word 14", how, known && position < 12 && output < 12 && zeros <= 64, || {
            "position (bits 3..0) and output word (bits 11..8) below 12, zero bits (22..16) at most 64, trailing (24), \
             others 0"
                .into()
        })?;
        self.require("param word 15", words[15], words[15] == 0, || "zero".into())
    }

    /// Length, cosets and flags. Gives the beats of an output panel.
    fn transform(&mut self, job: &Descriptor, identity: &Identity) -> Result<u64, InvalidJob> {
        let (log_n, log_cosets) = (u32::from(job.log_n), u32::from(job.log_cosets));
        let longest = identity.max_log;
        self.require("log_n", log_n.into(), (1..=longest).contains(&log_n), || {
            format!("1 to {longest} on this board")
        })?;
        let most = identity.max_log_cosets;
        self.require("log_cosets", log_cosets.into(), log_cosets <= most, || format!("0 to {most} on this board"))?;
        let shape = job.transform_shape();
        self.require("flags", job.flags.into(), shape.flags_are_valid(), || {
            "FORWARD, INVERSE|COEFFICIENTS (without cosets), INVERSE|FORWARD, or all three; FORWARD|OWN_TABLES; \
             FORWARD|ACROSS, INVERSE|COEFFICIENTS|ACROSS, INVERSE|COEFFICIENTS|OWN_TABLES (without cosets)"
                .into()
        })?;
        let passes = shape.across() || shape.turning();
        self.require("log_inner", job.log_inner.into(), passes || job.log_inner == 0, || {
            "zero without ACROSS, or INVERSE and OWN_TABLES".into()
        })?;
        Ok(shape.panel_beats())
    }

    fn commit(&mut self, job: &Descriptor, identity: &Identity) -> Result<(), InvalidJob> {
        let output = self.transform(job, identity)?;
        self.require("flags", job.flags.into(), job.flags & FLAG_FORWARD != 0, || {
            "with FORWARD: values are what is hashed".into()
        })?;
        self.require("flags", job.flags.into(), job.flags & (FLAG_ACROSS | FLAG_OWN_TABLES) == 0, || {
            "without ACROSS and OWN_TABLES, which are for transforms".into()
        })?;
        let log_rows = u32::from(job.log_n) + u32::from(job.log_cosets);
        self.require("width", job.width.into(), job.width > 0, || "1 to 65535".into())?;
        self.require("salts", job.salts.into(), u32::from(job.salts) <= MAX_SALTS, || format!("0 to {MAX_SALTS}"))?;
        let leaf = u32::from(job.width) + u32::from(job.salts);
        self.require("width + salts", leaf.into(), leaf <= u16::MAX.into(), || "at most 65535".into())?;
        let panels = u32::from(job.width).div_ceil(BEAT_WORDS as u32);
        self.require("rows", job.rows.into(), job.rows == panels, || {
            format!("{panels}, the panels of {} columns", job.width)
        })?;
        self.require("levels", job.levels.into(), u32::from(job.levels) <= log_rows, || {
            format!("at most {log_rows}, as there are 2^{log_rows} leaves")
        })?;
        self.panels(job, output, job.commit_shape().output_beats())?;
        self.window("src", job.src, "src_beats", job.src_beats, job.commit_shape().input_beats())
    }

    fn fold(&mut self, job: &Descriptor, identity: &Identity) -> Result<(), InvalidJob> {
        let (log_arity, most) = (u32::from(job.log_n), identity.fold_max_log);
        self.require("log_n", log_arity.into(), (1..=most).contains(&log_arity), || {
            format!("1 to {most} on this board")
        })?;
        self.require("rows", job.rows.into(), job.rows >> (32 - most) == 0, || format!("less than 2^{}", 32 - most))?;
        self.windows(job, u64::from(job.rows) << log_arity, job.rows.into())?;
        self.block("param", job.param, 1 << (log_arity - 1))?;
        Ok(())
    }

    /// Windows and scale tables of a transform that gives `panel` beats for each panel and `output` in all.
    fn panels(&mut self, job: &Descriptor, panel: u64, output: u64) -> Result<(), InvalidJob> {
        let further = u64::from(job.rows) - 1;
        // What follows the last panel must not overlap either.
        let alone = further == 0 && output == panel;
        self.require("dst_stride", job.dst_stride.into(), alone || u64::from(job.dst_stride) >= panel, || {
            format!("at least the {panel} beats of an output panel, or panels overlap")
        })?;
        let input = 1u64 << job.log_n;
        self.windows(job, (further * u64::from(job.src_stride)).saturating_add(input), output)?;
        let owners = if job.flags & FLAG_OWN_TABLES == 0 { 1 } else { u64::from(job.rows) };
        self.block("param", job.param, (owners * u64::from(scale_table_beats(job.log_n.into()))) << job.log_cosets)?;
        Ok(())
    }

    /// A transform across one panel: its rows are `rows`·2^log_inner neighbours at each of 2^(log_n − log_inner) places.
    fn across(&mut self, job: &Descriptor) -> Result<(), InvalidJob> {
        let (log_n, log_inner) = (u32::from(job.log_n), u32::from(job.log_inner));
        let most = MAX_LOG_INNER.min(log_n - 1);
        self.require("log_inner", log_inner.into(), log_inner <= most, || format!("0 to {most} for this length"))?;
        self.require("rows", job.rows.into(), job.rows >> ACROSS_ROWS_LOG == 0, || {
            format!("less than 2^{ACROSS_ROWS_LOG} for ACROSS")
        })?;
        let neighbours = u64::from(job.rows) << log_inner;
        let further = (1u64 << (log_n - log_inner)) - 1;
        let apart = u64::from(job.dst_stride) >= neighbours;
        self.require("dst_stride", job.dst_stride.into(), apart, || {
            format!("at least {neighbours} beats, or rows overlap")
        })?;
        self.windows(
            job,
            (further * u64::from(job.src_stride)).saturating_add(neighbours),
            (further * u64::from(job.dst_stride)).saturating_add(neighbours),
        )?;
        self.block("param", job.param, scale_table_beats(log_n).into())?;
        Ok(())
    }

    /// An inverse transform whose panels' results leave in turns: row k of 2^log_inner panels, then row k + 1.
    fn turning(&mut self, job: &Descriptor, identity: &Identity) -> Result<(), InvalidJob> {
        let (log_n, log_inner) = (u32::from(job.log_n), u32::from(job.log_inner));
        let most = MAX_LOG_INNER.min(identity.max_log - log_n);
        self.require("log_inner", log_inner.into(), log_inner <= most, || format!("0 to {most} for this length"))?;
        let rows = u64::from(job.rows);
        self.require("rows", rows, rows.is_multiple_of(1 << log_inner), || {
            format!("a multiple of 2^log_inner = {}", 1u32 << log_inner)
        })?;
        let apart = u64::from(job.dst_stride) >= rows;
        self.require("dst_stride", job.dst_stride.into(), apart, || format!("at least {rows} beats, or rows overlap"))?;
        let further = (1u64 << log_n) - 1;
        self.windows(
            job,
            ((rows - 1) * u64::from(job.src_stride)).saturating_add(further + 1),
            (further * u64::from(job.dst_stride)).saturating_add(rows),
        )?;
        self.block("param", job.param, (rows + 1) * u64::from(scale_table_beats(log_n)))?;
        Ok(())
    }

    fn windows(&mut self, job: &Descriptor, src: u64, dst: u64) -> Result<(), InvalidJob> {
        self.window("src", job.src, "src_beats", job.src_beats, src)?;
        self.window("dst", job.dst, "dst_beats", job.dst_beats, dst)
    }

    /// A window must hold what the job needs, and lie in a buffer.
    fn window(
        &mut self,
        field: &'static str,
        iova: u64,
        length: &'static str,
        beats: u32,
        needed: u64,
    ) -> Result<(), InvalidJob> {
        self.require(length, beats.into(), u64::from(beats) >= needed, || {
            format!("at least {needed} beats for this shape")
        })?;
        self.block(field, iova, beats.into())?;
        Ok(())
    }

    /// Aligned, and inside one live buffer, which is held from now on.
    fn block(&mut self, field: &'static str, iova: u64, beats: u64) -> Result<DmaBuf, InvalidJob> {
        self.require(field, iova, iova.is_multiple_of(BEAT_BYTES as u64), || "a multiple of 64".into())?;
        let bytes = beats.saturating_mul(BEAT_BYTES as u64);
        match self.pool.find(iova, bytes) {
            Some(buffer) => {
                self.buffers.push(buffer.clone());
                Ok(buffer)
            }
            None => Err(self.invalid(
                field,
                iova,
                format!("the start of {bytes} bytes inside one live buffer of this board"),
            )),
        }
    }

    fn require(
        &self,
        field: &'static str,
        value: u64,
        holds: bool,
        rule: impl FnOnce() -> String,
    ) -> Result<(), InvalidJob> {
        if holds {
            return Ok(());
        }
        Err(self.invalid(field, value, rule()))
    }

    fn invalid(&self, field: &'static str, value: u64, rule: String) -> InvalidJob {
        InvalidJob { index: self.index, field, value, rule }
    }
}
