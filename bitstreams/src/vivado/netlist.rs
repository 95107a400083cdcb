//! Verilog of structure alone: blocks, and wires between their ports, with every width checked.

use std::collections::BTreeMap;
use std::fmt::Write;

use hotloop_hdl::datapath::{Module, PortDirection};

/// A port of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its direction, seen from the block.
    pub direction: PortDirection,
    /// Its width in bits.
    pub width: u32,
}

/// A module that is placed: known by its ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The module's name.
    pub module: String,
    /// Its ports.
    pub ports: Vec<Port>,
}

/// What an input gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A constant.
    Constant(u64),
    /// A wire of the same width.
    Wire(String),
    /// The low bits of a wire, or a wire with zeros above it: addresses.
    Fit(String),
}

/// A netlist under construction. Wires are `<instance>_<output>`, ports and assignments by their own names.
#[derive(Debug, Default)]
pub struct Netlist {
    ports: Vec<Port>,
    wires: BTreeMap<String, u32>,
    assigns: Vec<(String, String)>,
    instances: Vec<(String, Block)>,
    inputs: BTreeMap<(String, String), Source>,
    parameters: BTreeMap<String, Vec<(String, String)>>,
    attributes: BTreeMap<String, Vec<(String, String)>>,
}

impl Block {
    /// A block without ports yet.
    pub fn new(module: &str) -> Block {
        Block { module: module.into(), ports: Vec::new() }
    }

    /// The ports of a module of the datapath layer, its clock and reset among them.
    pub fn of(module: &Module) -> Block {
        let mut block = Block::new(module.name()).inputs(&[("clk", 1), ("rst", 1)]);
        for (name, direction, width) in module.ports() {
            block.ports.push(Port { name: name.into(), direction, width });
        }
        block
    }

    /// The same with these inputs.
    pub fn inputs(self, ports: &[(&str, u32)]) -> Block {
        self.with(PortDirection::In, ports)
    }

    /// The same with these outputs.
    pub fn outputs(self, ports: &[(&str, u32)]) -> Block {
        self.with(PortDirection::Out, ports)
    }

    fn with(mut self, direction: PortDirection, ports: &[(&str, u32)]) -> Block {
        self.ports.extend(ports.iter().map(|&(name, width)| Port { name: name.into(), direction, width }));
        self
    }

    /// The port of a name.
    pub fn port(&self, name: &str) -> Option<&Port> {
        self.ports.iter().find(|port| port.name == name)
    }

    /// The block as a black box, for tools that do not know it.
    pub fn black_box(&self) -> String {
        let ports: Vec<String> = self.ports.iter().map(declaration).collect();
        format!("(* blackbox *)\nmodule {} (\n    {}\n);\nendmodule\n", self.module, ports.join(",\n    "))
    }
}

fn range(width: u32) -> String {
    match width {
        1 => String::new(),
        _ => format!("[{}:0] ", width - 1),
    }
}

fn declaration(port: &Port) -> String {
    let direction = match port.direction {
        PortDirection::In => "input",
        PortDirection::Out => "output",
    };
    format!("{direction} wire {}{}", range(port.width), port.name)
}

/// Panics, as the datapath layer does, where the generator makes a mistake: every project is generated in a test.
impl Netlist {
    /// A port of the whole. An output is driven by the assignment of its name.
    pub fn port(&mut self, name: &str, direction: PortDirection, width: u32) {
        self.ports.push(Port { name: name.into(), direction, width });
        if direction == PortDirection::In {
            self.wires.insert(name.into(), width);
        }
    }

    /// A wire, or an output of the whole, with what drives it.
    #[track_caller]
    pub fn assign(&mut self, name: &str, width: u32, value: impl Into<String>) {
        if !self.ports.iter().any(|port| port.name == name) {
            assert!(self.wires.insert(name.into(), width).is_none(), "{name} is driven twice");
        }
        self.assigns.push((name.into(), value.into()));
    }

    /// Places a block.
    #[track_caller]
    pub fn place(&mut self, instance: &str, block: Block) {
        for port in block.ports.iter().filter(|port| port.direction == PortDirection::Out) {
            let wire = format!("{instance}_{}", port.name);
            assert!(self.wires.insert(wire.clone(), port.width).is_none(), "{wire} is driven twice");
        }
        self.instances.push((instance.into(), block));
    }

    /// Connects inputs of an instance.
    #[track_caller]
    pub fn connect(&mut self, instance: &str, inputs: &[(&str, Source)]) {
        for (port, source) in inputs {
            let key = (instance.to_owned(), port.to_string());
            assert!(self.inputs.insert(key, source.clone()).is_none(), "{instance}.{port} is connected twice");
        }
    }

    /// A parameter of an instance, as Verilog has it.
    pub fn parameter(&mut self, instance: &str, name: &str, value: &str) {
        self.parameters.entry(instance.into()).or_default().push((name.into(), value.into()));
    }

