//! Vivado projects, as far as they can be looked at without Vivado: the script runs in Tcl with commands that record their
//! calls, Yosys elaborates shell and accelerator, ports are compared with the vendor's, pins with the board's file.

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::{Command, Output},
};

use common::{small, written};
use hotloop_boards::{
    all, find,
    image::Image,
    manifest::{sha256, Kind, Source},
    vivado::{counted, Block, Project, ProjectError, COUNTS},
    Board, Family, Link,
};
use hotloop_hdl::{datapath::PortDirection, Config};

/// Every board that Vivado serves.
fn boards() -> Vec<Board> {
    all().unwrap().into_iter().filter(|board| board.link == Link::Pcie).collect()
}

fn run(program: &str, args: &[&str]) -> Output {
    Command::new(program).args(args).output().unwrap_or_else(|e| panic!("{program}: {e}"))
}

/// Vivado's commands, recorded. A command that is not in the list is an error, as is a setting that `ip` does not know.
const STUBS: &str = r#"
set calls {}
foreach command {
    create_project add_files create_ip set_property generate_target update_compile_order launch_runs wait_on_run open_run
    close_design report_utilization report_timing_summary write_cfgmem
} {
    proc $command {args} "lappend ::calls \[list $command {*}\$args\]"
}
proc current_project {} { return project }
proc current_design {} { return design }
proc get_filesets {name} { return $name }
proc get_ips {name} { return $name }
proc get_runs {name} { return $name }
proc get_timing_paths {args} { return [lindex $args end] }
proc list_property {ip} { return $::env(KNOWN) }
proc get_property {name object} {
    switch $name {
        PROGRESS { return $::env(PROGRESS) }
        SLACK { return $::env(SLACK) }
        DIRECTORY { return somewhere }
        default { error "no property $name" }
    }
}
proc write_bitstream {args} {
    lappend ::calls [list write_bitstream {*}$args]
    set file [open [lindex $args end] w]
    puts -nonewline $file [string repeat x $::env(BYTES)]
    close $file
}
set script [lindex $argv 0]
set file [open $script]
set text [read $file]
close $file
if {![info complete $text]} { error "the script ends in the middle of a command" }
set argv [lrange $argv 1 end]
rename info tcl_info
proc info {what args} {
    if {$what eq "script"} { return $::script }
    uplevel 1 [list tcl_info $what {*}$args]
}
source $script
foreach call $calls { puts [join $call "\t"] }
"#;

