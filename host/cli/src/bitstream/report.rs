//! `hotloop bitstream report`: what each board's image takes of its part and what it does a second. What place and route
//! measured and what is estimated never share a table.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use hotloop_boards::{
    manifest::{Kind, Manifest, Share, Source, Utilisation, SUFFIX},
    Board,
};
use hotloop_hdl::presets::Preset;
use serde_json::{json, Value};

use super::{board_failure, BoardsArgs, OUT};
use crate::output::{write_file, Failure, Output};

/// Where images are, and where the report goes.
#[derive(Args)]
pub struct ReportArgs {
    /// Folder of manifests: a board's image is `<board>.bitstream.json`.
    #[arg(long, default_value = OUT)]
    dir: PathBuf,
    /// Write it as a page of documentation, and a picture for each board into a folder of the page's name beside it.
    #[arg(long)]
    docs: Option<PathBuf>,
    #[command(flatten)]
    boards: BoardsArgs,
}

/// A board with what is known of its image.
struct Entry {
    board: Board,
    preset: &'static Preset,
    /// The manifest of a routed image.
    routed: Option<Manifest>,
    /// Without one: what the estimate is by.
    estimated_by: String,
    utilisation: Utilisation,
    /// The accelerator's clock: the image's, or the one that the preset assumes.
    clock_mhz: f64,
}

impl Entry {
    fn new(board: Board, dir: &Path) -> Result<Entry, Failure> {
        let text = || format!("board {} names preset `{}`, which this build does not have", board.name, board.preset);
        let preset = Preset::named(&board.preset).ok_or_else(|| Failure::message(text()))?;
        let path = dir.join(format!("{}{SUFFIX}", board.name));
        let routed = match path.exists() {
            true => Some(Manifest::load(&path).map_err(Failure::new)?),
            false => None,
        };
        // An image of another preset, or Vivado's, whose manifest has the estimate, is not what is looked for.
        let routed = routed.filter(|m| {
            m.kind == Kind::Bitstream && m.utilisation.source == Source::Routed && m.features.preset == board.preset
        });
        // Without an image, Yosys' estimate in the project's manifest is better than the area model's.
        let path = dir.join(format!("{}-project{SUFFIX}", board.name));
        let project = if path.exists() { Some(Manifest::load(&path).map_err(Failure::new)?) } else { None };
        let synthesised = project.filter(|m| m.kind == Kind::Project && m.features.preset == board.preset);
        let synthesised =
            synthesised.and_then(|m| m.tools.get("yosys").map(|version| (m.utilisation, version.clone())));
        let short = |version: &str| format!("Yosys {}", version.split(' ').next().unwrap_or_default());
        let estimated_by = synthesised.as_ref().map_or_else(|| "area model".into(), |(_, version)| short(version));
        let estimated = || synthesised.map_or_else(|| estimate(&board, preset), |(utilisation, _)| utilisation);
        let utilisation = routed.as_ref().map_or_else(estimated, |m| m.utilisation);
        let assumed = board.accelerator_mhz.unwrap_or_else(|| preset.clock_mhz.into());
        let clock_mhz = routed.as_ref().map_or(assumed, |m| m.clock_mhz);
        Ok(Entry { board, preset, routed, estimated_by, utilisation, clock_mhz })
    }

    /// Millions a second, with every unit busy.
    fn permutations(&self) -> f64 {
        self.clock_mhz * f64::from(self.preset.units) / f64::from(self.preset.cycles_per_permutation())
    }

    /// Millions a second: a transform of 2^n has n/2 butterflies for each value, and takes a value a lane and
    /// [`Preset::sharing`] cycles. Of the longest on chip, while it streams.
    fn butterflies(&self) -> f64 {
        let p = self.preset;
        self.clock_mhz * f64::from(p.lanes * p.max_log) / f64::from(2 * p.sharing)
    }

