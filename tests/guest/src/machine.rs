//! The host's side: an initramfs, and a QEMU that boots it.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{channel, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

/// Why there was no guest, or not the one that was wanted.
pub type Done<T = ()> = Result<T, String>;

/// Packages for guests: the kernel, a shell for it, and lspci; and QEMU.
const SYSTEM: &[&str] = &["linux-image-cloud-amd64", "busybox-static", "pciutils"];
const QEMU: &[&str] = &["qemu-system-x86"];
/// Modules of the kernel, in the order of loading; what a kernel has not (or has built in) is left out.
const MODULES: &[&str] = &["irqbypass", "vfio", "vfio_virqfd", "vfio_iommu_type1", "vfio-pci-core", "vfio-pci"];

/// Folders with packages unpacked.
pub struct Bundle {
    root: PathBuf,
}

impl Bundle {
    /// Kernel and shell, of this machine's Debian.
    pub fn system(build: &Path) -> Done<Bundle> {
        Bundle::fetch(&build.join("guest-system"), "stock", SYSTEM)
    }

    /// QEMU of this machine's Debian.
    pub fn stock_qemu(build: &Path) -> Done<Bundle> {
        Bundle::fetch(&build.join("guest-qemu-stock"), "stock", QEMU)
    }

    /// A QEMU with `vfio-user-pci`, of Debian's newer suites.
    pub fn new_qemu(build: &Path) -> Done<Bundle> {
        Bundle::fetch(&new_qemu_folder(build), "new", QEMU)
    }

    /// For tests that everybody runs: where a bundle cannot be had (no Debian, no network), `None` and a word about it; an
    /// error where `CI` is set, as for Verilator.
    pub fn or_skip<T>(bundle: Done<T>) -> Option<T> {
        match bundle {
            Ok(bundle) => Some(bundle),
            Err(reason) if std::env::var_os("CI").is_none_or(|value| value.is_empty() || value == "false") => {
                // Past the harness, which keeps what tests that pass print to itself.
                let _ = writeln!(std::io::stderr(), "\nNOT RUN: {reason}");
                None
            }
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Packages and all that they need, unpacked into `folder`: of the suites `stock` or `new` (`fetch.sh`).
    pub fn fetch(folder: &Path, suites: &str, packages: &[&str]) -> Done<Bundle> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("fetch.sh");
        let output = Command::new(script).arg(folder).arg(suites).args(packages).output().map_err(text)?;
        if output.status.success() {
            return Ok(Bundle { root: folder.join("root") });
        }
        Err(format!("{} cannot be had: {}", packages.join(", "), String::from_utf8_lossy(&output.stderr).trim()))
    }

    /// The loader with the bundle's libraries, ready for a program: it may be of a newer Debian than this machine.
    pub fn loader(&self) -> Done<Command> {
        let mut loader = Command::new(self.find("ld-linux-x86-64.so.2").ok_or("no loader among the packages")?);
        let folders = ["lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"];
        loader.arg("--library-path").arg(folders.map(|l| self.root.join(l).display().to_string()).join(":"));
        Ok(loader)
    }

    /// Any file of this name, at any depth.
    pub fn find(&self, name: &str) -> Option<PathBuf> {
        find(&self.root, &|file| file == name)
    }
}

/// Where the QEMU of Debian's newer suites is, if it was fetched before.
pub fn new_qemu_folder(build: &Path) -> PathBuf {
    build.join("guest-qemu-new")
}

fn find(folder: &Path, wanted: &dyn Fn(&str) -> bool) -> Option<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let file = entries.iter().find(|p| p.is_file() && p.file_name().and_then(|n| n.to_str()).is_some_and(wanted));
    let folders = || entries.iter().filter(|p| p.is_dir() && !p.is_symlink());
    file.cloned().or_else(|| folders().find_map(|folder| find(folder, wanted)))
}

/// An initramfs in the making: a cpio archive of the kind `newc`.
pub struct Image {
    bytes: Vec<u8>,
    names: Vec<String>,
}

impl Image {
    /// Busybox, the modules, and `script` as what runs first.
    pub fn new(system: &Bundle, script: &str) -> Done<Image> {
        let mut image = Image { bytes: Vec::new(), names: Vec::new() };
        for folder in ["bin", "dev", "proc", "sys", "tmp", "etc", "lib", "lib64", "lib/modules", "work"] {
            image.entry(folder, 0o040_755, &[]);
        }
        image.file("bin/busybox", &system.find("busybox").ok_or("no busybox in its package")?)?;
        let mut loads = String::new();
        for module in MODULES {
            if let Some(path) = system.find(&format!("{module}.ko")) {
                image.file(&format!("lib/modules/{module}.ko"), &path)?;
                loads.push_str(&format!("insmod /lib/modules/{module}.ko || echo 'guest: {module} FAILED to load'\n"));
            }
        }
        image.entry("etc/passwd", 0o100_644, b"root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/:/bin/sh\n");
        image.entry("etc/group", 0o100_644, b"root:x:0:\nuser:x:1000:\n");
        let init = format!(
            "#!/bin/busybox sh\n/bin/busybox --install -s /bin\nexport PATH=/bin\nmount -t proc none /proc\n\
             mount -t sysfs none /sys\nmount -t devtmpfs none /dev\n{loads}{script}\necho 'guest: end'\npoweroff -f\n"
        );
        image.entry("init", 0o100_755, init.as_bytes());
        Ok(image)
    }

