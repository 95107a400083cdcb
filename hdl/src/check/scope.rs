//! What names a block's Verilog module will define, and its statements.

use std::collections::HashSet;

use rust_hdl_core::{
    ast::{Verilog, VerilogBlock},
    atom::{is_atom_signed, Atom},
    block::Block,
    probe::Probe,
    type_descriptor::{TypeDescriptor, TypeKind},
};

/// One block.
#[derive(Debug)]
pub(super) struct Scope {
    /// Its path from the top.
    pub path: String,
    /// Signals, constants, ports of children and enum labels, as rust-hdl prints them.
    pub names: HashSet<String>,
    /// The ones with a signed type.
    pub signed: Vec<String>,
    /// Its own signals and constants.
    pub own: Vec<String>,
    /// Its statements, if it is written with `hdl_gen`.
    pub code: Option<VerilogBlock>,
}

/// Collects scopes from a block.
#[derive(Default)]
pub(super) struct Scopes {
    done: Vec<Scope>,
    open: Vec<(String, Scope)>,
    namespace: Vec<String>,
}

impl Scopes {
    /// Every scope below and with `block`.
    pub(super) fn of(name: &str, block: &dyn Block) -> Vec<Scope> {
        let mut scopes = Scopes::default();
        block.accept(name, &mut scopes);
        scopes.done
    }
}

fn labels(descriptor: &TypeDescriptor, into: &mut HashSet<String>) {
    match &descriptor.kind {
        TypeKind::Enum(names) => into.extend(names.iter().map(|n| n.replace("::", "$"))),
        TypeKind::Composite(fields) => fields.iter().for_each(|f| labels(&f.kind, into)),
        TypeKind::Bits(_) | TypeKind::Signed(_) => {}
    }
}

impl Probe for Scopes {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        let path = match self.open.last() {
            Some((_, parent)) => format!("{}.{name}", parent.path),
            None => name.into(),
        };
        let code = match node.hdl() {
            Verilog::Combinatorial(code) => Some(code),
            _ => None,
        };
        let scope = Scope { path, names: HashSet::new(), signed: Vec::new(), own: Vec::new(), code };
        self.open.push((name.into(), scope));
        self.namespace.clear();
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.namespace.push(name.into());
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let name = self.namespace.iter().map(|n| format!("{n}$")).collect::<String>() + name;
        let depth = self.open.len();
        let Some((child, scope)) = self.open.last_mut() else { return };
        let outside = format!("{child}${name}");
        labels(&signal.descriptor(), &mut scope.names);
        if is_atom_signed(signal) {
            scope.signed.push(name.clone());
        }
        scope.names.insert(name.clone());
        scope.own.push(name);
        if signal.kind().is_parameter() && depth >= 2 {
            let parent = &mut self.open[depth - 2].1;
            parent.names.insert(outside);
            labels(&signal.descriptor(), &mut parent.names);
        }
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.namespace.pop();
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        if let Some((_, scope)) = self.open.pop() {
            self.done.push(scope);
        }
    }
}
