//! From a program's text to a trace, by miden-vm alone.

use std::{path::Path, sync::Arc};

use miden_core_lib::CoreLibrary;
use miden_prover::{AdviceInputs, ExecutionOptions, ProgramInfo, StackInputs};
use miden_vm::{
    assembly::{DefaultSourceManager, Report},
    diagnostics::reporting::PrintDiagnostic,
    internal::InputFile,
    trace::build_trace_with_max_len,
    Assembler, DefaultHost, ExecutionError, ExecutionTrace, FastProcessor, TraceBuildInputs,
};

use crate::error::{ProveError, Result};

/// A program that is assembled. It may use Miden's core library.
#[derive(Clone, Debug)]
pub struct Program {
    program: miden_vm::Program,
    sources: Arc<DefaultSourceManager>,
}

impl Program {
    /// Assembles a file.
    ///
    /// # Errors
    /// [`ProveError::Assembly`] with the assembler's own report.
    pub fn read(path: &Path) -> Result<Program> {
        Self::assemble(|assembler| assembler.assemble_program(path))
    }

    /// Assembles a text.
    ///
    /// # Errors
    /// [`ProveError::Assembly`] with the assembler's own report.
    pub fn parse(text: &str) -> Result<Program> {
        Self::assemble(|assembler| assembler.assemble_program(text))
    }

    fn assemble(assemble: impl FnOnce(Assembler) -> Result<miden_vm::Program, Report>) -> Result<Program> {
        let sources = Arc::new(DefaultSourceManager::default());
        let mut assembler = Assembler::new(sources.clone());
        let program = assembler.link_dynamic_library(CoreLibrary::default()).and_then(|()| assemble(assembler));
        let program = program.map_err(|report| ProveError::Assembly { report: text(report) })?;
        Ok(Program { program, sources })
    }

    /// Its hash and kernel: what a verifier knows of it.
    pub fn info(&self) -> ProgramInfo {
        self.program.to_info()
    }

    /// Runs the program for at most `max_rows` cycles.
    ///
    /// # Errors
    /// [`ProveError::Execution`]; [`ProveError::TraceTooLong`] if it takes more cycles.
    pub fn execute(&self, inputs: &Inputs, max_rows: usize) -> Result<Execution> {
        let failed = |error| failed(error, max_rows);
        // The processor refuses limits beyond its own.
        let cycles = u32::try_from(max_rows).unwrap_or(u32::MAX).min(ExecutionOptions::MAX_CYCLES);
        let fragment = ExecutionOptions::DEFAULT_CORE_TRACE_FRAGMENT_SIZE;
        let options = ExecutionOptions::new(Some(cycles), cycles.min(64), fragment, false, false)
            .map_err(|error| ProveError::Execution { report: error.to_string() })?;
        let mut host = DefaultHost::default()
            .with_library(&CoreLibrary::default())
            .map_err(failed)?
            .with_source_manager(self.sources.clone());
        let processor = FastProcessor::new_with_options(inputs.stack, inputs.advice.clone(), options)
            .map_err(ExecutionError::advice_error_no_context)
            .map_err(failed)?;
        let trace = processor.execute_trace_inputs_sync(&self.program, &mut host).map_err(failed)?;
        Ok(Execution { stack: inputs.stack, trace })
    }
}

/// What a program starts with.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    stack: StackInputs,
    advice: AdviceInputs,
}

impl Inputs {
    /// The operand stack, and what the prover alone knows.
    pub fn new(stack: StackInputs, advice: AdviceInputs) -> Inputs {
        Inputs { stack, advice }
    }

    /// Inputs in the format of Miden's own command (`miden_vm::internal::InputFile`): `operand_stack`, and if there are any
    /// `advice_stack`, `advice_map`, `merkle_store`.
    ///
    /// # Errors
    /// [`ProveError::Inputs`]: not JSON, no field elements, too many.
    pub fn from_json(json: &str) -> Result<Inputs> {
        let failed = |reason: String| ProveError::Inputs { reason };
        let file: InputFile = serde_json::from_str(json).map_err(|error| failed(error.to_string()))?;
        let stack = file.parse_stack_inputs().map_err(|reason| failed(format!("operand_stack: {reason}")))?;
        let advice = file.parse_advice_inputs().map_err(failed)?;
        Ok(Inputs { stack, advice })
    }
}

/// A program that has run.
#[derive(Debug)]
pub struct Execution {
    pub(super) stack: StackInputs,
    pub(super) trace: TraceBuildInputs,
}

impl Execution {
    /// The trace, of at most `max_rows` rows.
    ///
    /// # Errors
    /// [`ProveError::TraceTooLong`], [`ProveError::Execution`].
    pub fn trace(self, max_rows: usize) -> Result<Trace> {
        // The processor compares whole fragments with its limit.
        let limit = max_rows.saturating_add(ExecutionOptions::DEFAULT_CORE_TRACE_FRAGMENT_SIZE + 1);
        let trace = build_trace_with_max_len(self.trace, limit).map_err(|error| failed(error, max_rows))?;
        let trace = Trace { stack: self.stack, trace };
        if trace.rows() > max_rows {
            return Err(ProveError::TraceTooLong { rows: Some(trace.rows()), limit: max_rows });
        }
        Ok(trace)
    }
}

/// What is to be proved.
#[derive(Debug)]
pub struct Trace {
    pub(super) stack: StackInputs,
    pub(super) trace: ExecutionTrace,
}

impl Trace {
    /// Rows of the trace that is committed to: a power of two.
    pub fn rows(&self) -> usize {
        self.trace.trace_len_summary().padded_trace_len()
    }

    /// Rows that the program took.
    pub fn used_rows(&self) -> usize {
        self.trace.trace_len_summary().trace_len()
    }
}

/// The processor's error, with its limit as one of ours.
fn failed(error: ExecutionError, max_rows: usize) -> ProveError {
    if matches!(error, ExecutionError::TraceLenExceeded(_) | ExecutionError::CycleLimitExceeded(_)) {
        return ProveError::TraceTooLong { rows: None, limit: max_rows };
    }
    ProveError::Execution { report: text(Report::from(error)) }
}

fn text(report: Report) -> String {
    PrintDiagnostic::new_without_color(report).to_string()
}
