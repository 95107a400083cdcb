//! Vivado's hardware manager, by a Tcl script at its standard input. What the script prints is spelt otherwise in the
//! script itself, which Vivado may repeat. Written from the vendor's manuals (UG908, UG835); not
//! run here, where there is no Vivado.

use std::time::Duration;

use super::{early, hex_after, late, Backend, NotThere, Target, Work};
use crate::{cable::Cable, run::Call};

pub const BACKEND: Backend = Backend {
    name: "vivado",
    install: "Vivado or the smaller Vivado Lab Edition from AMD; put it in PATH (source settings64.sh)",
    call,
    tells_idcode: true,
    idcode: |output| hex_after(output, "HOTLOOP_IDCODE").map(|idcode| (idcode, u32::MAX)),
    usercode: |output| hex_after(output, "HOTLOOP_USERCODE"),
    done: |output| output.contains("HOTLOOP_DONE"),
    written: |_| false,
    signs: &[
        early(
            "No hardware targets",
            "hw_server sees no cable: is it plugged in, the board on, and are the cable drivers installed \
                      (install_drivers of Vivado)?",
        ),
        early(
            "Failed to connect to hw_server",
            "no hw_server there: start it (`hw_server`), or check host and port of --cable vivado:HOST:PORT",
        ),
        early("already in use", "another program has the cable: close the other hardware manager"),
        late("End of startup status: LOW", "the part refused the image: DONE stays low"),
    ],
};

/// A word for Tcl that means itself: within braces nothing is read, so what would end them is refused.
fn word(text: &str) -> Result<String, NotThere> {
    if text.contains(['{', '}', '\\', '\n']) {
        return Err(NotThere(format!(
            "`{text}` has a brace or a backslash, which the Tcl for Vivado cannot name; move it"
        )));
    }
    Ok(format!("{{{text}}}"))
}

fn call(target: &Target, work: Work) -> Result<Call, NotThere> {
    let server = match &target.cable {
        Cable::Vivado { host, port } => format!("{host}:{port}"),
        _ => "localhost:3121".into(),
    };
    let open = format!(
        "open_hw_manager; connect_hw_server -url {server}; open_hw_target; set d [lindex [get_hw_devices] 0]; \
         current_hw_device $d; refresh_hw_device $d; puts \"HOTLOOP_[string toupper idcode] 0x[get_property IDCODE_HEX $d]\"; "
    );
    let work = match work {
        Work::Identify => String::new(),
        Work::Load(file) => format!(
            "set_property PROGRAM.FILE {} $d; program_hw_devices $d; refresh_hw_device $d; \
             puts \"HOTLOOP_[string toupper usercode] 0x[get_property REGISTER.USERCODE $d]\"; ",
            word(&file.display().to_string())?
        ),
        Work::Persist(file, offset) => {
            let Some(memory) = &target.memory else {
                return Err(NotThere(
                    "the board's file does not name its flash (`flash.memory`), which Vivado wants".into(),
                ));
            };
            if offset != 0 {
                let text = "Vivado takes an offset in the flash from an .mcs file only, and manifests have none yet: make one \
                            with write_cfgmem -loadbit {up OFFSET FILE}, and write it with Vivado's program_hw_cfgmem";
                return Err(NotThere(text.into()));
            }
            // Erased is only what the file covers.
            format!(
                "create_hw_cfgmem -hw_device $d [lindex [get_cfgmem_parts {}] 0]; set m [current_hw_cfgmem]; \
                 set_property PROGRAM.FILES [list {}] $m; set_property PROGRAM.ADDRESS_RANGE {{use_file}} $m; \
                 set_property PROGRAM.ERASE 1 $m; set_property PROGRAM.CFG_PROGRAM 1 $m; \
                 set_property PROGRAM.VERIFY 1 $m; \
                 create_hw_bitstream -hw_device $d [get_property PROGRAM.HW_CFGMEM_BITFILE $d]; program_hw_devices $d; \
                 program_hw_cfgmem -hw_cfgmem $m; ",
                word(memory)?,
                word(&file.display().to_string())?
            )
        }
    };
    let script = format!(
        "if {{[catch {{ {open}{work}puts \"HOTLOOP_[string toupper done]\" }} text]}} {{ puts stderr $text; exit 1 }}; exit 0\n"
    );
    Ok(Call {
        program: "vivado",
        arguments: ["-mode", "tcl", "-nolog", "-nojournal", "-notrace"].map(str::to_owned).into(),
        input: Some(script),
        limit: Duration::from_secs(3600),
    })
}
