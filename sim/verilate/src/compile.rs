//! From Verilog to a static library: Verilator, the shim, the C++ compiler.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::{
    ports, shim,
    stamp::{fresh, write, Stamp},
    tool::on_path,
    Error, Model, Verilator,
};

const HEADER: &str = include_str!("cpp/hotloop_model.h");
/// Part of every stamp: stands for flags, and for what is generated here.
const SELF: &str = include_str!("compile.rs");
const REGISTRY: &str = include_str!("cpp/registry.cpp");
const RUNTIME: &[&str] = &["verilated.cpp", "verilated_threads.cpp", "verilated_vcd_c.cpp"];

/// Builds what all models of a program share (Verilator's runtime and the registry) and prints the link lines. Only
/// hotloop-sim's build script does: twice would be duplicate symbols.
pub fn build_runtime(verilator: &Verilator) -> Result<(), Error> {
    let dir = out_dir()?.join("runtime");
    let stamp = Stamp::new(&dir, (verilator.version(), &verilator.include, compiler(), HEADER, REGISTRY, SELF));
    if !stamp.holds() {
        fresh(&dir)?;
        write(&dir.join("hotloop_model.h"), HEADER)?;
        write(&dir.join("registry.cpp"), REGISTRY)?;
        let mut build = compiler_for(verilator, &dir, 2);
        build.define("VL_USER_STOP", None).define("VL_USER_FATAL", None).define("VL_USER_FINISH", None);
        build.file(dir.join("registry.cpp")).files(RUNTIME.iter().map(|file| verilator.include.join(file)));
        compile(&build, "runtime", "hotloop_verilated")?;
        stamp.write()?;
    }
    link(&dir, "hotloop_verilated");
    // Where the models' C++ library comes from; cc's own line would come once for each of them.
    println!("cargo:rustc-link-lib={}", if cfg!(target_os = "macos") { "c++" } else { "stdc++" });
    Ok(())
}

/// Builds `models`, several at a time, and prints the link lines.
pub fn build(verilator: &Verilator, models: &[Model]) -> Result<(), Error> {
    let out = out_dir()?;
    let next = AtomicUsize::new(0);
    let workers = env::var("NUM_JOBS").ok().and_then(|n| n.parse().ok()).unwrap_or(1usize);
    let one_by_one = || -> Result<(), Error> {
        while let Some(model) = models.get(next.fetch_add(1, Ordering::Relaxed)) {
            model.build(verilator, &out)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.min(models.len())).map(|_| scope.spawn(one_by_one)).collect();
        threads.into_iter().try_for_each(|t| t.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })?;
    for model in models {
        link(&out.join(&model.name), &model.library());
    }
    Ok(())
}

impl Model {
    fn library(&self) -> String {
        format!("hotloop_model_{}", self.name)
    }

    /// The Verilated class. The length keeps module `b_c` of model `a` apart from module `c` of model `a_b`.
    fn class(&self) -> String {
        format!("V{}{}", self.name.len(), self.name)
    }