/// Runs the script of a project; `vivado` says what Vivado answers.
fn tclsh(folder: &Path, board: &Board, project: &Project, vivado: &[(&str, &str)], args: &[&str]) -> Output {
    let stubs = folder.join("stubs.tcl");
    fs::write(&stubs, STUBS).unwrap();
    let known: BTreeSet<String> =
        project.ips.iter().flat_map(|ip| &ip.settings).map(|(key, _)| format!("CONFIG.{key}")).collect();
    let known = known.into_iter().collect::<Vec<_>>().join(" ");
    let script = folder.join(format!("{}-project.tcl", board.name));
    let mut command = Command::new("tclsh");
    command.arg(stubs).arg(script).args(args);
    command.envs([("KNOWN", known.as_str()), ("PROGRESS", "100%"), ("SLACK", "0.1"), ("BYTES", "1000")]);
    command.envs(vivado.iter().copied()).output().unwrap_or_else(|e| panic!("tclsh: {e}"))
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_script_runs_in_tcl() {
    for board in boards() {
        let project = small(&board);
        let folder = written("tcl", &board, &project);
        let output = tclsh(&folder, &board, &project, &[], &[]);
        assert!(output.status.success(), "{}: {}", board.name, String::from_utf8_lossy(&output.stderr));
        let calls = String::from_utf8_lossy(&output.stdout).into_owned();
        let calls: Vec<Vec<&str>> = calls.lines().map(|line| line.split('\t').collect()).collect();
        let of = |name: &str| calls.iter().filter(|call| call[0] == name).collect::<Vec<_>>();
        assert!(of("create_project")[0].contains(&board.part.as_str()));
        // Every file of the project is added, and is there.
        let added: BTreeSet<&str> = of("add_files").iter().map(|call| *call.last().unwrap()).collect();
        assert_eq!(added.len(), project.files.len() - 1);
        for (name, _) in &project.files[1..] {
            let path = folder.join(name);
            assert!(added.contains(path.to_str().unwrap()) && path.is_file(), "{name}");
        }
        let ips: Vec<&str> = of("create_ip").iter().map(|call| *call.last().unwrap()).collect();
        assert_eq!(ips, project.ips.iter().map(|ip| ip.block.module.as_str()).collect::<Vec<_>>());
        assert_eq!(of("generate_target").len(), ips.len());
        let flash = of("write_cfgmem")[0].join(" ");
        let user = board.flash.slots.iter().find(|slot| slot.offset > 0).unwrap();
        for part in [
            format!("-interface spix{} ", board.flash.width),
            format!("-size {} ", board.flash.bytes >> 20),
            format!("up 0x{:08x} ", user.offset),
        ] {
            assert!(flash.contains(&part), "{part} is not in {flash}");
        }
    }
}

#[test]
fn the_golden_image_jumps_to_the_user_image() {
    let board = find("acorn-cle215", None).unwrap();
    let project = small(&board);
    let folder = written("golden", &board, &project);
    let output = tclsh(&folder, &board, &project, &[], &["golden"]);
    let calls = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(calls.contains("BITSTREAM.CONFIG.NEXT_CONFIG_ADDR\t0x00a00000"), "{calls}");
    assert!(calls.contains("up 0x00000000 "), "{calls}");
    let output = tclsh(&folder, &board, &project, &[], &[]);
    assert!(!String::from_utf8_lossy(&output.stdout).contains("NEXT_CONFIG_ADDR"));
}

#[test]
fn the_script_stops_where_vivado_says_no() {
    let board = find("kc705", None).unwrap();
    let project = small(&board);
    let folder = written("stops", &board, &project);
    let image = folder.join("kc705/results/kc705-user.bit");
    let refused = |vivado: &[(&str, &str)]| {
        let _ = fs::remove_file(&image);
        error(&tclsh(&folder, &board, &project, vivado, &[]))
    };
    assert!(refused(&[("PROGRESS", "42%")]).contains("synth_1 failed"));
    assert!(refused(&[("SLACK", "-0.1")]).contains("timing is not met") && !image.exists());
    assert!(refused(&[("KNOWN", "CONFIG.NO_OF_LANES")]).contains("axi_pcie 2.9 has no setting INCLUDE_RC"));
    assert!(refused(&[("BYTES", "8388609")]).contains("slot user only 8388608"));
}

/// Yosys elaborates a project's Verilog with its IP as black boxes; the vendor's cells are those of Yosys' own library.
fn elaborate(test: &str, board: &Board, project: &Project) -> String {
    let folder = written(test, board, project);
    let boxes = folder.join("boxes.v");
    let text: String = project.ips.iter().map(|ip| ip.block.black_box()).collect();
    fs::write(&boxes, text).unwrap();
    let sources: Vec<String> = project
        .files
        .iter()
        .filter(|(name, _)| name.ends_with(".v"))
        .map(|(name, _)| folder.join(name).display().to_string())
        .collect();
    let script = format!(
        "read_verilog -lib +/xilinx/cells_sim.v +/xilinx/cells_xtra.v; read_verilog {} {}; hierarchy -check -top shell; \
         proc; check -assert; stat",
        boxes.display(),
        sources.join(" ")
    );
    let output = run("yosys", &["-p", &script]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}: {}", board.name, String::from_utf8_lossy(&output.stderr));
    // Yosys cuts and pads without a word at ports of black boxes; widths are what the shell's generator checks.
    assert!(!text.contains("Warning: Resizing cell port"), "{}: a port's width is wrong", board.name);
    text
}

#[test]
fn yosys_elaborates_every_shell() {
    for board in boards() {
        let text = elaborate("yosys", &board, &small(&board));
        let (buffer, monitor) = match board.family {
            Family::Series7 => ("IBUFDS_GTE2", "XADC"),
            Family::Ultrascale => ("IBUFDS_GTE3", "SYSMONE1"),
            _ => ("IBUFDS_GTE4", "SYSMONE4"),
        };
        for cell in [buffer, monitor, "bridge", "accelerator_clock", "bar_lite", "host_clocks"] {
            assert!(text.contains(cell), "{}: there is no {cell}", board.name);
        }
        // What was read of the library is named before the count of cells.
        let (_, placed) = text.split_once("Printing statistics").unwrap();
        let startup = match board.family {
            Family::Series7 => "STARTUPE2",
            _ => "STARTUPE3",
        };
        let port = board.flash_port().is_ok();
        assert_eq!(placed.contains(startup) && placed.contains("flash_port"), port, "{}", board.name);
        assert_eq!(placed.contains("STARTUPE") || placed.contains("flash_port"), port, "{}", board.name);
    }
}

/// The shell's cells have the ports of the vendor's library, as Yosys has it, each with its width.
#[test]
fn cells_have_the_ports_of_the_library() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("library");
    fs::create_dir_all(&folder).unwrap();
    let mut compared = BTreeSet::new();
    for name in ["acorn-cle215", "kcu105", "vcu118"] {
        for cell in &small(&find(name, None).unwrap()).cells {
            let file = folder.join(format!("{}.json", cell.module));
            // Without `-lib`, which would leave only black boxes, ports are those of modules.
            let script = format!(
                "read_verilog -lib +/xilinx/cells_sim.v +/xilinx/cells_xtra.v; setattr -mod -unset blackbox {0}; \
                 setattr -mod -set top 1 {0}; hierarchy -purge_lib -top {0}; write_json {1}",
                cell.module,
                file.display()
            );
            let output = run("yosys", &["-q", "-p", &script]);
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let json: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
            let library: BTreeMap<String, (bool, usize)> = json["modules"][&cell.module]["ports"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, port)| {
                    (name.clone(), (port["direction"] == "input", port["bits"].as_array().unwrap().len()))
                })
                .collect();
            let own = cell
                .ports
                .iter()
                .map(|port| (port.name.clone(), (port.direction == PortDirection::In, port.width as usize)));
            assert_eq!(own.collect::<BTreeMap<_, _>>(), library, "{}", cell.module);
            compared.insert(cell.module.clone());
        }
    }
    assert!(["STARTUPE2", "STARTUPE3"].iter().all(|cell| compared.contains(*cell)), "{compared:?}");
}

