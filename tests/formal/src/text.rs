//! Working on emitted text: names, cuts, properties, breakage. Everything that is looked for must be there, exactly as
//! often as expected, so that a change of the generator cannot quietly empty a proof.

/// Replaces `{{label}}` in `template` by the name that the register or wire labelled so has in `module`, and `{{ram}}`
/// by its memory's read register.
pub fn resolve(template: &str, module: &str) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (label, after) = after.split_once("}}").expect("a placeholder has an end");
        out.push_str(before);
        out.push_str(&find(label, module));
        rest = after;
    }
    out.push_str(rest);
    out
}

fn find(label: &str, module: &str) -> String {
    let declared = module.lines().filter_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("reg ").or_else(|| line.strip_prefix("wire "))?;
        let line = if line.starts_with('[') { line.split_once("] ")?.1 } else { line };
        line.split([' ', ';']).next()
    });
    let found: Vec<&str> = if label == "ram" {
        declared.filter_map(|name| name.strip_suffix("_memory")).collect()
    } else {
        declared
            .filter(|name| name.rsplit_once('_').is_some_and(|(l, n)| l == label && n.parse::<u32>().is_ok()))
            .collect()
    };
    match found[..] {
        [name] => name.to_owned(),
        _ => panic!("label {label}: {found:?}"),
    }
}

/// Puts properties into a module, at its end.
pub fn insert(module: &str, properties: &str) -> String {
    let at = module.rfind("endmodule").expect("a module has an end");
    format!("{}{}{}", &module[..at], resolve(properties, module), &module[at..])
}

/// Cuts every product out of a module: its value becomes free (`f_product_N`), its operands can be judged
/// (`f_left_N`, `f_right_N`). Panics unless there are `count`.
pub fn cut_products(module: &str, count: usize) -> String {
    let mut out = String::new();
    let mut products = 0;
    for line in module.lines() {
        let cut = line.split_once(" * ").and_then(|(left, right)| {
            let (target, left) = left.split_once(" = ")?;
            // {32'b0, n2}: zeros in front of the operand.
            let (zeros_left, left) = left.strip_prefix('{')?.strip_suffix('}')?.split_once("'b0, ")?;
            let (zeros_right, right) = right.strip_prefix('{')?.strip_suffix("};")?.split_once("'b0, ")?;
            // Each operand is padded by the other's width.
            Some((target, (left, zeros_right), (right, zeros_left)))
        });
        if let Some((target, (left, left_bits), (right, right_bits))) = cut {
            let (a, b): (u32, u32) = (left_bits.parse().expect("a width"), right_bits.parse().expect("a width"));
            let n = products;
            out += &format!("    (* anyseq *) wire [{}:0] f_product_{n};\n", a + b - 1);
            out += &format!("    wire [{}:0] f_left_{n} = {left};\n", a - 1);
            out += &format!("    wire [{}:0] f_right_{n} = {right};\n", b - 1);
            out += &format!("{target} = f_product_{n};\n");
            products += 1;
        } else {
            out += line;
            out.push('\n');
        }
    }
    assert_eq!(products, count, "products in the text");
    out
}

/// Leads operands of every cell `cell` and whether they have signs out of its instance, as `f_a_N`, `f_b_N` and `f_s_N`,
/// and its product in, as `f_p_N`. Panics unless there are `count`.
pub fn open_cells(module: &str, cell: &str, count: usize) -> String {
    let mut out = String::new();
    let mut cells = 0;
    for line in module.lines() {
        if line.starts_with(&format!("    {cell} #(")) {
            let n = cells;
            out += &format!("    wire [17:0] f_a_{n}, f_b_{n};\n    wire f_s_{n};\n    wire [35:0] f_p_{n};\n{line}\n");
            out += &format!("        .f_a(f_a_{n}),.f_b(f_b_{n}),.f_s(f_s_{n}),.f_p(f_p_{n}),\n");
            cells += 1;
        } else {
            out += line;
            out.push('\n');
        }
    }
    assert_eq!(cells, count, "cells in the text");
    out
}

