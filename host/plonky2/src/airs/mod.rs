//! AIRs pinned by name: a proof file names one, and brings no constraints of its own.

mod fibonacci;
mod wide;

pub use fibonacci::Fibonacci;
pub use wide::Wide;

use ::starky::stark::Stark;
use plonky2::field::{polynomial::PolynomialValues, types::Field};

use crate::{
    error::{ProveError, Result},
    field::{D, F},
};

/// Fewest rows: 2^3, below which the configuration's caps do not fit the trees.
pub const MIN_LOG_ROWS: u32 = 3;

/// Most rows: 2^24, above which host memory is not enough for any AIR here.
pub const MAX_LOG_ROWS: u32 = 24;

const WIDE_COLUMNS: &str = "8, 32, 100 or 400";

/// What is proved: an AIR and the length of its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    air: Air,
    log_rows: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Air {
    Fibonacci,
    Wide(u32),
}

/// Something to do with a statement's AIR, whichever it is.
pub(crate) trait Visit {
    type Output;
    fn visit<S: PinnedAir>(self, air: S) -> Self::Output;
}

/// An AIR with its trace.
pub trait PinnedAir: Stark<F, D> + Copy + Send {
    /// The trace of 2^`log_rows` rows and its public inputs.
    fn trace(&self, log_rows: u32) -> (Vec<PolynomialValues<F>>, Vec<F>);
}

impl Statement {
    /// A statement by name: `fibonacci` (2 columns) or `wide` (100 columns unless told otherwise), of 2^`log_rows`
    /// rows.
    ///
    /// # Errors
    /// [`ProveError::UnknownAir`], [`ProveError::Columns`], [`ProveError::Rows`].
    pub fn new(air: &str, columns: Option<u32>, log_rows: u32) -> Result<Statement> {
        let air = match (air, columns) {
            ("fibonacci", None | Some(2)) => Air::Fibonacci,
            ("fibonacci", Some(columns)) => {
                return Err(ProveError::Columns { air: "fibonacci", columns, allowed: "2" })
            }
            ("wide", None) => Air::Wide(100),
            ("wide", Some(columns @ (8 | 32 | 100 | 400))) => Air::Wide(columns),
            ("wide", Some(columns)) => return Err(ProveError::Columns { air: "wide", columns, allowed: WIDE_COLUMNS }),
            _ => return Err(ProveError::UnknownAir(air.into())),
        };
        if !(MIN_LOG_ROWS..=MAX_LOG_ROWS).contains(&log_rows) {
            return Err(ProveError::Rows { log_rows, min: MIN_LOG_ROWS, max: MAX_LOG_ROWS });
        }
        Ok(Statement { air, log_rows })
    }

    /// The AIR's name.
    pub fn air(&self) -> &'static str {
        match self.air {
            Air::Fibonacci => "fibonacci",
            Air::Wide(_) => "wide",
        }
    }

    /// Columns of the trace.
    pub fn columns(&self) -> u32 {
        match self.air {
            Air::Fibonacci => 2,
            Air::Wide(columns) => columns,
        }
    }

    /// Base-2 logarithm of the rows.
    pub fn log_rows(&self) -> u32 {
        self.log_rows
    }

    pub(crate) fn visit<V: Visit>(&self, visitor: V) -> V::Output {
        match self.air {
            Air::Fibonacci => visitor.visit(Fibonacci),
            Air::Wide(8) => visitor.visit(Wide::<8>),
            Air::Wide(32) => visitor.visit(Wide::<32>),
            Air::Wide(400) => visitor.visit(Wide::<400>),
            // `new` makes no others.
            Air::Wide(_) => visitor.visit(Wide::<100>),
        }
    }
}

/// A trace as columns, from its first row and the step from one row to the next.
fn columns<const N: usize>(log_rows: u32, first: [F; N], step: impl Fn(&[F; N]) -> [F; N]) -> Vec<PolynomialValues<F>> {
    let rows = 1usize << log_rows;
    let mut columns = vec![vec![F::ZERO; rows]; N];
    let mut row = first;
    for i in 0..rows {
        for (column, &value) in columns.iter_mut().zip(&row) {
            column[i] = value;
        }
        row = step(&row);
    }
    columns.into_iter().map(PolynomialValues::new).collect()
}
