//! `hotloop emit`: Verilog and register map.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hotloop_hdl::{
    accelerator,
    presets::{Preset, BOARDS},
    registers, Config,
};
use serde_json::json;

use crate::{
    output::{write_file, Failure, Output},
    presets::{area_json, area_lines},
};

/// What to emit.
#[derive(Args)]
pub struct EmitArgs {
    /// Preset.
    #[arg(long, default_value = "sim")]
    preset: String,
    /// Folder for `<module>.v`, `waivers.vlt` and `regs.json`; made if missing.
    #[arg(long, required_unless_present = "docs")]
    out: Option<PathBuf>,
    /// Write the register map as a page of documentation instead.
    #[arg(long, conflicts_with = "out")]
    docs: Option<PathBuf>,
}

/// Runs the command.
pub fn run(args: &EmitArgs, output: &Output) -> Result<ExitCode, Failure> {
    if let Some(page) = &args.docs {
        write_file(page, registers::markdown().as_bytes())?;
        let object = json!({ "files": [page] });
        output.result(&object, &[format!("wrote {}", page.display())])?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(folder) = &args.out else { return Err(Failure::usage("--out is missing")) };
    let config = Config::preset(&args.preset).ok_or_else(|| {
        let boards: Vec<&str> = BOARDS.iter().map(|preset| preset.name).collect();
        let known = [Config::PRESETS, Config::SET_PRESETS, &boards].concat().join(", ");
        Failure::usage(format!("there is no preset `{}`; there is: {known}", args.preset))
    })?;
    std::fs::create_dir_all(folder)
        .map_err(|e| Failure::message(format!("cannot make folder {}: {e}", folder.display())))?;
    let design = accelerator::design(&config);
    let mut files = Vec::new();
    let mut put = |name: String, text: &str| -> Result<(), Failure> {
        let path: PathBuf = Path::new(folder).join(name);
        write_file(&path, text.as_bytes())?;
        files.push(path);
        Ok(())
    };
    for file in design.verilog() {
        put(format!("{}.v", file.name), &file.text)?;
    }
    put("waivers.vlt".into(), &accelerator::waivers())?;
    put("regs.json".into(), &registers::json())?;
    let multipliers = accelerator::multipliers_of(&design);
    let top = design.top().name();
    let mut object = json!({ "preset": args.preset, "top": top, "multipliers": multipliers, "files": files });
    let mut lines = vec![
        format!("preset {}: {} files in {}, top module `{top}`", args.preset, files.len(), folder.display()),
        format!("{multipliers} multipliers of 64 × 64 bits"),
    ];
    if let Some(preset) = Preset::named(&args.preset) {
        let estimate = design.top().area(preset.part.family);
        object["area"] = area_json(preset, &estimate);
        lines.extend(area_lines(preset, &estimate));
    }
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}
