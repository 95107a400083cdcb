//! The list of proofs.

mod arithmetic;

use std::collections::BTreeMap;

use crate::{
    design::{DISPATCHED, UNITS},
    text::{cut_products, free_memories, insert, open_cells, Break, Probe},
};

/// How far a proof reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A pipeline without feedback, followed for as many cycles as it is long: all inputs, all times.
    Pipeline(u32),
    /// k-induction: every state that can be reached, after any number of cycles.
    Induction(u32),
}

/// Products of the top module that become free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Products {
    /// So many `*`.
    Written(usize),
    /// So many cells of this name; the wrapper says what one is.
    Cells(&'static str, usize),
}

/// What the solver gets to see of memories.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memories {
    /// Memories.
    Arrays,
    /// What is read is any word, in this module: for properties that hold whatever the data.
    Free(&'static str),
}

/// A broken copy that must fail.
pub struct Broken {
    /// What is wrong with it; also its name in the table.
    pub what: &'static str,
    /// The module that is broken.
    pub module: &'static str,
    /// How.
    pub how: Break,
    /// Cycles within which a counterexample is to be found.
    pub depth: u32,
}

/// One proof.
pub struct Proof {
    /// Its name.
    pub name: &'static str,
    /// What is proved, for people.
    pub claim: &'static str,
    /// How far it reaches.
    pub reach: Reach,
    /// The module on top.
    pub top: &'static str,
    /// Emitted modules, and the properties that are put into each.
    pub modules: Vec<(&'static str, Vec<&'static str>)>,
    /// A wrapper around them, if the properties stand outside.
    pub wrapper: Option<&'static str>,
    /// Signals of instances in the top module that the properties look at.
    pub probes: Vec<Probe>,
    /// Products that are cut out of the top module.
    pub cut: Option<Products>,
    /// How memories are modelled.
    pub memories: Memories,
    /// Values of `@NAME@` in the properties.
    pub values: Vec<(&'static str, String)>,
    /// Copies that must fail.
    pub broken: Vec<Broken>,
}

impl Proof {
    /// The files of a run, of the sound design or of a broken copy: names and texts.
    pub fn files(&self, emitted: &BTreeMap<String, String>, broken: Option<&Broken>) -> Vec<(String, String)> {
        let fill = |text: &str| {
            let filled =
                self.values.iter().fold(text.to_owned(), |t, (name, value)| t.replace(&format!("@{name}@"), value));
            assert!(!filled.contains('@') || !filled.contains("@BITS@"), "{}: a value is missing", self.name);
            filled
        };
        let mut files: Vec<(String, String)> = self
            .modules
            .iter()
            .map(|(name, properties)| {
                let mut text = emitted[*name].clone();
                if let Some(broken) = broken.filter(|b| b.module == *name) {
                    text = broken.how.apply(&text);
                }
                if self.memories == Memories::Free(name) {
                    text = free_memories(&text);
                }
                text = match self.cut.filter(|_| *name == self.top) {
                    Some(Products::Written(count)) => cut_products(&text, count),
                    Some(Products::Cells(cell, count)) => open_cells(&text, cell, count),
                    None => text,
                };
                let properties: String = properties.iter().map(|p| fill(p)).collect();
                let mut text = insert(&text, &properties);
                for probe in &self.probes {
                    if *name == self.top {
                        text = probe.outer(&text);
                    } else if *name == probe.instance.1 {
                        text = probe.inner(&text);
                    }
                }
                (format!("{name}.v"), text)
            })
            .collect();
        if let Some(wrapper) = self.wrapper {
            files.push(("proof.sv".into(), fill(wrapper)));
        }
        files
    }