    /// An attribute of an instance, as Verilog has it.
    pub fn attribute(&mut self, instance: &str, name: &str, value: &str) {
        self.attributes.entry(instance.into()).or_default().push((name.into(), value.into()));
    }

    fn block(&self, instance: &str) -> &Block {
        let found = self.instances.iter().find(|(name, _)| name == instance);
        &found.unwrap_or_else(|| panic!("there is no instance {instance}")).1
    }

    /// Connects an AXI master to a slave: ports whose names are the same behind `from.1` and `to.1`. What the master does not
    /// say is what whole beats of an incrementing burst have; what the slave does not say is zero.
    pub fn link(&mut self, from: (&str, &str), to: (&str, &str)) {
        let mut connections = Vec::new();
        for ((a, a_prefix), (b, b_prefix)) in [(from, to), (to, from)] {
            let (a, b) = ((a, self.block(a)), (b, self.block(b)));
            let bytes = b.1.port(&format!("{b_prefix}wdata")).map_or(0, |port| port.width / 8);
            for port in b.1.ports.iter().filter(|port| port.direction == PortDirection::In) {
                let Some(signal) = port.name.strip_prefix(b_prefix).filter(|s| is_channel(s)) else { continue };
                let other = format!("{a_prefix}{signal}");
                let source = match a.1.port(&other).filter(|port| port.direction == PortDirection::Out) {
                    Some(_) if signal.ends_with("addr") => Source::Fit(format!("{}_{other}", a.0)),
                    Some(_) => Source::Wire(format!("{}_{other}", a.0)),
                    None => Source::Constant(match signal {
                        "awsize" | "arsize" => bytes.trailing_zeros().into(),
                        // INCR.
                        "awburst" | "arburst" => 1,
                        // Normal, not cacheable, bufferable: what PCI Express writes are.
                        "awcache" | "arcache" => 3,
                        _ => 0,
                    }),
                };
                connections.push((b.0.to_owned(), port.name.clone(), source));
            }
        }
        for (instance, port, source) in connections {
            self.connect(&instance, &[(&port, source)]);
        }
    }

    /// The netlist as a module.
    pub fn verilog(&self, name: &str) -> String {
        let mut out = format!("// Generated by hotloop-boards.\nmodule {name} (\n    ");
        out += &self.ports.iter().map(declaration).collect::<Vec<_>>().join(",\n    ");
        out += "\n);\n";
        // Writing into a `String` cannot fail.
        for (wire, width) in self.wires.iter().filter(|(wire, _)| !self.ports.iter().any(|p| p.name == **wire)) {
            let _ = writeln!(out, "    wire {}{wire};", range(*width));
        }
        for (target, value) in &self.assigns {
            let _ = writeln!(out, "    assign {target} = {value};");
        }
        for (instance, block) in &self.instances {
            let ports: Vec<String> =
                block.ports.iter().map(|port| format!(".{}({})", port.name, self.value(instance, port))).collect();
            let pairs = |of: &BTreeMap<String, Vec<(String, String)>>| of.get(instance).cloned().unwrap_or_default();
            for (name, value) in pairs(&self.attributes) {
                let _ = writeln!(out, "    (* {name}={value} *)");
            }
            let parameters: Vec<String> =
                pairs(&self.parameters).iter().map(|(name, value)| format!(".{name}({value})")).collect();
            let parameters = match parameters.is_empty() {
                true => String::new(),
                false => format!("#(\n        {}\n    ) ", parameters.join(",\n        ")),
            };
            let module = &block.module;
            let _ =
                writeln!(out, "    {module} {parameters}{instance} (\n        {}\n    );", ports.join(",\n        "));
        }
        let known = |(instance, port): &(String, String)| self.block(instance).port(port).is_some();
        for key in self.inputs.keys() {
            assert!(known(key), "{}.{} does not exist", key.0, key.1);
        }
        out + "endmodule\n"
    }

    fn value(&self, instance: &str, port: &Port) -> String {
        if port.direction == PortDirection::Out {
            return format!("{instance}_{}", port.name);
        }
        let source = self.inputs.get(&(instance.to_owned(), port.name.clone()));
        let source = source.unwrap_or_else(|| panic!("{instance}.{} is not connected", port.name));
        let width = |wire: &String| *self.wires.get(wire).unwrap_or_else(|| panic!("there is no wire {wire}"));
        match source {
            Source::Constant(value) => format!("{}'h{value:x}", port.width),
            Source::Wire(wire) => {
                assert_eq!(width(wire), port.width, "{wire} and {instance}.{} differ in width", port.name);
                wire.clone()
            }
            Source::Fit(wire) => match width(wire) {
                wider if wider > port.width => format!("{wire}[{}:0]", port.width - 1),
                same if same == port.width => wire.clone(),
                narrower => format!("{{{}'h0, {wire}}}", port.width - narrower),
            },
        }
    }
}

/// Whether a name behind an AXI prefix is a signal of a channel, not a clock or a reset or another interface.
fn is_channel(signal: &str) -> bool {
    !signal.contains('_') && !signal.starts_with("acl") && !signal.starts_with("areset")
}
