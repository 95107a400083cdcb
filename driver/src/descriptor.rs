//! Ring entries as plain structures. Where each field sits is decided by `hotloop_regs`; a test compares.

use bytemuck::{Pod, Zeroable};
use hotloop_regs::{
    descriptor::{FLAG_ACROSS, FLAG_COEFFICIENTS, FLAG_FORWARD, FLAG_INVERSE, FLAG_OWN_TABLES},
    scale_table_beats, Opcode, ParameterSet, BEAT_WORDS,
};

#[cfg(not(target_endian = "little"))]
compile_error!("ring entries are little-endian, and so must be the host");

/// Addresses that a job may read or write: `beats` beats of 64 bytes from `iova`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// First I/O virtual address, a multiple of 64.
    pub iova: u64,
    /// Length in beats.
    pub beats: u32,
}

/// What a hash job covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashShape {
    /// Leaves; a multiple of 2^`levels`.
    pub rows: u32,
    /// Elements in a leaf, from 1.
    pub width: u16,
    /// Tree levels above the leaves.
    pub levels: u8,
    /// Beats from one panel of eight columns to the next.
    pub src_stride: u32,
}

/// What a transform job covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TransformShape {
    /// Panels of eight columns; across: groups of 2^`log_inner` neighbouring rows.
    pub panels: u32,
    /// Base-2 logarithm of the length; across: of the rows that are on the chip at a time.
    pub log_n: u8,
    /// Base-2 logarithm of the number of cosets.
    pub log_cosets: u8,
    /// Across or turning: base-2 logarithm of the neighbouring rows that belong to different transforms.
    pub log_inner: u8,
    /// `FLAG_INVERSE`, `FLAG_FORWARD`, `FLAG_COEFFICIENTS`, `FLAG_ACROSS`, `FLAG_OWN_TABLES` of
    /// [`hotloop_regs::descriptor`].
    pub flags: u16,
    /// Beats from one input panel to the next; across: from one row of a transform to the next.
    pub src_stride: u32,
    /// Beats from one output panel to the next; across, turning: from one row of a transform to the next.
    pub dst_stride: u32,
}

impl TransformShape {
    /// Beats that one panel's output takes (`u64::MAX` where they cannot be counted).
    pub fn panel_beats(&self) -> u64 {
        let beats =
            |flag: u16, log: u32| if self.flags & flag == 0 { 0 } else { 1u64.checked_shl(log).unwrap_or(u64::MAX) };
        let (log_n, log_cosets) = (u32::from(self.log_n), u32::from(self.log_cosets));
        beats(FLAG_COEFFICIENTS, log_n).saturating_add(beats(FLAG_FORWARD, log_n + log_cosets))
    }

    /// Whether the transforms go across one panel.
    pub fn across(&self) -> bool {
        self.flags & FLAG_ACROSS != 0
    }

    /// Whether the results of neighbouring panels leave together: the second pass of an inverse split transform.
    pub fn turning(&self) -> bool {
        self.flags & (FLAG_INVERSE | FLAG_OWN_TABLES) == FLAG_INVERSE | FLAG_OWN_TABLES
    }

    /// True for the flag combinations that mean something: forward; inverse with coefficients, forward or both; the
    /// passes of split transforms.
    pub fn flags_are_valid(&self) -> bool {
        const ACROSS: u16 = FLAG_FORWARD | FLAG_ACROSS;
        const OWN_TABLES: u16 = FLAG_FORWARD | FLAG_OWN_TABLES;
        const INVERSE_ONLY: u16 = FLAG_INVERSE | FLAG_COEFFICIENTS;
        const INVERSE_ACROSS: u16 = INVERSE_ONLY | FLAG_ACROSS;
        const TURNING: u16 = INVERSE_ONLY | FLAG_OWN_TABLES;
        const EXTEND: u16 = FLAG_INVERSE | FLAG_FORWARD;
        const EXTEND_AND_KEEP: u16 = EXTEND | FLAG_COEFFICIENTS;
        match self.flags {
            FLAG_FORWARD | EXTEND | EXTEND_AND_KEEP | OWN_TABLES => true,
            INVERSE_ONLY | ACROSS | INVERSE_ACROSS | TURNING => self.log_cosets == 0,
            _ => false,
        }
    }
}

/// What a commit job covers: a transform with values, and the tree over their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitShape {
    /// The transform; as many panels as `width` columns fill.
    pub transform: TransformShape,
    /// Columns: elements in a leaf without its salts, from 1.
    pub width: u16,
    /// Tree levels above the leaves.
    pub levels: u8,
    /// Salts of a leaf, at most [`hotloop_regs::descriptor::MAX_SALTS`].
    pub salts: u8,
}

