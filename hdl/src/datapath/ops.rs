//! Operations: widths are checked, stages aligned.

use super::graph::{Module, Node, Op2, Sig};

/// Delays from this length on are circular memories instead of chains of registers: copying wide state through
/// dozens of registers every cycle is what makes a simulation slow, and in a fabric it would waste flip-flops.
const LONG_DELAY: u32 = 6;

impl Module {
    /// Delays signals so that all are valid at the latest stage among them.
    #[track_caller]
    pub fn align(&mut self, sigs: &[Sig]) -> Vec<Sig> {
        let Some(latest) = sigs.iter().filter_map(|s| s.stage).max() else { return sigs.to_vec() };
        sigs.iter()
            .map(|&s| match s.stage {
                Some(stage) => self.delay(s, latest - stage),
                None => s,
            })
            .collect()
    }

    #[track_caller]
    fn align2(&mut self, a: Sig, b: Sig) -> (Sig, Sig, Option<u32>) {
        match (a.stage, b.stage) {
            (Some(x), Some(y)) if x != y => {
                let v = self.align(&[a, b]);
                (v[0], v[1], v[0].stage)
            }
            (x, y) => (a, b, x.or(y)),
        }
    }

    #[track_caller]
    fn same_width(&mut self, op: Op2, a: Sig, b: Sig, width: u32) -> Sig {
        assert_eq!(a.width, b.width, "{}: operands of {op:?} differ in width", self.name);
        let (a, b, stage) = self.align2(a, b);
        self.push(Node::Op2(op, a.id, b.id), width, stage)
    }