/// The whole of a board of each family: engines with their clocks, products of the vendor's cells, and as many of those as
/// the manifest says.
#[test]
fn yosys_elaborates_a_whole_board() {
    for (name, cell) in [("acorn-cle215", "DSP48E1"), ("kcu105", "DSP48E2"), ("c1100", "DSP48E2")] {
        let board = find(name, None).unwrap();
        let project = Project::new(&board).unwrap();
        let text = elaborate("whole", &board, &project);
        let (_, whole) = text.split_once("design hierarchy").unwrap();
        let count = whole
            .lines()
            .filter_map(|line| line.trim().strip_prefix(cell))
            .next_back()
            .map(|n| n.trim().parse::<u64>());
        assert_eq!(count, Some(Ok(project.estimate.multipliers)), "{name}");
    }
}

/// What `--synthesise` runs, on bus and rings alone: Yosys' cells are not far from the area model's sums.
#[test]
fn yosys_counts_an_accelerator() {
    for name in ["acorn-cle215", "vcu118"] {
        let board = find(name, None).unwrap();
        let project = small(&board);
        let folder = written("counts", &board, &project).join(name);
        let output = Command::new("yosys").arg("-q").args(project.yosys(&board)).current_dir(&folder).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let yosys = counted(&fs::read_to_string(folder.join(COUNTS)).unwrap()).unwrap();
        println!("{name}: model {:?}, Yosys {yosys:?}", project.estimate);
        let near = |a: u64, b: u64| a.abs_diff(b) * 3 <= a.max(b);
        assert!(near(yosys.luts, project.estimate.luts) && near(yosys.registers, project.estimate.registers), "{name}");
        assert_eq!((yosys.multipliers, yosys.memories), (project.estimate.multipliers, project.estimate.memories));
    }
}

