//! The rules, over rust-hdl's syntax tree.

use std::collections::HashSet;

use rust_hdl_core::{
    ast::{
        VerilogCase, VerilogConditional, VerilogExpression as E, VerilogLoop, VerilogMatch, VerilogOp as Op,
        VerilogOpUnary as Unary,
    },
    verilog_visitor::{
        walk_binop, walk_case, walk_cast, walk_conditional, walk_index, walk_index_replacement, walk_loop, walk_match,
        walk_slice, walk_unop, VerilogVisitor,
    },
};

use super::{scope::Scope, Rule, Violation};

/// Words that cannot name a signal in Verilog-2001 or SystemVerilog and that rust-hdl lets through.
const KEYWORDS: &[&str] = &[
    "always",
    "and",
    "assign",
    "automatic",
    "begin",
    "bit",
    "buf",
    "byte",
    "case",
    "cell",
    "checker",
    "class",
    "const",
    "cover",
    "default",
    "deassign",
    "design",
    "do",
    "else",
    "end",
    "endcase",
    "endmodule",
    "enum",
    "event",
    "export",
    "expect",
    "extends",
    "final",
    "first_match",
    "for",
    "force",
    "forever",
    "fork",
    "function",
    "generate",
    "global",
    "if",
    "iff",
    "import",
    "initial",
    "inout",
    "input",
    "inside",
    "instance",
    "int",
    "integer",
    "interface",
    "join",
    "let",
    "library",
    "local",
    "logic",
    "matches",
    "nand",
    "negedge",
    "new",
    "nor",
    "not",
    "null",
    "or",
    "output",
    "package",
    "packed",
    "parameter",
    "posedge",
    "priority",
    "program",
    "property",
    "protected",
    "pure",
    "rand",
    "real",
    "ref",
    "release",
    "repeat",
    "restrict",
    "return",
    "sequence",
    "shortint",
    "signed",
    "small",
    "soft",
    "solve",
    "static",
    "string",
    "strong",
    "struct",
    "super",
    "table",
    "tagged",
    "task",
    "this",
    "time",
    "type",
    "typedef",
    "union",
    "unique",
    "unsigned",
    "until",
    "use",
    "var",
    "void",
    "wait",
    "weak",
    "while",
    "with",
    "within",
    "xnor",
    "xor",
];

pub(super) fn check(scope: &Scope) -> Vec<Violation> {
    let mut rules = Rules { scope, found: Vec::new(), loops: Vec::new(), defaults: HashSet::new(), depth: 0 };
    for name in scope.own.iter().filter(|n| KEYWORDS.contains(&n.as_str())) {
        rules.report(Rule::Keyword, format!("{name} is a word of Verilog's; rename it"));
    }
    for name in &scope.signed {
        rules.report(Rule::Signed, format!("{name} is signed; use Bits"));
    }
    if let Some(code) = &scope.code {
        for statement in code {
            rules.visit_statement(statement);
        }
    }
    rules.found
}

struct Rules<'a> {
    scope: &'a Scope,
    found: Vec<Violation>,
    /// Loop variables in scope.
    loops: Vec<String>,
    /// Signals that have a value on every path so far.
    defaults: HashSet<String>,
    /// Conditions around the current statement.
    depth: usize,
}

/// A signal, a literal, a bit or slice of a signal, or a cast of one of them.
fn bare(e: &E) -> bool {
    match e {
        E::Signal(_) | E::Literal(_) | E::Index(..) | E::Slice(..) => true,
        E::Paren(inner) | E::Cast(inner, _) => bare(inner),
        _ => false,
    }
}

fn compares(op: &Op) -> bool {
    matches!(op, Op::Eq | Op::Ne | Op::Lt | Op::Le | Op::Gt | Op::Ge)
}

/// Operators that may stand in a row of themselves.
fn chains(op: &Op) -> bool {
    matches!(op, Op::Add | Op::BitAnd | Op::BitOr | Op::BitXor | Op::LogicalAnd | Op::LogicalOr)
}