/// Makes every word that a memory gives a free one. Panics if there is no memory.
pub fn free_memories(module: &str) -> String {
    let names: Vec<&str> = module
        .lines()
        .filter_map(|line| line.trim().strip_prefix("reg ")?.split_once("_memory [")?.0.rsplit(' ').next())
        .collect();
    assert!(!names.is_empty(), "there is no memory");
    let mut out = String::new();
    for line in module.lines().filter(|line| !line.contains("_memory[") && !line.contains("_memory [")) {
        let read = names.iter().any(|name| line.starts_with("    reg ") && line.ends_with(&format!(" {name};")));
        out += &if read { line.replacen("    reg ", "    (* anyseq *) wire ", 1) } else { line.to_owned() };
        out.push('\n');
    }
    out
}

/// One way to break a module.
#[derive(Clone, Copy, Debug)]
pub enum Break {
    /// Every occurrence of the first text becomes the second.
    Replace(&'static str, &'static str),
    /// `assign <first> = …;` gets another right-hand side; a port's name, or a label.
    Assign(&'static str, &'static str),
    /// The register with this label gets another next value outside reset.
    Drive(&'static str, &'static str),
}

impl Break {
    /// The broken text. Panics if there is nothing to break.
    pub fn apply(&self, module: &str) -> String {
        let broken = match *self {
            Break::Replace(from, to) => module.replace(&resolve(from, module), &resolve(to, module)),
            Break::Assign(name, value) => {
                let name = if module.contains(&format!("assign {name} = ")) { name.into() } else { find(name, module) };
                after(module, &format!("assign {name} = "), &resolve(value, module))
            }
            Break::Drive(label, value) => {
                let name = find(label, module);
                let start = module.find(&format!("if (rst) {name} <= ")).expect("a register with reset");
                let next = start + module[start..].find("else ").expect("a next value");
                let tail = after(&module[next..], &format!("{name} <= "), &resolve(value, module));
                format!("{}{tail}", &module[..next])
            }
        };
        assert_ne!(broken, module, "{self:?} breaks nothing");
        broken
    }
}

/// Replaces what stands between the first `start` and the next semicolon.
fn after(text: &str, start: &str, value: &str) -> String {
    let at = text.find(start).unwrap_or_else(|| panic!("no {start}")) + start.len();
    let end = at + text[at..].find(';').expect("a statement has an end");
    format!("{}{value}{}", &text[..at], &text[end..])
}

/// A signal inside an instance, led out to the module around it under a name of its own, because Yosys cannot refer to
/// it across the hierarchy.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// The instance, and its module.
    pub instance: (&'static str, &'static str),
    /// The signal in it, and its width.
    pub signal: (&'static str, u32),
    /// Its name outside.
    pub name: &'static str,
}

impl Probe {
    /// Leads the signal out of the inner module.
    pub fn inner(&self, module: &str) -> String {
        let (signal, width) = self.signal;
        let (name, range) = (self.name, format!("[{}:0]", width - 1));
        let (header, body) = module.split_once(");").expect("a module has ports");
        let (port, declaration) = if header.contains("(clk,") {
            // rust-hdl lists the names first.
            (format!(",{name}"), format!("\n    output wire {range} {name};"))
        } else {
            (format!("    ,output wire {range} {name}\n"), String::new())
        };
        insert(&format!("{header}{port});{declaration}{body}"), &format!("    assign {name} = {signal};\n"))
    }

    /// Connects it in the module around.
    pub fn outer(&self, module: &str) -> String {
        let (instance, of) = self.instance;
        let (name, width) = (self.name, self.signal.1);
        let start = format!("    {of} {instance} (\n");
        assert_eq!(module.matches(&start).count(), 1, "the instance {instance}");
        module.replace(&start, &format!("    wire [{}:0] {name};\n{start}        .{name}({name}),\n", width - 1))
    }
}