    fn shares(&self) -> [(&'static str, Share); 4] {
        let u = &self.utilisation;
        [
            ("multipliers", u.multipliers),
            ("memories", u.memories),
            ("look-up tables", u.luts),
            ("flip-flops", u.registers),
        ]
    }

    fn source(&self) -> &'static str {
        if self.routed.is_some() {
            "routed"
        } else {
            "estimate"
        }
    }

    fn json(&self) -> Value {
        json!({
            "board": self.board.name,
            "part": self.board.part,
            "preset": self.preset.name,
            "source": self.source(),
            "estimated_by": self.routed.is_none().then_some(&self.estimated_by),
            "utilisation": self.utilisation,
            "clock_mhz": self.clock_mhz,
            "fmax_mhz": self.routed.as_ref().and_then(|m| m.fmax_mhz),
            "mega_permutations_per_second_derived": self.permutations(),
            "mega_butterflies_per_second_derived": self.butterflies(),
        })
    }

    fn line(&self) -> String {
        let shares = self.shares().map(|(name, share)| format!("{} % {name}", percent(share)));
        format!(
            "{:14} {:8} {:8} {} MHz: {}; {:.1} M permutations a second, derived",
            self.board.name,
            self.preset.name,
            self.source(),
            self.clock_mhz,
            shares.join(", "),
            self.permutations()
        )
    }

    fn row(&self) -> String {
        let shares = self.shares().map(|(_, s)| format!("{} of {}: {} %", s.used, s.available, percent(s)));
        let fmax = self.routed.as_ref().map(|m| format!(" {:.1} MHz |", m.fmax_mhz.unwrap_or_default()));
        let by = if self.routed.is_none() { format!(" {} |", self.estimated_by) } else { String::new() };
        format!(
            "| {} | {} | {} | {} | {} MHz |{} {:.1} M | {} |",
            self.board.name,
            self.board.part,
            self.preset.name,
            shares.join(" | "),
            self.clock_mhz,
            fmax.unwrap_or(by),
            self.permutations(),
            if self.preset.lanes == 0 { "none".into() } else { format!("{:.0} M", self.butterflies()) }
        )
    }
}

/// What the area model says of the accelerator alone, against the board's part.
fn estimate(board: &Board, preset: &Preset) -> Utilisation {
    let (e, c) = (preset.estimate(), &board.capacity);
    let share = |used, available: u32| Share { used, available: available.into() };
    Utilisation {
        source: Source::Estimate,
        multipliers: share(e.multipliers, c.multipliers),
        memories: share(e.memories, c.ram_kilobits / 18),
        luts: share(e.luts, c.luts),
        registers: share(e.registers, c.flip_flops),
    }
}

fn percent(share: Share) -> u64 {
    100 * share.used / share.available.max(1)
}

/// Reports.
pub fn run(args: &ReportArgs, output: &Output) -> Result<ExitCode, Failure> {
    let boards = args.boards.folder().map_or_else(hotloop_boards::all, hotloop_boards::load).map_err(board_failure)?;
    let mut entries = Vec::new();
    for board in boards {
        output.progress(&format!("{} …", board.name));
        entries.push(Entry::new(board, &args.dir)?);
    }
    output.progress_done();
    if let Some(page) = &args.docs {
        let folder = page.with_extension("");
        let pictures = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        std::fs::create_dir_all(&folder)
            .map_err(|e| Failure::message(format!("cannot make folder {}: {e}", folder.display())))?;
        let mut files = vec![page.clone()];
        for entry in &entries {
            let path = folder.join(format!("{}.svg", entry.board.name));
            write_file(&path, picture(entry).as_bytes())?;
            files.push(path);
        }
        write_file(page, markdown(&entries, &pictures).as_bytes())?;
        let lines: Vec<String> = files.iter().map(|file| format!("wrote {}", file.display())).collect();
        output.result(&json!({ "files": files }), &lines)?;
        return Ok(ExitCode::SUCCESS);
    }
    let object = json!({ "boards": entries.iter().map(Entry::json).collect::<Vec<_>>() });
    output.result(&object, &entries.iter().map(Entry::line).collect::<Vec<_>>())?;
    Ok(ExitCode::SUCCESS)
}