impl CommitShape {
    /// Panels that a leaf fills, salts included.
    pub fn leaf_panels(&self) -> u64 {
        (u64::from(self.width) + u64::from(self.salts)).div_ceil(BEAT_WORDS as u64)
    }

    /// Whether the last panel of values has salts behind its columns.
    pub fn merges_salts(&self) -> bool {
        self.salts > 0 && usize::from(self.width) % BEAT_WORDS != 0
    }

    /// Panels of salts behind the input: the one that is merged with the last panel of values, and what goes beyond it.
    pub fn salt_panels(&self) -> u64 {
        self.leaf_panels().saturating_sub(self.transform.panels.into()) + u64::from(self.merges_salts())
    }

    /// Beats of the input: panels, and salts behind the place of the last one.
    pub fn input_beats(&self) -> u64 {
        let (t, salts) = (self.transform, self.salt_panels() * u64::from(self.leaves()));
        let before = u64::from(t.panels).saturating_sub(u64::from(salts == 0)) * u64::from(t.src_stride);
        before.saturating_add(if salts == 0 { 1u64.checked_shl(t.log_n.into()).unwrap_or(u64::MAX) } else { salts })
    }

    /// Bytes that a board reads and writes for this job, its descriptor and completion included, if it keeps the states of
    /// 2^`commit_log` rows on chip: docs/jobs.md has the formula.
    pub fn link_bytes(&self, commit_log: u32) -> (u64, u64) {
        let (t, leaves) = (self.transform, u64::from(self.leaves()));
        let tables = u64::from(scale_table_beats(t.log_n.into())) << t.log_cosets;
        let input = u64::from(t.panels) << t.log_n;
        let back = self.beats_read_back(commit_log);
        let salts = if back > 0 { u64::from(self.merges_salts()) } else { self.salt_panels() } * leaves;
        let tree: u64 = (1..=u32::from(self.levels)).map(|level| leaves >> level).sum();
        let digests = hash_digests(self.leaves(), self.levels);
        (
            64 * (1 + tables + input + salts + back + tree),
            64 * u64::from(t.panels) * t.panel_beats() + 32 * digests + 16,
        )
    }

    /// Beats of values that such a board reads back for the leaves, since there are more of them than states on chip.
    pub fn beats_read_back(&self, commit_log: u32) -> u64 {
        let leaves = u64::from(self.leaves());
        if leaves > 1 << commit_log {
            self.leaf_panels() * leaves
        } else {
            0
        }
    }

    /// Leaves: 2^(log_n + log_cosets) (`u32::MAX` where they cannot be counted).
    pub fn leaves(&self) -> u32 {
        let log = u32::from(self.transform.log_n) + u32::from(self.transform.log_cosets);
        1u32.checked_shl(log).unwrap_or(u32::MAX)
    }

    /// The beat of the output where the digests begin.
    pub fn digest_start(&self) -> u64 {
        self.leaf_panels() * u64::from(self.transform.dst_stride)
    }

    /// Beats of the output: panels and digests.
    pub fn output_beats(&self) -> u64 {
        self.digest_start() + hash_digests(self.leaves(), self.levels).div_ceil(2)
    }
}

/// A submission-ring entry; see [`hotloop_regs::Descriptor`] for the fields. The driver sets `tag`.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
#[allow(missing_docs)]
pub struct Descriptor {
    pub opcode: u8,
    pub set: u8,
    pub flags: u16,
    pub tag: u32,
    pub src: u64,
    pub dst: u64,
    pub src_beats: u32,
    pub dst_beats: u32,
    pub param: u64,
    pub log_n: u8,
    pub log_cosets: u8,
    pub log_inner: u8,
    /// Zero.
    pub reserved_43: [u8; 5],
    pub rows: u32,
    pub width: u16,
    pub levels: u8,
    pub salts: u8,
    pub src_stride: u32,
    pub dst_stride: u32,
}

impl Descriptor {
    fn new(opcode: Opcode, set: ParameterSet, src: Window, dst: Window) -> Descriptor {
        Descriptor {
            opcode: opcode as u8,
            set: set as u8,
            src: src.iova,
            src_beats: src.beats,
            dst: dst.iova,
            dst_beats: dst.beats,
            ..Descriptor::default()
        }
    }

    /// Copies `beats` beats.
    pub fn loopback(set: ParameterSet, src: Window, dst: Window, beats: u32) -> Descriptor {
        Descriptor { rows: beats, ..Descriptor::new(Opcode::Loopback, set, src, dst) }
    }