    /// The task for SymbiYosys.
    pub fn task(&self, files: &[(String, String)], broken: Option<&Broken>, limit: u32) -> String {
        let (mode, depth) = match (broken, self.reach) {
            (Some(b), _) => ("bmc", b.depth),
            // The properties hold from the cycle in which the first result is out.
            (None, Reach::Pipeline(latency)) => ("bmc", latency + 2),
            (None, Reach::Induction(k)) => ("prove", k),
        };
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        format!(
            "[options]\nmode {mode}\ndepth {depth}\ntimeout {limit}\n\n[engines]\nsmtbmc z3\n\n[script]\nread -formal {}\nprep \
             -flatten -top {}\n\n[files]\n{}\n",
            names.join(" "),
            self.top,
            names.join("\n")
        )
    }
}

fn value(name: &'static str, value: impl ToString) -> (&'static str, String) {
    (name, value.to_string())
}

fn probe(instance: (&'static str, &'static str), signal: (&'static str, u32), name: &'static str) -> Probe {
    Probe { instance, signal, name }
}

const FIFO: &str = include_str!("../properties/fifo.sv");
const STATES: &str = include_str!("../properties/burst_states.sv");
const BURSTS: &str = include_str!("../properties/bursts.sv");

/// Every proof.
pub fn proofs() -> Vec<Proof> {
    let mut list = arithmetic::arithmetic();
    list.extend([fifo("fifo_8x16", 8, 4), fifo("fifo_8x512", 8, 9), relay()]);
    list.extend(buses());
    list.extend(queues());
    list
}

fn fifo(name: &'static str, width: u32, bits: u32) -> Proof {
    Proof {
        name,
        claim: "order, content, count, free, no loss, no word stuck; an offered word stays until it is taken",
        reach: Reach::Induction(3),
        top: name,
        modules: vec![(name, vec![FIFO])],
        wrapper: None,
        probes: vec![],
        cut: None,
        memories: Memories::Arrays,
        values: vec![value("WIDTH", width), value("BITS", bits), value("DEPTH", 1u64 << bits)],
        broken: vec![
            Broken {
                what: "words are written where the head is read",
                module: name,
                how: Break::Replace("_memory[{{write}}] <=", "_memory[{{read}}] <="),
                depth: 8,
            },
            Broken {
                what: "the head moves without being taken",
                module: name,
                how: Break::Drive("read", "{{read}} + {{head_valid}}"),
                depth: 8,
            },
        ],
    }
}

fn relay() -> Proof {
    Proof {
        name: "relay_8",
        claim: "order, content, no loss, ready and valid as soon as there is room or a word",
        reach: Reach::Induction(2),
        top: "relay_8",
        modules: vec![("relay_8", vec![include_str!("../properties/relay.sv")])],
        wrapper: None,
        probes: vec![],
        cut: None,
        memories: Memories::Arrays,
        values: vec![],
        broken: vec![
            Broken {
                what: "a word that arrives while another leaves is forgotten",
                module: "relay_8",
                how: Break::Drive("one", "{{two}} | (in_valid & ~{{one}}) | ({{one}} & ~out_ready)"),
                depth: 6,
            },
            Broken {
                what: "a third word is taken",
                module: "relay_8",
                how: Break::Assign("in_ready", "1'b1"),
                depth: 6,
            },
        ],
    }
}

/// Broken copies of what reader and writer share: the burst machine in `mover`, and its control.
fn broken_bursts(mover: &'static str) -> [Broken; 2] {
    [
        Broken {
            what: "a burst may be a beat too long for its page",
            module: mover,
            how: Break::Replace("8'h40 - ", "8'h41 - "),
            depth: 10,
        },
        Broken {
            what: "the address does not wait for ready",
            module: "ctl_bursts",
            how: Break::Replace("if (taken) begin", "if (1'b1) begin"),
            depth: 10,
        },
    ]
}

fn buses() -> Vec<Proof> {
    let channel = |prefix: &str| {
        ["ADDR", "LEN", "VALID", "READY"]
            .into_iter()
            .zip(["addr", "len", "valid", "ready"].map(|n| format!("m_{prefix}{n}")))
    };
    let state = probe(("control_0", "ctl_bursts"), ("state$q", 3), "f_state");
    vec![
        Proof {
            name: "axi_lite_slave",
            claim: "AXI4-Lite: one answer for each access, the right one, payload stable until taken",
            reach: Reach::Induction(3),
            top: "axi_lite_slave",
            modules: vec![
                ("axi_lite_slave", vec![include_str!("../properties/axi_lite.sv")]),
                ("ctl_lite_slave", vec![]),
            ],
            wrapper: None,
            probes: vec![probe(("handshake_0", "ctl_lite_slave"), ("state$q", 3), "f_state")],
            cut: None,
            memories: Memories::Arrays,
            values: vec![value("FINDS", hotloop_hdl::bus::FINDS)],
            broken: vec![
                Broken {
                    what: "an answer is not held",
                    module: "ctl_lite_slave",
                    how: Break::Replace("if (bready) begin", "if (1'b1) begin"),
                    depth: 12,
                },
                Broken {
                    what: "a register is written before it is found",
                    module: "ctl_lite_slave",
                    how: Break::Replace("if (found) begin", "if (1'b1) begin"),
                    depth: 8,
                },
                Broken {
                    what: "a write is taken without its data",
                    module: "ctl_lite_slave",
                    how: Break::Replace("if (awvalid & wvalid) begin", "if (awvalid) begin"),
                    depth: 8,
                },
            ],
        },
        Proof {
            name: "dma_reader",
            claim:
                "bursts end at 4 KiB and lie in the window, addresses stay until taken, every beat asked for has room, \
                    counters keep their ends",
            reach: Reach::Induction(2),
            top: "dma_reader",
            modules: vec![
                ("dma_reader", vec![STATES, BURSTS, include_str!("../properties/reader.sv")]),
                ("ctl_bursts", vec![]),
                ("fifo_512x512", vec![include_str!("../properties/fifo_count.sv")]),
                ("relay_512", vec![]),
            ],
            wrapper: None,
            probes: vec![
                state,
                probe(("fifo_1", "fifo_512x512"), ("in_valid", 1), "f_fifo_push"),
                probe(("fifo_1", "fifo_512x512"), ("in_ready", 1), "f_fifo_ready"),
                probe(("fifo_1", "fifo_512x512"), ("free", 10), "f_fifo_free"),
            ],
            cut: None,
            memories: Memories::Free("fifo_512x512"),
            values: channel("ar").chain([value("DEPTH", 512), value("FILL", 1)]).collect(),
            broken: broken_bursts("dma_reader")
                .into_iter()
                .chain([Broken {
                    what: "room is kept only for beats that have not arrived",
                    module: "dma_reader",
                    how: Break::Drive("reserved_beats", "{{outstanding_beats}}"),
                    depth: 10,
                }])
                .collect(),
        },
        Proof {
            name: "dma_writer",
            claim: "bursts end at 4 KiB and lie in the window, addresses stay until taken",
            reach: Reach::Induction(2),
            top: "dma_writer",
            modules: vec![("dma_writer", vec![STATES, BURSTS]), ("ctl_bursts", vec![]), ("fifo_8x16", vec![])],
            wrapper: None,
            probes: vec![state],
            cut: None,
            memories: Memories::Arrays,
            values: channel("aw").chain([value("FILL", 0)]).collect(),
            broken: broken_bursts("dma_writer").into(),
        },
        Proof {
            name: "dma_writer_data",
            claim: "data only for bursts that were taken, as many beats as promised, the last one marked, payload \
                    stable until taken, no promise lost, counters keep their ends",
            reach: Reach::Induction(2),
            top: "dma_writer",
            modules: vec![
                ("dma_writer", vec![STATES, include_str!("../properties/writer.sv")]),
                ("ctl_bursts", vec![]),
                ("fifo_8x16", vec![include_str!("../properties/promises.sv")]),
            ],
            wrapper: None,
            probes: vec![
                state,
                probe(("queue_1", "fifo_8x16"), ("in_valid", 1), "f_queue_push"),
                probe(("queue_1", "fifo_8x16"), ("in_ready", 1), "f_queue_ready"),
                probe(("queue_1", "fifo_8x16"), ("empty", 1), "f_queue_empty"),
                probe(("queue_1", "fifo_8x16"), ("f_promised", 5), "f_queue_promised"),
            ],
            cut: None,
            memories: Memories::Free("fifo_8x16"),
            values: vec![value("FILL", 0)],
            broken: vec![
                Broken {
                    what: "a burst's last beat is marked one too early",
                    module: "dma_writer",
                    how: Break::Replace("{{beats_left}} == 7'h1", "{{beats_left}} == 7'h2"),
                    depth: 10,
                },
                Broken {
                    what: "stop changes a beat that is offered",
                    module: "dma_writer",
                    how: Break::Drive("stopping", "stop"),
                    depth: 14,
                },
                Broken {
                    what: "a promise is pushed though none was made",
                    module: "fifo_8x16",
                    how: Break::Drive("count", "{{count}} + in_valid"),
                    depth: 12,
                },
            ],
        },
    ]
}

fn rings(name: &'static str, claim: &'static str, properties: &'static str, broken: Broken) -> Proof {
    Proof {
        name,
        claim,
        reach: Reach::Induction(2),
        top: "rings",
        modules: vec![("rings", vec![include_str!("../properties/rings_host.sv"), properties]), ("ctl_rings", vec![])],
        wrapper: None,
        probes: vec![
            probe(("control_0", "ctl_rings"), ("state$q", 4), "f_state"),
            probe(("control_0", "ctl_rings"), ("receiving$q", 1), "f_receiving"),
            probe(("control_0", "ctl_rings"), ("sending$q", 1), "f_sending"),
        ],
        cut: None,
        memories: Memories::Arrays,
        values: vec![],
        broken: vec![broken],
    }
}

fn queues() -> Vec<Proof> {
    vec![
        rings(
            "rings",
            "the head never passes the tail, completions never overrun, no false overflow, a completion for each \
             descriptor in order",
            include_str!("../properties/rings.sv"),
            Broken {
                what: "a descriptor is fetched though none waits",
                module: "ctl_rings",
                how: Break::Replace("else if (pending) begin", "else begin"),
                depth: 8,
            },
        ),
        rings(
            "rings_phase",
            "the phase is 1 in a slot's first pass, then the opposite of what lies there; it stays while it is offered",
            include_str!("../properties/rings_phase.sv"),
            Broken {
                what: "the phase turns a slot too early",
                module: "rings",
                how: Break::Replace("assign phase = ", "assign phase = {{cq_tail}}[0] ^ "),
                depth: 22,
            },
        ),
        rings(
            "rings_addresses",
            "descriptors are read and completions written at their slots' addresses, which lie in their rings and stay \
             until taken",
            include_str!("../properties/rings_addresses.sv"),
            Broken {
                what: "the index of a descriptor is masked by an or",
                module: "rings",
                how: Break::Replace("{{sq_head}} & ", "{{sq_head}} | "),
                depth: 8,
            },
        ),
        Proof {
            name: "poseidon_dispatcher",
            claim: "states go to ready units in fair turns, results are taken in the states' order",
            reach: Reach::Induction(3),
            top: "poseidon_dispatcher",
            modules: vec![("poseidon_dispatcher", vec![include_str!("../properties/dispatcher.sv")])],
            wrapper: None,
            probes: vec![],
            cut: None,
            memories: Memories::Arrays,
            values: vec![value("UNITS", UNITS), value("DEPTH", DISPATCHED), value("BITS", DISPATCHED.ilog2())],
            broken: vec![
                Broken {
                    what: "a state goes to the unit in turn, ready or not",
                    module: "poseidon_dispatcher",
                    how: Break::Assign("target", "{{turn}}"),
                    depth: 6,
                },
                Broken {
                    what: "the order is written where it is read",
                    module: "poseidon_dispatcher",
                    how: Break::Replace("_memory[{{order_write}}] <=", "_memory[{{order_read}}] <="),
                    depth: 10,
                },
            ],
        },
    ]
}