const HEAD: &str = "\
# Boards: what images take and do

Written by `make bitstreams` (`hotloop bitstream report --docs docs/boards.md`); do not edit. Permutations and butterflies a
second are derived: what the preset's units do in a cycle, all of them busy, times the clock of the table. Butterflies are
those of the longest transform on chip.

";
const ROUTED: &str = "\
## Measured: placed and routed
By nextpnr-ecp5, from the image's manifest. The clock is what the PLL makes; timing allows fmax.

";
const ESTIMATED: &str = "\
## Estimated
Of the accelerator alone, without a shell or a link, against the part of the board: by the area model, or by the cells that
Yosys' `synth_xilinx` makes of it module by module (`bitstream build BOARD --project-only --synthesise`). The clock is an
assumption of the board's file, else of the preset. Nobody has placed and routed these here.

";

fn markdown(entries: &[Entry], pictures: &str) -> String {
    let columns = "| board | part | preset | multipliers | memories of 18 Kbit | look-up tables | flip-flops |";
    let mut page = HEAD.to_owned();
    // Writing into a `String` cannot fail.
    for routed in [true, false] {
        let some: Vec<&Entry> = entries.iter().filter(|e| e.routed.is_some() == routed).collect();
        page += if routed { ROUTED } else { ESTIMATED };
        if some.is_empty() {
            page += "None.\n\n";
            continue;
        }
        let clocks = if routed { " clock | fmax |" } else { " clock, assumed | estimated by |" };
        let _ = writeln!(page, "{columns}{clocks} permutations a second, derived | butterflies a second, derived |");
        let _ = writeln!(page, "{}", "|---".repeat(11) + "|");
        some.iter().for_each(|entry| page += &(entry.row() + "\n"));
        page.push('\n');
        for entry in some {
            let (name, source) = (&entry.board.name, entry.source());
            let _ = writeln!(page, "![{name}: what is taken of the part, {source}]({pictures}/{name}.svg)");
        }
        page.push('\n');
    }
    page.truncate(page.trim_end().len());
    page + "\n"
}

/// Bars: what is taken of each kind of cell.
fn picture(entry: &Entry) -> String {
    const WIDTH: u32 = 640;
    const LEFT: u32 = 130;
    const BAR: u32 = 300;
    const STEP: u32 = 26;
    const TOP: u32 = 40;
    let height = TOP + 4 * STEP + 8;
    let title = format!("{} ({}), {}", entry.board.name, entry.board.part, entry.source());
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" font-family=\"sans-serif\" \
         font-size=\"13\">\n<title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"white\"/>\n\
         <text x=\"8\" y=\"22\" font-weight=\"bold\">{title}</text>\n"
    );
    // What is estimated is drawn paler than what was measured.
    let colour = if entry.routed.is_some() { "#1f6f8b" } else { "#9cc3d0" };
    for (i, (name, share)) in (0u32..).zip(entry.shares()) {
        let (y, percent) = (TOP + i * STEP, percent(share));
        let width = u64::from(BAR) * percent.min(100) / 100;
        let x = LEFT + BAR + 8;
        let text = format!("{} of {}: {percent} %", share.used, share.available);
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            out,
            "<text x=\"8\" y=\"{0}\">{name}</text>\n<rect x=\"{LEFT}\" y=\"{y}\" width=\"{BAR}\" height=\"18\" fill=\"#eee\"/>\n\
             <rect x=\"{LEFT}\" y=\"{y}\" width=\"{width}\" height=\"18\" fill=\"{colour}\"/>\n<text x=\"{x}\" y=\"{0}\">{text}</text>",
            y + 14
        );
    }
    out + "</svg>\n"
}
