//! What can go wrong between a board and its image.

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The board's part is no ECP5.
    #[error("{board} has no ECP5: `hotloop bitstream build {board} --project-only` writes its project")]
    Board {
        /// The board.
        board: String,
    },
    /// nextpnr does not know the part.
    #[error(
        "{board}: nextpnr-ecp5 has no part `{part}`: it has LFE5U-, LFE5UM- and LFE5UM5G-12F, -25F, -45F and -85F"
    )]
    Part {
        /// The board.
        board: String,
        /// The part.
        part: String,
    },
    /// There is no such preset.
    #[error("there is no preset `{preset}`; `hotloop presets` lists them")]
    Preset {
        /// The preset.
        preset: String,
    },
    /// The PLL cannot make the clock.
    #[error("{board}: no dividers of an EHXPLLL make about {mhz} MHz from the oscillator's {from_mhz} MHz")]
    Pll {
        /// The board.
        board: String,
        /// The oscillator.
        from_mhz: f64,
        /// The clock that was asked for.
        mhz: f64,
    },
    /// The preset's data bus is too wide for a serial line.
    #[error(
        "preset `{preset}` has a bus of 512 bits; a board behind a serial line takes one of 64: ecp5-45, ecp5-85, link"
    )]
    Bus {
        /// The preset.
        preset: String,
    },
    /// The board's file names no serial line.
    #[error("the file of {board} has no [uart], which is the link of an ECP5 board")]
    Uart {
        /// The board.
        board: String,
    },
    /// The clock does not make the line's speed.
    #[error(
        "{board}: {mhz} MHz make no {baud} bits a second, to 2 % and with 4 cycles a bit at least: another --clock"
    )]
    Line {
        /// The board.
        board: String,
        /// The accelerator's clock.
        mhz: f64,
        /// The line's speed.
        baud: u32,
    },
    /// Timing is not met.
    #[error("timing is not met: {clock}. Slowest path: {path}. Next: {next}another --seed")]
    Timing {
        /// Which clock, how far.
        clock: String,
        /// The slowest path.
        path: String,
        /// What to try before another seed.
        next: String,
    },
    /// A tool wrote what was not expected.
    #[error("{0}")]
    Result(String),
}