fn symbol(op: &Op) -> &'static str {
    match op {
        Op::Add => "+",
        Op::Sub => "-",
        Op::Mul => "*",
        Op::LogicalAnd => "&&",
        Op::LogicalOr => "||",
        Op::BitXor => "^",
        Op::BitAnd => "&",
        Op::BitOr => "|",
        Op::Shl => "<<",
        Op::Shr => ">>",
        Op::Eq => "==",
        Op::Lt => "<",
        Op::Le => "<=",
        Op::Ne => "!=",
        Op::Ge => ">=",
        Op::Gt => ">",
    }
}

/// About what was written, for messages.
fn text(e: &E) -> String {
    match e {
        E::Signal(name) => name.replace('$', "."),
        E::Literal(value) => value.to_string(),
        E::Cast(a, bits) => format!("bit_cast::<{bits}, _>({})", text(a)),
        E::Signed(a) | E::Unsigned(a) => format!("signed({})", text(a)),
        E::Paren(a) => format!("({})", text(a)),
        E::Binary(a, op, b) => format!("{} {} {}", text(a), symbol(op), text(b)),
        E::Unary(Unary::Not, a) => format!("!{}", text(a)),
        E::Unary(Unary::Neg, a) => format!("-{}", text(a)),
        E::Unary(Unary::All, a) => format!("{}.all()", text(a)),
        E::Unary(Unary::Any, a) => format!("{}.any()", text(a)),
        E::Unary(Unary::Xor, a) => format!("{}.xor()", text(a)),
        E::Index(a, i) => format!("{}.get_bit({})", text(a), text(i)),
        E::Slice(a, w, i) => format!("{}.get_bits::<{w}>({})", text(a), text(i)),
        E::IndexReplace(a, i, v) => format!("{}.replace_bit({}, {})", text(a), text(i), text(v)),
    }
}

/// A name as rust-hdl prints it, array indices excepted.
fn printed(name: &str) -> String {
    name.trim_start_matches('.').replace('.', "$").replace("::", "$").trim_end_matches("$next").into()
}

impl Rules<'_> {
    fn report(&mut self, rule: Rule, message: String) {
        self.found.push(Violation { rule, block: self.scope.path.clone(), message });
    }

    fn known(&self, name: &str) -> bool {
        if self.scope.names.contains(name) || self.loops.iter().any(|l| l == name) {
            return true;
        }
        // Element of an array: `units[i]$q` is printed as `units$3$q`.
        let Some((before, rest)) = name.split_once('[') else { return false };
        let Some((_, after)) = rest.split_once(']') else { return false };
        self.scope.names.iter().any(|n| {
            let inner = n.strip_prefix(before).and_then(|n| n.strip_prefix('$')).and_then(|n| n.strip_suffix(after));
            inner.is_some_and(|index| !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()))
        })
    }

    fn assigned(&mut self, target: &E) {
        let E::Signal(name) = target else {
            self.report(Rule::Select, format!("{} is assigned; assign whole signals", text(target)));
            return;
        };
        let name = printed(name);
        if self.depth == 0 {
            self.defaults.insert(name);
        } else if !self.defaults.contains(&name) {
            let shown = name.replace('$', ".");
            self.report(
                Rule::Latch,
                format!("{shown} keeps its value on some path; give it a value before the condition"),
            );
        }
    }

    fn want_bare(&mut self, e: &E, place: &str) {
        if !bare(e) {
            let message = format!("{} in {place} is computed wider in Verilog; put it into a signal first", text(e));
            self.report(Rule::Width, message);
        }
    }

    fn want_signal(&mut self, e: &E, whole: impl Fn() -> String) {
        if !matches!(e, E::Signal(_)) {
            self.report(Rule::Select, format!("{} selects from an expression; put it into a signal first", whole()));
        }
    }
}

