//! `hotloop verify`.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use hotloop_plonky2::{verify_file, ProofFileError};
use serde_json::json;

use crate::output::{Failure, Output};

/// Which proof.
#[derive(Args)]
pub struct VerifyArgs {
    /// The proof file.
    proof: PathBuf,
}

/// Runs the command: exit status 0 valid; 1 not valid or not parsed; 2 not a file that can be read.
pub fn run(args: &VerifyArgs, output: &Output) -> Result<ExitCode, Failure> {
    #[cfg(feature = "miden")]
    if let Some(answer) = crate::miden::verify(&args.proof, output) {
        return answer;
    }
    match verify_file(&args.proof) {
        Ok(file) => {
            let statement = file.statement();
            let inputs = file.public_inputs();
            let object = json!({
                "valid": true,
                "air": statement.air(),
                "columns": statement.columns(),
                "log_rows": statement.log_rows(),
                "public_inputs": inputs,
            });
            let (air, columns, log_rows) = (statement.air(), statement.columns(), statement.log_rows());
            let line = format!("valid: {air}, {columns} columns × 2^{log_rows} rows, public inputs {inputs:?}");
            output.result(&object, &[line])?;
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ ProofFileError::Read { .. }) => Err(Failure::usage(error.to_string())),
        Err(error) => {
            let object = json!({ "valid": false, "reason": error.to_string() });
            output.result(&object, &[format!("NOT VALID: {error}")])?;
            Ok(ExitCode::FAILURE)
        }
    }
}