    /// Permutes `states` states of two beats each.
    pub fn permute(set: ParameterSet, src: Window, dst: Window, states: u32) -> Descriptor {
        Descriptor { rows: states, ..Descriptor::new(Opcode::Permute, set, src, dst) }
    }

    /// Hashes leaves, and tree levels above them.
    pub fn hash(set: ParameterSet, src: Window, dst: Window, shape: HashShape) -> Descriptor {
        Descriptor {
            rows: shape.rows,
            width: shape.width,
            levels: shape.levels,
            src_stride: shape.src_stride,
            ..Descriptor::new(Opcode::Hash, set, src, dst)
        }
    }

    /// Searches a range of nonces as the parameter block at `param` says.
    pub fn grind(set: ParameterSet, param: u64, dst: Window) -> Descriptor {
        Descriptor { param, ..Descriptor::new(Opcode::Grind, set, Window::default(), dst) }
    }

    /// Transforms panels; the scale tables are at `param`.
    pub fn transform(set: ParameterSet, src: Window, dst: Window, param: u64, shape: TransformShape) -> Descriptor {
        Descriptor {
            param,
            flags: shape.flags,
            log_n: shape.log_n,
            log_cosets: shape.log_cosets,
            log_inner: shape.log_inner,
            rows: shape.panels,
            src_stride: shape.src_stride,
            dst_stride: shape.dst_stride,
            ..Descriptor::new(Opcode::Transform, set, src, dst)
        }
    }

    /// Transforms panels and hashes the rows of values; the scale tables are at `param`.
    pub fn commit(set: ParameterSet, src: Window, dst: Window, param: u64, shape: CommitShape) -> Descriptor {
        Descriptor {
            opcode: Opcode::Commit as u8,
            width: shape.width,
            levels: shape.levels,
            salts: shape.salts,
            ..Descriptor::transform(set, src, dst, param, shape.transform)
        }
    }

    /// Folds a polynomial over the quadratic extension to `beats` beats of four coefficients, by 2^`log_arity` at a time; the
    /// powers are at `param`.
    pub fn fold(set: ParameterSet, src: Window, dst: Window, param: u64, log_arity: u8, beats: u32) -> Descriptor {
        Descriptor { param, log_n: log_arity, rows: beats, ..Descriptor::new(Opcode::Fold, set, src, dst) }
    }

    /// The commitment that the fields describe.
    pub fn commit_shape(&self) -> CommitShape {
        CommitShape { transform: self.transform_shape(), width: self.width, levels: self.levels, salts: self.salts }
    }

    /// The transform that the fields describe.
    pub fn transform_shape(&self) -> TransformShape {
        TransformShape {
            panels: self.rows,
            log_n: self.log_n,
            log_cosets: self.log_cosets,
            log_inner: self.log_inner,
            flags: self.flags,
            src_stride: self.src_stride,
            dst_stride: self.dst_stride,
        }
    }

    /// The entry as it lies in the ring.
    pub fn to_words(self) -> [u64; 8] {
        bytemuck::cast(self)
    }

    /// The entry that lies in the ring as `words`.
    pub fn from_words(words: [u64; 8]) -> Descriptor {
        bytemuck::cast(words)
    }
}

/// A completion-ring entry; see [`hotloop_regs::Completion`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Completion {
    /// The descriptor's tag.
    pub tag: u32,
    /// 0, or an error code.
    pub status: u16,
    /// Bit 0 is the phase; the others are zero.
    pub phase: u16,
    /// Clock cycles of the job.
    pub cycles: u64,
}

impl Completion {
    /// The entry as it lies in the ring.
    pub fn to_words(self) -> [u64; 2] {
        bytemuck::cast(self)
    }

    /// The entry that lies in the ring as `words`.
    pub fn from_words(words: [u64; 2]) -> Completion {
        bytemuck::cast(words)
    }
}