    /// A program, with the libraries that it wants: those of its bundle, or of this machine.
    pub fn program(&mut self, name: &str, path: &Path, bundle: Option<&Bundle>) -> Done {
        self.file(&format!("bin/{name}"), path)?;
        let mut list = match bundle {
            None => Command::new("ldd"),
            Some(bundle) => {
                let mut loader = bundle.loader()?;
                loader.arg("--list");
                loader
            }
        };
        let output = list.arg(path).output().map_err(text)?;
        for word in String::from_utf8_lossy(&output.stdout).split_whitespace().filter(|word| word.starts_with('/')) {
            let name = Path::new(word).file_name().and_then(|n| n.to_str()).ok_or("a library without a name")?;
            // The loader where programs look for it, the rest where the loader does. Programs of different origin
            // share them: the first comes from this machine, which has built what matters.
            let folder = if name.starts_with("ld-") { "lib64" } else { "lib" };
            let place = format!("{folder}/{name}");
            if !self.names.contains(&place) {
                self.file(&place, &Path::new(word).canonicalize().map_err(text)?)?;
            }
        }
        Ok(())
    }

    /// Any file.
    pub fn file(&mut self, name: &str, path: &Path) -> Done {
        let data = std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
        self.entry(name, 0o100_755, &data);
        Ok(())
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) {
        self.names.push(name.to_owned());
        let fields =
            [self.names.len() as u32, mode, 0, 0, 1, 0, data.len() as u32, 0, 0, 0, 0, name.len() as u32 + 1, 0];
        self.bytes.extend_from_slice(b"070701");
        self.bytes.extend(fields.iter().flat_map(|field| format!("{field:08x}").into_bytes()));
        self.bytes.extend_from_slice(name.as_bytes());
        self.bytes.push(0);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn write(mut self, path: &Path) -> Done {
        self.entry("TRAILER!!!", 0, &[]);
        std::fs::write(path, &self.bytes).map_err(|error| format!("{}: {error}", path.display()))
    }
}

/// A machine that is to boot.
pub struct Machine<'a> {
    /// Kernel and modules.
    pub system: &'a Bundle,
    /// The emulator.
    pub qemu: &'a Bundle,
    /// Where its files go; made anew.
    pub folder: PathBuf,
    /// Devices besides the IOMMU, in the words of `-device`.
    pub devices: Vec<String>,
    /// Megabytes of memory.
    pub memory: u32,
    /// The whole run may take so long.
    pub time: Duration,
}

/// QEMU, ended when this goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Machine<'_> {
    /// Boots, and returns all lines that the guest printed. `hear` is given each, with a way to say something to QEMU's
    /// monitor. An error: the guest did not come to its end in time, or one of its lines says `FAILED`.
    pub fn run(&self, image: Image, mut hear: impl FnMut(&str, &dyn Fn(&str) -> Done)) -> Done<Vec<String>> {
        std::fs::create_dir_all(&self.folder).map_err(text)?;
        let (initrd, monitor) = (self.folder.join("initrd"), self.folder.join("monitor"));
        image.write(&initrd)?;
        let _ = std::fs::remove_file(&monitor);
        let mut child = Running(
            self.command(&initrd, &monitor)?
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::inherit())
                .spawn()
                .map_err(|error| format!("QEMU does not start: {error}"))?,
        );
        let stdout = child.0.stdout.take().ok_or("QEMU has no output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The serial line may carry anything.
            for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let tell = |words: &str| -> Done {
            let mut stream = UnixStream::connect(&monitor).map_err(text)?;
            stream.write_all(format!("{words}\n").as_bytes()).map_err(text)?;
            // The monitor takes the words when it has greeted; it is left when it has.
            thread::sleep(Duration::from_millis(300));
            Ok(())
        };
        let (start, mut heard) = (Instant::now(), Vec::new());
        loop {
            let left = self.time.saturating_sub(start.elapsed());
            match lines.recv_timeout(left) {
                Ok(line) => {
                    hear(&line, &tell);
                    heard.push(line);
                }
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("not at its end after {:?}:\n{}", self.time, heard.join("\n")));
                }
            }
        }
        let failed = heard.iter().any(|line| line.contains("FAILED") || line.contains("Kernel panic"));
        if failed || !heard.iter().any(|line| line.ends_with("guest: end")) {
            return Err(heard.join("\n"));
        }
        Ok(heard)
    }

    fn command(&self, initrd: &Path, monitor: &Path) -> Done<Command> {
        let root = &self.qemu.root;
        let kernel = find(&self.system.root.join("boot"), &|name| name.starts_with("vmlinuz-"));
        let mut command = self.qemu.loader()?;
        command.arg(root.join("usr/bin/qemu-system-x86_64"));
        command.env("QEMU_MODULE_DIR", root.join("usr/lib/x86_64-linux-gnu/qemu"));
        for data in ["usr/share/qemu", "usr/share/seabios", "usr/lib/ipxe/qemu"] {
            command.arg("-L").arg(root.join(data));
        }
        let memory = self.memory;
        command
            .args(["-M", "q35,kernel-irqchip=split,accel=tcg,memory-backend=mem", "-cpu", "max"])
            .args([
                "-m",
                &memory.to_string(),
                "-object",
                &format!("memory-backend-memfd,id=mem,size={memory}M,share=on"),
            ])
            .args(["-nographic", "-no-reboot", "-nodefaults", "-vga", "none", "-serial", "stdio"])
            .arg("-monitor")
            .arg(format!("unix:{},server=on,wait=off", monitor.display()))
            .arg("-kernel")
            .arg(kernel.ok_or("no kernel in its package")?)
            .arg("-initrd")
            .arg(initrd)
            .args(["-append", "console=ttyS0 intel_iommu=on panic=-1 quiet"])
            .args(["-device", "intel-iommu,intremap=on,caching-mode=on"]);
        for device in &self.devices {
            command.args(["-device", device]);
        }
        Ok(command)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
