//! A circuit as the prover uses it, and what is wrong with it before work begins.

use std::ops::Range;

use hotloop::Device;
use plonky2::{
    field::batch_util::batch_add_inplace,
    iop::target::Target,
    plonk::{
        circuit_data::{CommonCircuitData, ProverOnlyCircuitData},
        config::GenericConfig,
        vars::EvaluationVarsBaseBatch,
    },
    util::log2_ceil,
};
use serde::Deserialize;

use crate::{
    error::{ProveError, Result},
    field::{right_set, D, F},
};

/// plonky2's `SelectorsInfo` (gates/selectors.rs:16), whose fields are private, in the form that it serialises to.
#[derive(Debug, Deserialize)]
struct Selectors {
    /// Selector polynomial of each gate.
    selector_indices: Vec<usize>,
    /// Gates that share each selector polynomial.
    groups: Vec<Range<usize>>,
}

/// What upstream's prover takes, checked.
pub(super) struct Circuit<'a, C: GenericConfig<D, F = F>> {
    pub prover: &'a ProverOnlyCircuitData<F, C, D>,
    pub common: &'a CommonCircuitData<F, D>,
    selectors: Selectors,
}

impl<'a, C: GenericConfig<D, F = F>> Circuit<'a, C> {
    /// Refuses circuits of which upstream's prover would assert or index out of range, and those that `device` cannot
    /// commit to.
    pub fn new(
        device: &Device,
        prover: &'a ProverOnlyCircuitData<F, C, D>,
        common: &'a CommonCircuitData<F, D>,
    ) -> Result<Self> {
        right_set(device)?;
        let selectors = serde_json::to_value(&common.selectors_info)
            .and_then(serde_json::from_value)
            .map_err(|error| ProveError::Shape(format!("cannot read the circuit's selectors: {error}")))?;
        let circuit = Circuit { prover, common, selectors };
        circuit.check_parameters()?;
        circuit.check_prover_data()?;
        circuit.check_lookups()?;
        circuit.check_device(device)?;
        Ok(circuit)
    }

    pub fn has_lookups(&self) -> bool {
        !self.common.luts.is_empty()
    }

    /// Whether a target is one of this circuit's.
    pub fn has(&self, target: Target) -> bool {
        let index = target.index(self.common.config.num_wires, self.common.degree());
        index < self.prover.representative_map.len()
    }

    /// Selector polynomials of gates; those of lookups follow, then the gates' constants.
    pub fn gate_selectors(&self) -> usize {
        self.selectors.groups.len()
    }

    /// Columns of constants before the gates' own.
    pub fn selectors(&self) -> usize {
        self.gate_selectors() + self.common.num_lookup_selectors
    }

    /// Number of each row's gate, by the row's selectors.
    pub fn gate_of(&self, selectors: impl Iterator<Item = u64>) -> Option<usize> {
        selectors.zip(&self.selectors.groups).find_map(|(selector, group)| {
            let gate = usize::try_from(selector).ok()?;
            group.contains(&gate).then_some(gate)
        })
    }

    /// Partial products of a challenge with what leads to the next row's Z: chunks of the routed wires.
    pub fn chunks(&self) -> usize {
        self.common.num_partial_products + 1
    }

    /// Columns of Z and of partial products, of all challenges.
    pub fn permutation_columns(&self) -> usize {
        self.chunks() * self.common.config.num_challenges
    }

    /// Columns of lookups, of all challenges.
    pub fn lookup_columns(&self) -> usize {
        self.common.num_lookup_polys * self.common.config.num_challenges
    }

    pub fn quotient_columns(&self) -> usize {
        self.common.quotient_degree_factor * self.common.config.num_challenges
    }

    /// Base-2 logarithm of the quotient's evaluations over the rows.
    pub fn quotient_bits(&self) -> usize {
        log2_ceil(self.common.quotient_degree_factor)
    }

    /// Constraints of all gates, each times its filter, summed: constraint j at point i of n is at j·n + i
    /// (plonk/vanishing_poly.rs:695).
    pub fn gate_constraints(&self, vars: EvaluationVarsBaseBatch<'_, F>) -> Vec<F> {
        let mut sums = vec![F::default(); self.common.num_gate_constraints * vars.len()];
        for (i, gate) in self.common.gates.iter().enumerate().filter(|(_, gate)| gate.0.num_constraints() > 0) {
            let selector = self.selectors.selector_indices[i];
            let values = gate.0.eval_filtered_base_batch(
                vars,
                i,
                selector,
                self.selectors.groups[selector].clone(),
                self.gate_selectors(),
                self.common.num_lookup_selectors,
            );
            batch_add_inplace(&mut sums[..values.len()], &values);
        }
        sums
    }