/// The image that Vivado makes gets its manifest where it is the project's, and only there.
#[test]
fn an_image_of_the_project_gets_a_manifest() {
    let board = find("kc705", None).unwrap();
    let project = small(&board);
    let own = Image {
        idcode: board.idcode | 0x3000_0000,
        part: Some("7k325tffg900".into()),
        user_id: Some(project.build_id as u32),
        version: Some("2021.1".into()),
    };
    let manifest =
        |image: &Image, bytes: &[u8]| project.image_manifest(&board, None, ("a.bit", bytes), image, Some(201.5));
    let made = manifest(&own, b"image").unwrap();
    assert_eq!((made.kind, made.file.as_str(), made.fmax_mhz), (Kind::Bitstream, "a.bit", Some(201.5)));
    assert_eq!((made.sha256, made.tools["vivado"].as_str()), (sha256(b"image"), "2021.1"));
    let refused = |image: Image, bytes: &[u8]| manifest(&image, bytes).unwrap_err().to_string();
    assert!(refused(Image { idcode: 0x0363_6093, ..own.clone() }, b"").contains("IDCODE 0x03636093"));
    assert!(refused(Image { user_id: Some(0), ..own.clone() }, b"").contains("another project"));
    assert!(refused(Image { user_id: None, ..own.clone() }, b"").contains("USERID is none"));
    assert!(refused(own, &vec![0; 0x80_0001]).contains("user slot"));
}

/// Ports as the vendor's tools printed them for an instance of the IP: name and width, `<` driven by the IP. Data, IDs and
/// lanes, which depend on the settings, are `d`, `s` (strobes), `i` and `l`.
const XDMA: &str = "sys_clk 1 sys_clk_gt 1 sys_rst_n 1 user_lnk_up <1 pci_exp_txp <l pci_exp_txn <l pci_exp_rxp l \
    pci_exp_rxn l axi_aclk <1 axi_aresetn <1 usr_irq_req 2 usr_irq_ack <2 msi_enable <1 msi_vector_width <3 \
    m_axib_awid <i m_axib_awaddr <64 m_axib_awlen <8 m_axib_awsize <3 m_axib_awburst <2 m_axib_awprot <3 m_axib_awvalid <1 \
    m_axib_awready 1 m_axib_awlock <1 m_axib_awcache <4 m_axib_wdata <d m_axib_wstrb <s m_axib_wlast <1 m_axib_wvalid <1 \
    m_axib_wready 1 m_axib_bid i m_axib_bresp 2 m_axib_bvalid 1 m_axib_bready <1 m_axib_arid <i m_axib_araddr <64 \
    m_axib_arlen <8 m_axib_arsize <3 m_axib_arburst <2 m_axib_arprot <3 m_axib_arvalid <1 m_axib_arready 1 \
    m_axib_arlock <1 m_axib_arcache <4 m_axib_rid i m_axib_rdata d m_axib_rresp 2 m_axib_rlast 1 m_axib_rvalid 1 \
    m_axib_rready <1 s_axib_awid i s_axib_awaddr 64 s_axib_awregion 4 s_axib_awlen 8 s_axib_awsize 3 s_axib_awburst 2 \
    s_axib_awvalid 1 s_axib_awready <1 s_axib_wdata d s_axib_wstrb s s_axib_wlast 1 s_axib_wvalid 1 s_axib_wready <1 \
    s_axib_bid <i s_axib_bresp <2 s_axib_bvalid <1 s_axib_bready 1 s_axib_arid i s_axib_araddr 64 s_axib_arregion 4 \
    s_axib_arlen 8 s_axib_arsize 3 s_axib_arburst 2 s_axib_arvalid 1 s_axib_arready <1 s_axib_rid <i s_axib_rdata <d \
    s_axib_rresp <2 s_axib_rlast <1 s_axib_rvalid <1 s_axib_rready 1";