    fn build(&self, verilator: &Verilator, out: &Path) -> Result<(), Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !self.name.starts_with(|c: char| c.is_ascii_alphabetic()) || !self.name.chars().all(plain) {
            return Err(Error::Name { name: self.name.clone() });
        }
        let dir = out.join(&self.name);
        let inputs = (
            (verilator.version(), &verilator.include, compiler()),
            (HEADER, include_str!("shim.rs"), SELF),
            (&self.top, &self.sources, &self.waivers, &self.defines, self.trace, self.opt_level),
        );
        let stamp = Stamp::new(&dir, inputs);
        if stamp.holds() {
            return Ok(());
        }
        fresh(&dir)?;
        self.verilate(verilator, &dir)?;
        self.compile(verilator, &dir)?;
        stamp.write()
    }

    /// Verilog to C++.
    fn verilate(&self, verilator: &Verilator, dir: &Path) -> Result<(), Error> {
        let mut command = verilator.command();
        command.args("--cc --no-timing --assert -Wall -O3 --x-assign fast --x-initial fast".split(' '));
        command.args(["--prefix", &self.class(), "--top-module", &self.top]);
        command.arg("--Mdir").arg(dir);
        if self.trace {
            command.arg("--trace");
        }
        for (name, value) in &self.defines {
            command.arg(format!("-D{name}={value}"));
        }
        let waivers = [("waivers.vlt".to_owned(), format!("`verilator_config\n{}", self.waivers))];
        for (file, text) in waivers.iter().chain(&self.sources) {
            let path = dir.join(file);
            write(&path, text)?;
            command.arg(path);
        }
        let failed = |output: String| Error::Design { model: self.name.clone(), output };
        let output = command.output().map_err(|e| failed(e.to_string()))?;
        if !output.status.success() {
            return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
        }
        Ok(())
    }

    /// C++ to a library: one file for what runs each cycle and one for what runs at the start or while tracing, since
    /// the compiler sees through the whole of a file, and a file's fixed cost is paid once.
    fn compile(&self, verilator: &Verilator, dir: &Path) -> Result<(), Error> {
        let header = dir.join(format!("{}.h", self.class()));
        let header = fs::read_to_string(&header).map_err(|source| Error::File { path: header, source })?;
        write(&dir.join("hotloop_model.h"), HEADER)?;
        let (slow, fast): (Vec<_>, Vec<_>) =
            generated(dir)?.into_iter().partition(|file| file.contains("__Slow") || file.contains("__Trace"));
        let include = |files: &[String]| files.iter().map(|file| format!("#include \"{file}\"\n")).collect::<String>();
        let shim = shim::text(&self.name, &self.class(), &ports::parse(&header), self.trace);
        write(&dir.join("fast.cc"), &(include(&fast) + &shim))?;
        write(&dir.join("slow.cc"), &include(&slow))?;
        let objects = |file: &str, opt_level: u32| {
            compiler_for(verilator, dir, opt_level).file(dir.join(file)).try_compile_intermediates()
        };
        // Optimised, the start and the tracing of an accelerator take minutes to compile.
        let (slow, fast) = thread::scope(|scope| {
            let slow = scope.spawn(|| objects("slow.cc", 0));
            let fast = objects("fast.cc", self.opt_level);
            (slow.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), fast)
        });
        let failed = |e: cc::Error| Error::Compiler { model: self.name.clone(), reason: e.to_string() };
        let mut build = compiler_for(verilator, dir, self.opt_level);
        build.objects(slow.map_err(failed)?).objects(fast.map_err(failed)?);
        compile(&build, &self.name, &self.library())
    }
}

/// The C++ files that Verilator wrote, in a fixed order.
fn generated(dir: &Path) -> Result<Vec<String>, Error> {
    let failed = |source| Error::File { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            if name.ends_with(".cpp") {
                files.push(name);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// `$CXX`, else clang++ (its models run up to 40 % faster than gcc's), else what the machine has.
fn compiler() -> Option<PathBuf> {
    match env::var_os("CXX") {
        Some(set) => Some(set.into()),
        None => on_path("clang++"),
    }
}

fn compiler_for(verilator: &Verilator, dir: &Path, opt_level: u32) -> cc::Build {
    let mut build = cc::Build::new();
    build.cpp(true).std("c++17").opt_level(opt_level).debug(false).warnings(false).extra_warnings(false);
    // Build scripts' output is ours: the libraries are linked whole, and found by name.
    build.cargo_metadata(false).out_dir(dir).include(dir);
    build.include(&verilator.include).include(verilator.include.join("vltstd"));
    build.define("VL_TIME_CONTEXT", None).define("VL_PRINTF", "hotloop_printf");
    // Without it clang calls into libatomic, from nothing but assertions.
    build.define("NDEBUG", None);
    build.define("VM_COVERAGE", "0").define("VM_SC", "0").define("VM_TRACE", "1");
    build.flag("-include").flag("hotloop_model.h");
    build.flag_if_supported("-fcf-protection=none");
    if env::var_os("CXX").is_none() {
        if let Some(clang) = compiler() {
            build.compiler(clang);
        }
    }
    build
}

fn compile(build: &cc::Build, model: &str, library: &str) -> Result<(), Error> {
    build.try_compile(library).map_err(|e| Error::Compiler { model: model.to_owned(), reason: e.to_string() })
}

/// Whole, since nobody names what is in a model: its constructor makes it known.
fn link(dir: &Path, library: &str) {
    println!("cargo:rustc-link-search=native={}", dir.display());
    println!("cargo:rustc-link-lib=static:+whole-archive={library}");
}

fn out_dir() -> Result<PathBuf, Error> {
    env::var_os("OUT_DIR").map(PathBuf::from).ok_or(Error::NoOutDir)
}
