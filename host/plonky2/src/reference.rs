//! starky's own prover with its own clocks: where the time of the reference goes.

use std::time::{Duration, Instant};

use plonky2::{
    field::{polynomial::PolynomialValues, types::Field},
    util::timing::TimingTree,
};

use crate::{
    airs::{PinnedAir, Statement, Visit},
    error::{ProveError, Result},
    field::F,
    pool::in_one_thread,
    proof_file::ProofFile,
    prove::prove_cpu,
    shape::{Shape, CONFIG},
};

/// A proof of starky's own, unmodified prover in one thread.
#[derive(Debug)]
pub struct Reference {
    /// The proof with its statement.
    pub file: ProofFile,
    /// Proving, without the trace.
    pub prove_time: Duration,
    /// Its scopes; what they took shows in the log when it is printed.
    pub timing: TimingTree,
    /// The inverse transforms of the quotients, done again on other values: the prover has no scope for them.
    pub quotient_inverse: Duration,
}

/// Proves a statement with starky's own prover, and times what it does.
///
/// # Errors
/// [`ProveError::Prover`], [`ProveError::Thread`].
pub fn reference(statement: Statement) -> Result<Reference> {
    statement.visit(Prove(statement))
}

struct Prove(Statement);

impl Visit for Prove {
    type Output = Result<Reference>;

    fn visit<S: PinnedAir>(self, air: S) -> Result<Reference> {
        let (trace, inputs) = air.trace(self.0.log_rows());
        let mut timing = TimingTree::default();
        let (proof, prove_time) = prove_cpu(air, trace, &inputs, &mut timing)?;
        let file = ProofFile::new(self.0, proof).map_err(|error| ProveError::Prover(error.to_string()))?;
        let quotient_inverse = in_one_thread(|| quotient_inverse(Shape::of(&self.0).log_quotient))?;
        Ok(Reference { file, prove_time, timing, quotient_inverse })
    }
}

/// As starky 1.1.0 has it in `compute_quotient_polys` (`prover.rs:652`): one for each challenge.
fn quotient_inverse(log_points: usize) -> Duration {
    let values: Vec<F> = F::TWO.powers().take(1 << log_points).collect();
    let quotients = vec![PolynomialValues::new(values); CONFIG.num_challenges];
    let start = Instant::now();
    let coefficients: Vec<_> = quotients.into_iter().map(|values| values.coset_ifft(F::coset_shift())).collect();
    let elapsed = start.elapsed();
    std::hint::black_box(coefficients);
    elapsed
}