const AXI_PCIE: &str = "axi_aresetn 1 user_link_up <1 axi_aclk_out <1 axi_ctl_aclk_out <1 mmcm_lock <1 interrupt_out <1 \
    INTX_MSI_Request 1 INTX_MSI_Grant <1 MSI_enable <1 MSI_Vector_Num 5 MSI_Vector_Width <3 s_axi_awid i s_axi_awaddr 32 \
    s_axi_awregion 4 s_axi_awlen 8 s_axi_awsize 3 s_axi_awburst 2 s_axi_awvalid 1 s_axi_awready <1 s_axi_wdata d \
    s_axi_wstrb s s_axi_wlast 1 s_axi_wvalid 1 s_axi_wready <1 s_axi_bid <i s_axi_bresp <2 s_axi_bvalid <1 s_axi_bready 1 \
    s_axi_arid i s_axi_araddr 32 s_axi_arregion 4 s_axi_arlen 8 s_axi_arsize 3 s_axi_arburst 2 s_axi_arvalid 1 \
    s_axi_arready <1 s_axi_rid <i s_axi_rdata <d s_axi_rresp <2 s_axi_rlast <1 s_axi_rvalid <1 s_axi_rready 1 \
    m_axi_awaddr <32 m_axi_awlen <8 m_axi_awsize <3 m_axi_awburst <2 m_axi_awprot <3 m_axi_awvalid <1 m_axi_awready 1 \
    m_axi_awlock <1 m_axi_awcache <4 m_axi_wdata <d m_axi_wstrb <s m_axi_wlast <1 m_axi_wvalid <1 m_axi_wready 1 \
    m_axi_bresp 2 m_axi_bvalid 1 m_axi_bready <1 m_axi_araddr <32 m_axi_arlen <8 m_axi_arsize <3 m_axi_arburst <2 \
    m_axi_arprot <3 m_axi_arvalid <1 m_axi_arready 1 m_axi_arlock <1 m_axi_arcache <4 m_axi_rdata d m_axi_rresp 2 \
    m_axi_rlast 1 m_axi_rvalid 1 m_axi_rready <1 pci_exp_txp <l pci_exp_txn <l pci_exp_rxp l pci_exp_rxn l REFCLK 1 \
    s_axi_ctl_awaddr 32 s_axi_ctl_awvalid 1 s_axi_ctl_awready <1 s_axi_ctl_wdata 32 s_axi_ctl_wstrb 4 s_axi_ctl_wvalid 1 \
    s_axi_ctl_wready <1 s_axi_ctl_bresp <2 s_axi_ctl_bvalid <1 s_axi_ctl_bready 1 s_axi_ctl_araddr 32 s_axi_ctl_arvalid 1 \
    s_axi_ctl_arready <1 s_axi_ctl_rdata <32 s_axi_ctl_rresp <2 s_axi_ctl_rvalid <1 s_axi_ctl_rready 1";