    fn check_parameters(&self) -> Result<()> {
        let refuse = |what: String| Err(ProveError::Shape(what));
        let (common, config) = (self.common, &self.common.config);
        let (rate_bits, cap_height) = (config.fri_config.rate_bits, config.fri_config.cap_height);
        let factor = common.quotient_degree_factor;
        if !(2..config.num_routed_wires).contains(&factor) || config.num_routed_wires > config.num_wires {
            let (routed, wires) = (config.num_routed_wires, config.num_wires);
            return refuse(format!("a quotient of degree factor {factor} with {routed} routed of {wires} wires: the factor must be at least 2 and below the routed wires"));
        }
        if self.quotient_bits() > rate_bits {
            return refuse(format!(
                "a quotient of degree factor {factor} needs a blow-up of 2^{}, the circuit's is 2^{rate_bits}: lower `max_quotient_degree_factor` or raise `rate_bits`",
                self.quotient_bits()
            ));
        }
        let points = common.degree_bits() + rate_bits;
        if points < cap_height || common.fri_params.total_arities() > common.degree_bits().min(points - cap_height) {
            return refuse(format!(
                "2^{} rows are too few for FRI's reductions and a cap of height {cap_height}",
                common.degree_bits()
            ));
        }
        if common.fri_params.config != config.fri_config {
            return refuse("FRI's parameters are not those of the circuit's configuration".into());
        }
        let gate_constants = common.num_constants.checked_sub(self.selectors());
        let gates_fit = common.gates.iter().all(|gate| {
            gate.0.num_wires() <= config.num_wires
                && Some(gate.0.num_constants()) <= gate_constants
                && gate.0.num_constraints() <= common.num_gate_constraints
        });
        let selectors = &self.selectors.selector_indices;
        if !gates_fit || selectors.len() != common.gates.len() || selectors.iter().any(|&i| i >= self.gate_selectors())
        {
            return refuse("the circuit's selectors and sizes do not belong to its gates".into());
        }
        Ok(())
    }

    fn check_prover_data(&self) -> Result<()> {
        let (prover, common) = (self.prover, self.common);
        let (degree, routed) = (common.degree(), common.config.num_routed_wires);
        let constants = &prover.constants_sigmas_commitment;
        if constants.polynomials.is_empty() {
            return Err(ProveError::Shape(
                "the circuit has no commitment to its constants: build it with `build`, not with `mock_build`".into(),
            ));
        }
        let belongs = constants.polynomials.len() == common.sigmas_range().end
            && constants.degree_log == common.degree_bits()
            && constants.rate_bits == common.config.fri_config.rate_bits
            && constants.polynomials.iter().all(|polynomial| polynomial.len() == degree)
            && constants.merkle_tree.leaves.len() == common.lde_size()
            && constants.merkle_tree.leaves.iter().all(|leaf| leaf.len() == constants.polynomials.len())
            && !constants.blinding
            && prover.subgroup.len() == degree
            && prover.sigmas.len() == degree
            && prover.sigmas.iter().all(|row| row.len() == routed)
            && common.k_is.len() == routed
            && prover.public_inputs.len() == common.num_public_inputs
            && prover.public_inputs.iter().all(|&target| self.has(target))
            && prover.representative_map.len() >= degree * common.config.num_wires
            && prover.representative_map.iter().all(|&target| target < prover.representative_map.len())
            && routed.div_ceil(common.quotient_degree_factor) == self.chunks();
        if !belongs {
            return Err(ProveError::Shape("the prover's data do not belong to the circuit's common data".into()));
        }
        Ok(())
    }

    fn check_lookups(&self) -> Result<()> {
        let (prover, common) = (self.prover, self.common);
        let tables = common.luts.len();
        let selectors = if tables == 0 { 0 } else { super::lookup::FIRST_TABLE_SELECTOR + tables };
        let rows_fit = prover.lookup_rows.iter().zip(&common.luts).all(|(rows, table)| {
            rows.last_lu_gate < rows.last_lut_gate
                && rows.last_lut_gate <= rows.first_lut_gate
                && rows.first_lut_gate < common.degree() - 1
                && rows.first_lut_gate - rows.last_lut_gate + 1 == super::lookup::rows_of(table, common)
        });
        let belongs = prover.lookup_rows.len() == tables
            && prover.lut_to_lookups.len() == tables
            && common.num_lookup_selectors == selectors
            && common.num_lookup_polys == super::lookup::columns_of(common, tables)
            && prover.lut_to_lookups.iter().flatten().all(|&(input, output)| self.has(input) && self.has(output))
            && rows_fit;
        if !belongs {
            return Err(ProveError::Shape("the prover's lookups do not belong to the circuit's tables".into()));
        }
        if let Some(table) = common.luts.iter().position(|table| table.is_empty()) {
            return Err(ProveError::Shape(format!("lookup table {table} is empty")));
        }
        Ok(())
    }

    fn check_device(&self, device: &Device) -> Result<()> {
        let (rows, blowup) = (self.common.degree_bits() as u32, self.common.config.fri_config.rate_bits as u32);
        let salts = if self.common.config.zero_knowledge { plonky2::fri::oracle::SALT_SIZE } else { 0 };
        for columns in
            [self.common.config.num_wires, self.permutation_columns() + self.lookup_columns(), self.quotient_columns()]
        {
            device.check_commit(columns + salts, rows, blowup)?;
        }
        // The quotient's way back to coefficients.
        Ok(device.check_commit(self.common.config.num_challenges, rows + self.quotient_bits() as u32, 0)?)
    }
}
