//! The graph: signals, registers, instances, ports.

use std::{collections::HashMap, rc::Rc};

use super::cell::Cell;

/// A signal of a [`Module`]: which node, how wide, and the pipeline stage at which it is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sig {
    pub(super) id: usize,
    pub(super) width: u32,
    pub(super) stage: Option<u32>,
}

impl Sig {
    /// Width in bits.
    pub fn width(self) -> u32 {
        self.width
    }

    /// Pipeline stage in cycles from the module's inputs; `None` for constants, configuration and control.
    pub fn stage(self) -> Option<u32> {
        self.stage
    }
}

/// A register with feedback: read it as a signal, drive it once with [`Module::drive`].
#[derive(Clone, Copy, Debug)]
pub struct State {
    pub(super) sig: Sig,
}

impl std::ops::Deref for State {
    type Target = Sig;
    fn deref(&self) -> &Sig {
        &self.sig
    }
}

/// A signal that is read before what drives it exists; connect it once with [`Module::connect`].
#[derive(Clone, Copy, Debug)]
pub struct Wire {
    pub(super) sig: Sig,
}

impl std::ops::Deref for Wire {
    type Target = Sig;
    fn deref(&self) -> &Sig {
        &self.sig
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Op2 {
    Add,
    Sub,
    Mul,
    And,
    Or,
    Xor,
    Eq,
    Ltu,
    ShrVar,
    ShlVar,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Node {
    Input(String),
    Const(u128),
    Not(usize),
    Op2(Op2, usize, usize),
    Slice(usize, u32),
    /// Most significant part first.
    Cat(Vec<usize>),
    Mux(usize, usize, usize),
    Reg(usize),
    /// Index into `Module::states`.
    State(usize),
    /// Index into `Module::wires`.
    Wire(usize),
    /// Index into `Module::rams`.
    RamRead(usize),
    /// Index into `Module::roms`.
    RomRead(usize),
    /// Index into `Module::instances`, output port name.
    InstanceOut(usize, String),
}

#[derive(Debug)]
pub(super) struct StateInfo {
    pub node: usize,
    pub init: u128,
    pub next: Option<usize>,
    pub enable: Option<usize>,
}

#[derive(Debug)]
pub(super) struct RamInfo {
    pub width: u32,
    pub depth: u64,
    pub write_enable: usize,
    pub write_address: usize,
    pub write_data: usize,
    pub read_address: usize,
    pub read_node: usize,
    /// Nobody uses what is read of a word while it is written.
    pub apart: bool,
}

#[derive(Debug)]
pub(super) struct RomInfo {
    pub width: u32,
    pub words: Vec<u128>,
    pub address: usize,
    pub read_node: usize,
}

#[derive(Debug)]
pub(super) struct InstanceInfo {
    pub name: String,
    pub module: Rc<Module>,
    pub inputs: Vec<(String, usize)>,
    /// Drives `rst` instead of this module's own.
    pub reset: Option<usize>,
    /// Drives `clk` instead of this module's own.
    pub clock: Option<usize>,
}

/// Direction of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortDirection {
    /// Driven from outside.
    In,
    /// Driven by the module.
    Out,
}

/// A placed instance; ask it for its outputs with [`Module::output_of`].
#[derive(Clone, Debug)]
pub struct Instance {
    pub(super) index: usize,
    /// Stage of the outputs, for pipelined units.
    pub(super) stage: Option<u32>,
}

/// One Verilog module. `clk` and `rst` (synchronous, active high) are always there and never named by the caller.
#[derive(Debug)]
pub struct Module {
    pub(super) name: String,
    pub(super) nodes: Vec<Node>,
    pub(super) widths: Vec<u32>,
    pub(super) names: HashMap<usize, String>,
    pub(super) inputs: Vec<(String, u32)>,
    pub(super) outputs: Vec<(String, usize)>,
    pub(super) states: Vec<StateInfo>,
    pub(super) wires: Vec<(usize, Option<usize>)>,
    pub(super) rams: Vec<RamInfo>,
    pub(super) roms: Vec<RomInfo>,
    pub(super) instances: Vec<InstanceInfo>,
    pub(super) delays: HashMap<(usize, u32), usize>,
    pub(super) counters: HashMap<u32, Sig>,
    unique: HashMap<(Node, u32), usize>,
    latency: Option<u32>,
    pub(super) text: Option<String>,
    /// Set for a vendor's primitive.
    pub(super) cell: Option<Cell>,
}

impl Module {
    /// An empty module.
    pub fn new(name: impl Into<String>) -> Module {
        Module {
            name: name.into(),
            nodes: Vec::new(),
            widths: Vec::new(),
            names: HashMap::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
            states: Vec::new(),
            wires: Vec::new(),
            rams: Vec::new(),
            roms: Vec::new(),
            instances: Vec::new(),
            delays: HashMap::new(),
            counters: HashMap::new(),
            unique: HashMap::new(),
            latency: None,
            text: None,
            cell: None,
        }
    }

    /// A module whose Verilog comes from elsewhere (a control block of rust-hdl): `text` must
    /// define `name` with ports `clk`, `rst` and the ones listed.
    pub fn verbatim(
        name: impl Into<String>,
        ports: &[(&str, PortDirection, u32)],
        text: impl Into<String>,
    ) -> Rc<Module> {
        Rc::new(Module::declared(name, ports, text))
    }

    /// A module that is known by its ports and its text.
    pub(super) fn declared(
        name: impl Into<String>,
        ports: &[(&str, PortDirection, u32)],
        text: impl Into<String>,
    ) -> Module {
        let mut module = Module::new(name);
        for &(port, direction, width) in ports {
            match direction {
                PortDirection::In => {
                    module.input(port, width);
                }
                PortDirection::Out => {
                    let undriven = module.constant(0, width);
                    module.outputs.push((port.into(), undriven.id));
                }
            }
        }
        module.text = Some(text.into());
        module
    }

    /// Name of the module.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Cycles from inputs to outputs, for pipelined units.
    pub fn latency(&self) -> Option<u32> {
        self.latency
    }

    /// Every port with its direction and width, `clk` and `rst` excluded.
    pub fn ports(&self) -> impl Iterator<Item = (&str, PortDirection, u32)> {
        let inputs = self.inputs.iter().map(|(n, w)| (n.as_str(), PortDirection::In, *w));
        let outputs = self.outputs.iter().map(|(n, id)| (n.as_str(), PortDirection::Out, self.widths[*id]));
        inputs.chain(outputs)
    }

    #[track_caller]
    pub(super) fn push(&mut self, node: Node, width: u32, stage: Option<u32>) -> Sig {
        assert!(width > 0, "{}: a signal must have at least one bit", self.name);
        let key = (node.clone(), width);
        let id = match self.unique.get(&key) {
            Some(&id) => id,
            None => {
                let id = self.nodes.len();
                self.nodes.push(node);
                self.widths.push(width);
                self.unique.insert(key, id);
                id
            }
        };
        Sig { id, width, stage }
    }

    /// An input port outside any pipeline (configuration, handshakes).
    pub fn input(&mut self, name: &str, width: u32) -> Sig {
        self.inputs.push((name.into(), width));
        self.push(Node::Input(name.into()), width, None)
    }

    /// An input port at stage 0 of this module's pipeline.
    pub fn pipe_input(&mut self, name: &str, width: u32) -> Sig {
        let sig = self.input(name, width);
        Sig { stage: Some(0), ..sig }
    }

    /// An output port.
    #[track_caller]
    pub fn output(&mut self, name: &str, sig: Sig) {
        assert!(self.outputs.iter().all(|(n, _)| n != name), "{}: output {name} twice", self.name);
        self.outputs.push((name.into(), sig.id));
    }

    /// Output ports of a pipelined unit, aligned to one stage, which becomes the module's latency.
    #[track_caller]
    pub fn pipe_outputs(&mut self, outputs: &[(&str, Sig)]) {
        let sigs: Vec<Sig> = outputs.iter().map(|(_, s)| *s).collect();
        let aligned = self.align(&sigs);
        self.latency = aligned.iter().find_map(|s| s.stage);
        for ((name, _), sig) in outputs.iter().zip(aligned) {
            self.output(name, sig);
        }
    }

    /// Gives a signal a readable name in the Verilog and in waveforms.
    pub fn label(&mut self, sig: Sig, name: &str) -> Sig {
        self.names.entry(sig.id).or_insert_with(|| name.into());
        sig
    }

    /// Says at which stage a signal is valid (or that it has none).
    pub fn at(&self, sig: Sig, stage: Option<u32>) -> Sig {
        Sig { stage, ..sig }
    }

    /// A constant.
    #[track_caller]
    pub fn constant(&mut self, value: u128, width: u32) -> Sig {
        assert!(width >= 128 || value >> width == 0, "{}: {value:#x} does not fit {width} bits", self.name);
        self.push(Node::Const(value), width, None)
    }

    /// A register with feedback, `init` after reset. It keeps its value unless driven with an enable.
    #[track_caller]
    pub fn state(&mut self, name: &str, width: u32, init: u128) -> State {
        assert!(width >= 128 || init >> width == 0, "{}: {init:#x} does not fit {width} bits", self.name);
        let index = self.states.len();
        let sig = self.push(Node::State(index), width, None);
        self.states.push(StateInfo { node: sig.id, init, next: None, enable: None });
        self.label(sig, name);
        State { sig }
    }

    /// Drives a register each cycle.
    #[track_caller]
    pub fn drive(&mut self, state: State, next: Sig) {
        self.drive_inner(state, next, None);
    }

    /// Drives a register in cycles in which `enable` is high.
    #[track_caller]
    pub fn drive_when(&mut self, state: State, enable: Sig, next: Sig) {
        assert_eq!(enable.width, 1, "{}: an enable is one bit", self.name);
        self.drive_inner(state, next, Some(enable.id));
    }

    #[track_caller]
    fn drive_inner(&mut self, state: State, next: Sig, enable: Option<usize>) {
        assert_eq!(state.sig.width, next.width, "{}: register and its next value differ in width", self.name);
        let Node::State(index) = self.nodes[state.sig.id] else { unreachable!("a State is a State node") };
        let info = &mut self.states[index];
        assert!(info.next.is_none(), "{}: register driven twice", self.name);
        info.next = Some(next.id);
        info.enable = enable;
    }

    /// A signal to be connected later.
    pub fn wire(&mut self, width: u32) -> Wire {
        let index = self.wires.len();
        let sig = self.push(Node::Wire(index), width, None);
        self.wires.push((sig.id, None));
        Wire { sig }
    }

    /// Connects a [`Wire`].
    #[track_caller]
    pub fn connect(&mut self, wire: Wire, driver: Sig) {
        assert_eq!(wire.sig.width, driver.width, "{}: wire and driver differ in width", self.name);
        let Node::Wire(index) = self.nodes[wire.sig.id] else { unreachable!("a Wire is a Wire node") };
        assert!(self.wires[index].1.is_none(), "{}: wire connected twice", self.name);
        self.wires[index].1 = Some(driver.id);
    }

    /// Places `module`; every input must be connected, widths are checked.
    #[track_caller]
    pub fn instance(&mut self, name: &str, module: &Rc<Module>, inputs: &[(&str, Sig)]) -> Instance {
        for (port, width) in &module.inputs {
            let found = inputs.iter().find(|(n, _)| n == port);
            let (_, sig) = found.unwrap_or_else(|| panic!("{}: {name}.{port} is not connected", self.name));
            assert_eq!(sig.width, *width, "{}: {name}.{port} has {width} bits", self.name);
        }
        assert_eq!(inputs.len(), module.inputs.len(), "{}: {name} has an unknown or repeated input", self.name);
        let index = self.instances.len();
        self.instances.push(InstanceInfo {
            name: name.into(),
            module: Rc::clone(module),
            inputs: inputs.iter().map(|(n, s)| (n.to_string(), s.id)).collect(),
            reset: None,
            clock: None,
        });
        Instance { index, stage: None }
    }

    /// This module's own `rst`, for making an instance's out of it.
    pub fn own_reset(&mut self) -> Sig {
        self.push(Node::Input("rst".into()), 1, None)
    }

    /// This module's own `clk`, for an instance whose other clocks are not gated.
    pub fn own_clock(&mut self) -> Sig {
        self.push(Node::Input("clk".into()), 1, None)
    }

    /// Drives an instance's `rst` from a signal instead of this module's own `rst`.
    #[track_caller]
    pub fn reset_by(&mut self, instance: &Instance, reset: Sig) {
        assert_eq!(reset.width, 1, "{}: a reset is one bit", self.name);
        self.instances[instance.index].reset = Some(reset.id);
    }

    /// Drives an instance's `clk` from a signal, an input that carries a gated copy of this module's own `clk`: its
    /// edges are a part of that clock's, at the same instants.
    #[track_caller]
    pub fn clock_by(&mut self, instance: &Instance, clock: Sig) {
        assert!(matches!(self.nodes[clock.id], Node::Input(_)), "{}: a clock comes from outside", self.name);
        self.instances[instance.index].clock = Some(clock.id);
    }

    /// Places a pipelined unit: inputs are aligned to one stage, outputs come the unit's latency later.
    #[track_caller]
    pub fn call(&mut self, name: &str, module: &Rc<Module>, inputs: &[(&str, Sig)]) -> Instance {
        let latency = module.latency.unwrap_or_else(|| panic!("{} is not a pipelined unit", module.name));
        let sigs: Vec<Sig> = inputs.iter().map(|(_, s)| *s).collect();
        let aligned = self.align(&sigs);
        let stage = aligned.iter().find_map(|s| s.stage).map(|s| s + latency);
        let inputs: Vec<(&str, Sig)> = inputs.iter().zip(aligned).map(|((n, _), s)| (*n, s)).collect();
        let instance = self.instance(name, module, &inputs);
        Instance { stage, ..instance }
    }

    /// An output of a placed instance.
    #[track_caller]
    pub fn output_of(&mut self, instance: &Instance, port: &str) -> Sig {
        let module = &self.instances[instance.index].module;
        let found = module.outputs.iter().find(|(n, _)| n == port);
        let (_, id) = found.unwrap_or_else(|| panic!("{} has no output {port}", module.name));
        let width = module.widths[*id];
        self.push(Node::InstanceOut(instance.index, port.into()), width, instance.stage)
    }
}