/// Sources: `xdma`: stub of version 4.1 in bridge mode by Vivado 2021.1, with PG194's table of the slave interface and two
/// interrupts; `axi_pcie`: component declaration of version 2.9 (PG055 has the same). Lower half of the list of inputs:
/// every one of them is connected.
#[test]
fn the_bridges_have_the_vendors_ports() {
    for (name, list, data, lanes) in
        [("vcu118", XDMA, 512, 16), ("kcu116", XDMA, 256, 8), ("acorn-cle215", AXI_PCIE, 128, 4)]
    {
        let project = small(&find(name, None).unwrap());
        let block: &Block = &project.ips.iter().find(|ip| ip.block.module == "bridge").unwrap().block;
        let words: Vec<&str> = list.split_whitespace().collect();
        let documented: BTreeMap<&str, (PortDirection, u32)> = words
            .chunks(2)
            .map(|pair| {
                let (direction, width) = match pair[1].strip_prefix('<') {
                    Some(width) => (PortDirection::Out, width),
                    None => (PortDirection::In, pair[1]),
                };
                let width = match width {
                    "d" => data,
                    "s" => data / 8,
                    "i" => 4,
                    "l" => lanes,
                    number => number.parse().unwrap(),
                };
                (pair[0], (direction, width))
            })
            .collect();
        let own: BTreeMap<&str, (PortDirection, u32)> =
            block.ports.iter().map(|port| (port.name.as_str(), (port.direction, port.width))).collect();
        for (port, shape) in &own {
            assert_eq!(documented.get(port), Some(shape), "{name}: {port}");
        }
        for (port, _) in documented.iter().filter(|(_, (direction, _))| *direction == PortDirection::In) {
            assert!(own.contains_key(port), "{name}: input {port} is left open");
        }
    }
}

#[test]
fn pins_are_those_of_the_board() {
    for board in boards() {
        let project = small(&board);
        let (_, text) = project.files.iter().find(|(name, _)| name.ends_with("pins.xdc")).unwrap();
        let placed: BTreeMap<&str, &str> = text
            .lines()
            .filter_map(|line| {
                line.strip_prefix("set_property PACKAGE_PIN ")?.strip_suffix("}]")?.split_once(" [get_ports {")
            })
            .map(|(pin, port)| (port, pin))
            .collect();
        let pcie = board.pcie.as_ref().unwrap();
        for lane in 0..pcie.lanes as usize {
            let lists = [("rx_p", &pcie.rx_p), ("rx_n", &pcie.rx_n), ("tx_p", &pcie.tx_p), ("tx_n", &pcie.tx_n)];
            for (name, list) in lists {
                assert_eq!(placed[format!("pcie_{name}[{lane}]").as_str()], list[lane], "{}", board.name);
            }
        }
        assert_eq!([placed["pcie_clock_p"], placed["pcie_clock_n"]], [&pcie.clock[0], &pcie.clock[1]]);
        assert_eq!(placed["pcie_reset_n"], pcie.reset);
        for tie in &board.ties {
            assert_eq!(placed[tie.name.as_str()], tie.pin);
        }
        let wires = ["select_n", "mosi", "miso", "write_protect_n", "hold_n"].map(|wire| format!("flash_{wire}"));
        match &board.flash.pins {
            None => assert!(!text.contains("flash_"), "{}", board.name),
            Some(flash) => {
                let (_, timing) = project.files.iter().find(|(name, _)| name.ends_with("timing.xdc")).unwrap();
                for (wire, pin) in wires.iter().zip([&flash.select].into_iter().chain(&flash.dq)) {
                    assert_eq!(placed[wire.as_str()], pin, "{}", board.name);
                    let port = format!("[get_ports {{{wire}}}]");
                    assert!(text.contains(&format!("IOSTANDARD {} {port}", flash.standard)), "{}: {wire}", board.name);
                    let way = if wire == "flash_miso" { "from" } else { "to" };
                    assert!(timing.contains(&format!("set_false_path -{way} {port}")), "{}: {wire}", board.name);
                }
            }
        }
        // Every bit of every port of the top has a pin, and no other.
        let (_, top) = project.files.iter().find(|(name, _)| name.ends_with("shell.v")).unwrap();
        let head = &top[..top.find(");").unwrap()];
        let bits: usize = head
            .lines()
            .filter(|line| line.contains("put wire"))
            .map(|line| {
                line.split_once('[').map_or(1, |(_, r)| r.split(':').next().unwrap().parse::<usize>().unwrap() + 1)
            })
            .sum();
        assert_eq!(placed.len(), bits, "{}", board.name);
    }
}