    /// `a + b` modulo 2^width.
    #[track_caller]
    pub fn add(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::Add, a, b, a.width)
    }

    /// `a - b` modulo 2^width.
    #[track_caller]
    pub fn sub(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::Sub, a, b, a.width)
    }

    /// `a + b` with its carry: one bit wider than the wider operand.
    #[track_caller]
    pub fn add_carry(&mut self, a: Sig, b: Sig) -> Sig {
        let width = a.width.max(b.width) + 1;
        let (a, b) = (self.extend(a, width), self.extend(b, width));
        self.add(a, b)
    }

    /// Sum of several, modulo 2^width.
    #[track_caller]
    pub fn sum(&mut self, sigs: &[Sig]) -> Sig {
        let (first, rest) = sigs.split_first().expect("at least one signal");
        rest.iter().fold(*first, |acc, &s| self.add(acc, s))
    }

    /// Adds a small constant, modulo 2^width.
    #[track_caller]
    pub fn add_const(&mut self, a: Sig, value: u128) -> Sig {
        let c = self.constant(value, a.width);
        self.add(a, c)
    }

    /// Full product of operands of at most 32 bits each: a hardware multiplier.
    #[track_caller]
    pub fn mul(&mut self, a: Sig, b: Sig) -> Sig {
        assert!(a.width <= 32 && b.width <= 32, "{}: products are built from 32-bit parts", self.name);
        let width = a.width + b.width;
        let (a, b, stage) = self.align2(a, b);
        self.push(Node::Op2(Op2::Mul, a.id, b.id), width, stage)
    }

    /// Bitwise and.
    #[track_caller]
    pub fn and(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::And, a, b, a.width)
    }

    /// Bitwise or.
    #[track_caller]
    pub fn or(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::Or, a, b, a.width)
    }

    /// Bitwise exclusive or.
    #[track_caller]
    pub fn xor(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::Xor, a, b, a.width)
    }

    /// Bitwise complement.
    pub fn not(&mut self, a: Sig) -> Sig {
        self.push(Node::Not(a.id), a.width, a.stage)
    }

    /// And of several.
    #[track_caller]
    pub fn all(&mut self, sigs: &[Sig]) -> Sig {
        let (first, rest) = sigs.split_first().expect("at least one signal");
        rest.iter().fold(*first, |acc, &s| self.and(acc, s))
    }

    /// Or of several.
    #[track_caller]
    pub fn any(&mut self, sigs: &[Sig]) -> Sig {
        let (first, rest) = sigs.split_first().expect("at least one signal");
        rest.iter().fold(*first, |acc, &s| self.or(acc, s))
    }

    /// `a == b`, one bit.
    #[track_caller]
    pub fn eq(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::Eq, a, b, 1)
    }

    /// `a == value`, one bit.
    #[track_caller]
    pub fn eq_const(&mut self, a: Sig, value: u128) -> Sig {
        let c = self.constant(value, a.width);
        self.eq(a, c)
    }

    /// `a < b`, unsigned, one bit.
    #[track_caller]
    pub fn lt(&mut self, a: Sig, b: Sig) -> Sig {
        self.same_width(Op2::Ltu, a, b, 1)
    }

    /// `a >> n`, any widths, zero fill.
    #[track_caller]
    pub fn shr_var(&mut self, a: Sig, n: Sig) -> Sig {
        let (a, n, stage) = self.align2(a, n);
        self.push(Node::Op2(Op2::ShrVar, a.id, n.id), a.width, stage)
    }

    /// `a << n` modulo 2^width.
    #[track_caller]
    pub fn shl_var(&mut self, a: Sig, n: Sig) -> Sig {
        let (a, n, stage) = self.align2(a, n);
        self.push(Node::Op2(Op2::ShlVar, a.id, n.id), a.width, stage)
    }

    /// `a << n`, the result `n` bits wider.
    pub fn shl(&mut self, a: Sig, n: u32) -> Sig {
        if n == 0 {
            return a;
        }
        let zeros = self.constant(0, n);
        self.cat(&[a, zeros])
    }

    /// Bits `lo .. lo + width`.
    #[track_caller]
    pub fn slice(&mut self, a: Sig, lo: u32, width: u32) -> Sig {
        assert!(lo + width <= a.width, "{}: bits {lo}..{} of {}", self.name, lo + width, a.width);
        if lo == 0 && width == a.width {
            return a;
        }
        match self.nodes[a.id] {
            // Verilog has no part-select of a literal.
            Node::Const(value) => {
                let mask = if width >= 128 { u128::MAX } else { (1 << width) - 1 };
                self.constant(value.checked_shr(lo).unwrap_or(0) & mask, width)
            }
            Node::Slice(inner, offset) => self.push(Node::Slice(inner, offset + lo), width, a.stage),
            _ => self.push(Node::Slice(a.id, lo), width, a.stage),
        }
    }

    /// One bit.
    #[track_caller]
    pub fn bit(&mut self, a: Sig, index: u32) -> Sig {
        self.slice(a, index, 1)
    }

    /// Cuts a signal into parts of `width` bits, the least significant first.
    #[track_caller]
    pub fn split(&mut self, a: Sig, width: u32) -> Vec<Sig> {
        assert_eq!(a.width % width, 0, "{}: {} bits do not split into parts of {width}", self.name, a.width);
        (0..a.width / width).map(|i| self.slice(a, i * width, width)).collect()
    }

    /// Concatenation, the most significant part first as in Verilog.
    #[track_caller]
    pub fn cat(&mut self, parts: &[Sig]) -> Sig {
        if let [one] = parts {
            return *one;
        }
        let parts = self.align(parts);
        let width = parts.iter().map(|s| s.width).sum();
        let stage = parts.iter().find_map(|s| s.stage);
        self.push(Node::Cat(parts.iter().map(|s| s.id).collect()), width, stage)
    }

    /// Concatenation, the least significant part first: words of a beat, entries of a vector.
    #[track_caller]
    pub fn pack(&mut self, parts: &[Sig]) -> Sig {
        let reversed: Vec<Sig> = parts.iter().rev().copied().collect();
        self.cat(&reversed)
    }

    /// Zero-extends to `width` bits.
    #[track_caller]
    pub fn extend(&mut self, a: Sig, width: u32) -> Sig {
        assert!(width >= a.width, "{}: cannot extend {} bits to {width}", self.name, a.width);
        if width == a.width {
            return a;
        }
        let zeros = self.constant(0, width - a.width);
        self.cat(&[zeros, a])
    }

    /// Extends a number in two's complement to `width` bits.
    #[track_caller]
    pub fn extend_signed(&mut self, a: Sig, width: u32) -> Sig {
        assert!(width >= a.width, "{}: cannot extend {} bits to {width}", self.name, a.width);
        let sign = self.bit(a, a.width - 1);
        let mut parts = vec![sign; (width - a.width) as usize];
        parts.push(a);
        self.cat(&parts)
    }

    /// Extends with zeros or cuts to `width` bits.
    #[track_caller]
    pub fn resize(&mut self, a: Sig, width: u32) -> Sig {
        if width > a.width {
            self.extend(a, width)
        } else {
            self.slice(a, 0, width)
        }
    }

    /// `select ? when_one : when_zero`.
    #[track_caller]
    pub fn mux(&mut self, select: Sig, when_one: Sig, when_zero: Sig) -> Sig {
        assert_eq!(select.width, 1, "{}: a selector is one bit", self.name);
        assert_eq!(when_one.width, when_zero.width, "{}: choices of a mux differ in width", self.name);
        if when_one == when_zero {
            return when_one;
        }
        let v = self.align(&[select, when_one, when_zero]);
        let stage = v.iter().find_map(|s| s.stage);
        self.push(Node::Mux(v[0].id, v[1].id, v[2].id), when_one.width, stage)
    }

    /// The value of the first condition that holds, else `default`: the next-state function of a state machine.
    #[track_caller]
    pub fn choose(&mut self, cases: &[(Sig, Sig)], default: Sig) -> Sig {
        cases.iter().rev().fold(default, |acc, &(condition, value)| self.mux(condition, value, acc))
    }

    /// `choices[index]`; indices beyond the last give the last.
    #[track_caller]
    pub fn select(&mut self, index: Sig, choices: &[Sig]) -> Sig {
        let (last, rest) = choices.split_last().expect("at least one choice");
        let cases: Vec<(Sig, Sig)> =
            rest.iter().enumerate().map(|(i, &choice)| (self.eq_const(index, i as u128), choice)).collect();
        self.choose(&cases, *last)
    }

    /// `select ? a : 0`.
    #[track_caller]
    pub fn gate(&mut self, select: Sig, a: Sig) -> Sig {
        let zero = self.constant(0, a.width);
        self.mux(select, a, zero)
    }

    /// A pipeline register: one stage later. Not reset.
    #[track_caller]
    pub fn reg(&mut self, a: Sig) -> Sig {
        self.push(Node::Reg(a.id), a.width, a.stage.map(|s| s + 1))
    }

    /// Delays by `cycles`, sharing registers with other delays of the same signal; long delays are circular
    /// memories.
    #[track_caller]
    pub fn delay(&mut self, a: Sig, cycles: u32) -> Sig {
        let stage = a.stage.map(|s| s + cycles);
        if cycles == 0 || matches!(self.nodes[a.id], Node::Const(_)) {
            return Sig { stage, ..a };
        }
        if let Some(&id) = self.delays.get(&(a.id, cycles)) {
            return Sig { id, width: a.width, stage };
        }
        let delayed = if cycles < LONG_DELAY {
            let before = self.delay(a, cycles - 1);
            self.reg(before)
        } else {
            self.circular_delay(a, cycles)
        };
        self.delays.insert((a.id, cycles), delayed.id);
        Sig { stage, ..delayed }
    }

    /// A chain of `cycles` registers cleared by reset: for valid bits, so that nothing stale survives a reset.
    #[track_caller]
    pub fn delay_valid(&mut self, valid: Sig, cycles: u32) -> Sig {
        assert_eq!(valid.width, 1, "{}: a valid bit is one bit", self.name);
        if cycles == 0 {
            return valid;
        }
        let name = format!("valid_{}", self.states.len());
        let chain = self.state(&name, cycles, 0);
        let next = if cycles == 1 {
            valid
        } else {
            let low = self.slice(*chain, 0, cycles - 1);
            self.at_none_cat(low, valid)
        };
        self.drive(chain, next);
        let last = self.bit(*chain, cycles - 1);
        Sig { stage: valid.stage.map(|s| s + cycles), ..last }
    }

    fn at_none_cat(&mut self, high: Sig, low: Sig) -> Sig {
        let (high, low) = (self.at(high, None), self.at(low, None));
        self.cat(&[high, low])
    }
}