impl VerilogVisitor for Rules<'_> {
    fn visit_assignment(&mut self, l: &E, r: &E) {
        self.visit_expression(l);
        self.visit_expression(r);
        self.assigned(l);
    }

    fn visit_slice_assignment(&mut self, base: &E, _width: &usize, offset: &E, replacement: &E) {
        self.visit_expression(base);
        self.visit_expression(offset);
        self.visit_expression(replacement);
        if self.depth > 0 {
            self.assigned(base);
        }
    }

    fn visit_conditional(&mut self, c: &VerilogConditional) {
        self.depth += 1;
        walk_conditional(self, c);
        self.depth -= 1;
    }

    fn visit_match(&mut self, m: &VerilogMatch) {
        self.want_bare(&m.test, "a match");
        self.depth += 1;
        walk_match(self, m);
        self.depth -= 1;
    }

    fn visit_case(&mut self, c: &VerilogCase) {
        let condition = printed(&c.condition);
        let literal = condition.starts_with(|c: char| c.is_ascii_digit());
        if condition != "default" && !literal && !self.known(&condition) {
            self.report(Rule::UnknownName, format!("{condition} is not defined in the emitted module"));
        }
        walk_case(self, c);
    }

    fn visit_loop(&mut self, l: &VerilogLoop) {
        self.loops.push(l.index.clone());
        walk_loop(self, l);
        self.loops.pop();
    }

    fn visit_signal(&mut self, name: &str) {
        let name = printed(name);
        if name.matches('[').count() > 1 {
            self.report(Rule::NestedIndex, format!("{name} is indexed twice; give each dimension a block of its own"));
        } else if !self.known(&name) {
            let message = format!("{name} is not defined in the emitted module; a const generic needs a Constant");
            self.report(Rule::UnknownName, message);
        }
    }

    fn visit_cast(&mut self, a: &E, bits: &usize) {
        if !bare(a) {
            let message = format!(
                "bit_cast::<{bits}, _>({}) casts an expression, which Verilog computes wider; cast a signal",
                text(a)
            );
            self.report(Rule::Cast, message);
        }
        walk_cast(self, a, bits);
    }

    fn visit_signed(&mut self, a: &E) {
        self.report(Rule::Signed, format!("{} is made signed; use Bits", text(a)));
    }

    fn visit_unsigned(&mut self, a: &E) {
        self.report(Rule::Signed, format!("{} is cast from signed; use Bits", text(a)));
    }

    fn visit_binop(&mut self, l: &E, op: &Op, r: &E) {
        let whole = || format!("{} {} {}", text(l), symbol(op), text(r));
        for operand in [l, r] {
            if let E::Binary(_, inner, _) = operand {
                if !(chains(op) && symbol(inner) == symbol(op)) {
                    self.report(Rule::Precedence, format!("{} needs parentheses", whole()));
                }
            }
        }
        if matches!(op, Op::Mul) {
            self.report(Rule::Signed, format!("{} is a product; multiply in the datapath layer", whole()));
        }
        if compares(op) {
            self.want_bare(l, "a comparison");
            self.want_bare(r, "a comparison");
        }
        if matches!(op, Op::Shr) {
            self.want_bare(l, "a right shift");
        }
        if matches!(op, Op::Shl | Op::Shr) {
            self.want_bare(r, "a shift distance");
        }
        walk_binop(self, l, op, r);
    }

    fn visit_unop(&mut self, op: &Unary, e: &E) {
        match op {
            Unary::Not if matches!(e, E::Binary(..)) => {
                self.report(Rule::Precedence, format!("!{} needs parentheses", text(e)));
            }
            Unary::Not => {}
            Unary::Neg => self.report(Rule::Signed, format!("-{} is signed; subtract from zero", text(e))),
            Unary::All | Unary::Any | Unary::Xor => self.want_bare(e, "a reduction"),
        }
        walk_unop(self, op, e);
    }

    fn visit_index(&mut self, a: &E, i: &E) {
        self.want_signal(a, || format!("{}.get_bit({})", text(a), text(i)));
        walk_index(self, a, i);
    }

    fn visit_slice(&mut self, a: &E, width: &usize, i: &E) {
        self.want_signal(a, || format!("{}.get_bits::<{width}>({})", text(a), text(i)));
        walk_slice(self, a, width, i);
    }

    fn visit_index_replace(&mut self, a: &E, i: &E, v: &E) {
        let message = format!("{}.replace_bit({}, …) shifts a 32-bit one in Verilog", text(a), text(i));
        self.report(Rule::ReplaceBit, message);
        walk_index_replacement(self, a, i, v);
    }
}