#[test]
fn the_whole_project_of_each_board() {
    for board in boards() {
        let project = Project::new(&board).unwrap_or_else(|e| panic!("{}: {e}", board.name));
        let manifest = project.manifest(&board, None, &[("hotloop", "0")]);
        assert_eq!((manifest.kind, manifest.utilisation.source), (Kind::Project, Source::Estimate));
        assert_eq!(manifest.sha256, sha256(project.files[0].1.as_bytes()));
        let u = &manifest.utilisation;
        for share in [u.multipliers, u.memories, u.luts, u.registers] {
            assert!(share.used > 0 && share.used <= share.available, "{}: {share:?}", board.name);
        }
        // The script holds the hash of every other file, and each has its name once.
        let names: BTreeSet<&str> = project.files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), project.files.len());
        for (name, text) in &project.files[1..] {
            let line = format!("# sha256 {} {name}\n", sha256(text.as_bytes()));
            assert!(project.files[0].1.contains(&line), "{name}");
        }
        let (_, configuration) = project.files.iter().find(|(name, _)| name.ends_with("configuration.xdc")).unwrap();
        assert!(configuration.contains(&format!("USERID 0x{:08x}", project.build_id as u32)));
        // The register has the same identity.
        let registers = project.files.iter().find(|(name, _)| name.ends_with("register_file.v")).unwrap();
        assert!(registers.1.contains(&format!("{:x}", project.build_id as u32)), "{}", board.name);
    }
}

/// Constraints find the registers behind another clock's wires by their names, and no others.
#[test]
fn crossings_are_constrained_and_nothing_else() {
    let project = Project::new(&find("acorn-cle215", None).unwrap()).unwrap();
    let (_, timing) = project.files.iter().find(|(name, _)| name.ends_with("timing.xdc")).unwrap();
    for label in ["crossing", "crossed"] {
        assert!(timing.contains(&format!("*{label}_*_reg*")), "{timing}");
        let holds = |text: &str| text.lines().any(|line| line.contains("reg ") && line.contains(&format!(" {label}_")));
        let named = project.files.iter().filter(|(name, text)| name.ends_with(".v") && holds(text));
        let modules: BTreeSet<&str> = named.map(|(name, _)| name.rsplit('/').next().unwrap()).collect();
        assert_eq!(modules, BTreeSet::from(["irq_events.v", "irq_sender.v", "reset_sync.v"]), "{label}");
    }
}

/// What is not generated by the datapath layer or by this crate is not in a project.
#[test]
fn no_verilog_is_written_by_hand() {
    let project = Project::new(&find("acorn-cle215", None).unwrap()).unwrap();
    for (name, text) in project.files.iter().filter(|(name, _)| name.ends_with(".v")) {
        let generated = text.starts_with("// Generated by hotloop-") || name.contains("/ctl_");
        assert!(generated, "where does {name} come from?");
    }
}

#[test]
fn what_has_no_project_says_why() {
    let ecp5 = find("ecpix5-85", None).unwrap();
    assert!(matches!(Project::new(&ecp5), Err(ProjectError::Board { .. })));
    let mut board = find("kc705", None).unwrap();
    board.preset = "none".into();
    assert!(matches!(Project::new(&board), Err(ProjectError::Preset { .. })));
    let mut board = find("kc705", None).unwrap();
    board.pcie.as_mut().unwrap().generation = 3;
    let message = Project::with(&board, &Config::link(), 200).unwrap_err().to_string();
    assert!(message.contains("generation 3 with 8 lanes"), "{message}");
}