/// Digests of a hash job: leaves, and `levels` levels above them. `rows` is a multiple of 2^`levels`.
pub fn hash_digests(rows: u32, levels: u8) -> u64 {
    (0..=u32::from(levels)).map(|level| u64::from(rows).checked_shr(level).unwrap_or(0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hotloop_regs::descriptor::Field;

    /// Puts `value` where the table says.
    fn put(words: &mut [u64], field: Field, value: u64) {
        let (word, shift) = ((field.bit / 64) as usize, field.bit % 64);
        let mask = u64::MAX >> (64 - field.width);
        words[word] = words[word] & !(mask << shift) | (value & mask) << shift;
    }

    /// All ones in the named field, everything else zero, for every field: no two fields can be mixed up.
    #[test]
    fn descriptor_fields_sit_where_the_table_says() {
        use hotloop_regs::Descriptor as Table;
        assert_eq!(size_of::<Descriptor>(), Table::BYTES);
        let zero = Descriptor::default();
        let full = [
            (Table::opcode, Descriptor { opcode: !0, ..zero }),
            (Table::set, Descriptor { set: !0, ..zero }),
            (Table::flags, Descriptor { flags: !0, ..zero }),
            (Table::tag, Descriptor { tag: !0, ..zero }),
            (Table::src, Descriptor { src: !0, ..zero }),
            (Table::dst, Descriptor { dst: !0, ..zero }),
            (Table::src_beats, Descriptor { src_beats: !0, ..zero }),
            (Table::dst_beats, Descriptor { dst_beats: !0, ..zero }),
            (Table::param, Descriptor { param: !0, ..zero }),
            (Table::log_n, Descriptor { log_n: !0, ..zero }),
            (Table::log_cosets, Descriptor { log_cosets: !0, ..zero }),
            (Table::log_inner, Descriptor { log_inner: !0, ..zero }),
            (Table::rows, Descriptor { rows: !0, ..zero }),
            (Table::width, Descriptor { width: !0, ..zero }),
            (Table::levels, Descriptor { levels: !0, ..zero }),
            (Table::salts, Descriptor { salts: !0, ..zero }),
            (Table::src_stride, Descriptor { src_stride: !0, ..zero }),
            (Table::dst_stride, Descriptor { dst_stride: !0, ..zero }),
        ];
        assert_eq!(
            full.map(|(field, _)| field.name).as_slice(),
            Table::FIELDS.iter().map(|f| f.name).collect::<Vec<_>>()
        );
        for (field, entry) in full {
            let mut words = [0; 8];
            put(&mut words, field, u64::MAX);
            assert_eq!(entry.to_words(), words, "{}", field.name);
            assert_eq!(Descriptor::from_words(words), entry);
        }
    }

    #[test]
    fn completion_fields_sit_where_the_table_says() {
        use hotloop_regs::Completion as Table;
        assert_eq!(size_of::<Completion>(), Table::BYTES);
        let zero = Completion::default();
        let full = [
            (Table::tag, Completion { tag: !0, ..zero }),
            (Table::status, Completion { status: !0, ..zero }),
            (Table::phase, Completion { phase: 1, ..zero }),
            (Table::cycles, Completion { cycles: !0, ..zero }),
        ];
        assert_eq!(full.len(), Table::FIELDS.len());
        for (field, entry) in full {
            let mut words = [0; 2];
            put(&mut words, field, u64::MAX);
            assert_eq!(entry.to_words(), words, "{}", field.name);
            assert_eq!(Completion::from_words(words), entry);
        }
    }

    #[test]
    fn digests_and_panels_are_counted() {
        assert_eq!(hash_digests(8, 0), 8);
        assert_eq!(hash_digests(8, 3), 15);
        assert_eq!(hash_digests(6, 1), 9);
        let shape = TransformShape { panels: 1, log_n: 3, log_cosets: 1, flags: 7, ..TransformShape::default() };
        assert_eq!(shape.panel_beats(), 8 + 16);
        for flags in 0..64 {
            let valid = TransformShape { flags, log_cosets: 0, ..shape }.flags_are_valid();
            assert_eq!(valid, [2, 3, 5, 7, 10, 13, 18, 21].contains(&flags), "{flags}");
        }
        assert!(!TransformShape { flags: 5, ..shape }.flags_are_valid());
        let transform = TransformShape { panels: 3, dst_stride: 24, ..shape };
        let commit = CommitShape { transform, width: 17, levels: 4, salts: 0 };
        assert_eq!((commit.leaves(), commit.digest_start(), commit.output_beats()), (16, 72, 72 + 16));
        // Beyond the chip all panels are read back.
        let (read, written) = commit.link_bytes(4);
        assert_eq!((read, written), (64 * (1 + 2 * 9 + 24 + 15), 64 * 72 + 31 * 32 + 16));
        assert_eq!(commit.link_bytes(3), (read + 64 * 3 * 16, written));
        for (width, salts, merges, panels) in [(17, 4, true, 1), (17, 7, true, 1), (17, 8, true, 2), (24, 4, false, 1)]
        {
            let salted = CommitShape { width, salts, ..commit };
            assert_eq!((salted.merges_salts(), salted.salt_panels()), (merges, panels));
            assert_eq!(salted.digest_start(), 24 * (3 + panels - u64::from(merges)));
            assert_eq!(salted.link_bytes(4).0, read + 64 * 16 * panels);
        }
    }
}
