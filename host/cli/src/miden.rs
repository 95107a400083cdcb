//! `hotloop prove --zkvm miden`, and `hotloop verify` of what it wrote.

use std::{
    fs,
    path::Path,
    process::ExitCode,
    sync::mpsc::{channel, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use hotloop_plonky3::{
    miden::{self, bytes_of, largest_trace, Cost, Inputs, Program, Proof, Proved, Trace},
    options, Device, ParameterSet, ProveError,
};
use serde_json::{json, Value};

use crate::{
    output::{check_writable, write_file, Failure, Output},
    prove::{open, ProveArgs},
};

/// Assembles, executes, tells what the proof will cost, proves, verifies with Miden's own verifier, writes the file.
pub fn prove(args: &ProveArgs, output: &Output) -> Result<ExitCode, Failure> {
    let Some(path) = &args.program else { return Err(Failure::usage("which program? Name a .masm file")) };
    let out = args.out.clone().unwrap_or_else(|| path.with_extension("proof"));
    if out == *path {
        return Err(Failure::usage(format!("the proof would replace {}: name another --out", path.display())));
    }
    let readable = |path: &Path| {
        fs::read_to_string(path).map_err(|e| Failure::usage(format!("cannot read {}: {e}", path.display())))
    };
    // What the call hands over is wrong, not what is done with it.
    let wrong = |path: &Path, error: ProveError| Failure::usage(format!("{}: {error}", path.display()));
    readable(path)?;
    let inputs = match &args.inputs {
        Some(file) => Inputs::from_json(&readable(file)?).map_err(|error| wrong(file, error))?,
        None => Inputs::default(),
    };
    let program = Program::read(path).map_err(|error| wrong(path, error))?;
    check_writable(&out)?;
    output.progress(&format!("opening {} …", args.device));
    let device = open(args, options(ParameterSet::Miden))?;
    let most = largest_trace(device.as_ref(), available_memory());

    output.progress(&format!("executing {} …", path.display()));
    let start = Instant::now();
    let execution = program.execute(&inputs, most).map_err(Failure::new)?;
    let (proved, cost) = match &device {
        None => {
            output.progress("proving on the CPU …");
            (miden::prove_on_cpu(execution).map_err(Failure::new)?, None)
        }
        Some(device) => {
            let trace = execution.trace(most).map_err(Failure::new)?;
            let cost = tell_cost(device, &trace, output)?;
            (watched(device, trace, &cost, output)?, Some(cost))
        }
    };
    let total = start.elapsed();
    output.progress("verifying …");
    let verified = proved.proof.verify();
    output.progress_done();
    let security = verified.map_err(|error| Failure::message(format!("no proof was written: {error}")))?;
    let bytes = proved.proof.to_bytes();
    write_file(&out, &bytes)?;

    let offload = &proved.offload;
    let mut object = statement(&proved.proof, security);
    let more = json!({
        "verified": true,
        "device": args.device,
        "parameter_set": ParameterSet::Miden.name(),
        "rows": proved.rows,
        "seconds": { "total": total.as_secs_f64(), "prove": proved.time.as_secs_f64() },
        "offload": crate::prove::offload(offload),
        "expected": cost.map(|cost| json!({
            "permutations": cost.permutations, "butterflies": cost.butterflies, "cycles": cost.cycles,
        })),
        "proof_bytes": bytes.len(),
        "out": out,
    });
    if let (Value::Object(object), Value::Object(more)) = (&mut object, more) {
        object.extend(more);
    }
    let mut lines = vec![
        format!(
            "proved {} on {} in {:.2} s; verified by miden-vm: {security} bits",
            path.display(),
            args.device,
            total.as_secs_f64()
        ),
        format!("outputs {}", stack(&proved.proof.outputs[..])),
        format!("wrote {} ({} bytes)", out.display(), bytes.len()),
    ];
    if offload.jobs > 0 {
        lines.push(format!(
            "on the board: {} permutations, {} butterflies in {} jobs, {} cycles, {} bytes in, {} bytes out",
            offload.permutations,
            offload.butterflies,
            offload.jobs,
            offload.cycles,
            offload.bytes_to_device,
            offload.bytes_from_device
        ));
    }
    output.result(&object, &lines)?;
    Ok(ExitCode::SUCCESS)
}

/// Says on standard error what a proof will take.
fn tell_cost(device: &Device, trace: &Trace, output: &Output) -> Result<Cost, Failure> {
    let cost = Cost::of(device, trace.rows());
    let mut text = format!(
        "{} rows (the program takes {}): {} permutations besides grinding, {} butterflies, about {} cycles and {} MiB",
        cost.rows,
        trace.used_rows(),
        cost.permutations,
        cost.butterflies,
        cost.cycles,
        bytes_of(cost.rows) >> 20
    );
    if device.name().starts_with("sim") {
        let time = cost.simulated(device).map_err(Failure::new)?;
        text += &format!("; simulated here in about {:.0} s", time.as_secs_f64());
    }
    output.note(&text);
    Ok(cost)
}

/// Proves, and shows how far the board is where somebody watches.
fn watched(device: &Device, trace: Trace, cost: &Cost, output: &Output) -> Result<Proved, Failure> {
    let before = device.offload().permutations;
    let (done, over) = channel::<()>();
    thread::scope(|scope| {
        if output.is_watched() {
            scope.spawn(move || {
                while over.recv_timeout(Duration::from_millis(500)) == Err(RecvTimeoutError::Timeout) {
                    let permutations = device.offload().permutations - before;
                    let share = 100.0 * permutations as f64 / cost.permutations as f64;
                    output.progress(&format!("proving … {:.0} % of the hashing is done", share.min(100.0)));
                }
            });
        }
        let proved = miden::prove(device, trace).map_err(Failure::new);
        drop(done);
        proved
    })
}

/// Bytes that the system has to give; unknown is no limit.
fn available_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix("kB"));
    kilobytes.and_then(|number| number.trim().parse::<u64>().ok()).map_or(u64::MAX, |number| number << 10)
}

/// A stack without the zeros below its last element.
fn stack(elements: &[miden::Felt]) -> String {
    let used = elements.iter().rposition(|&element| element != miden::Felt::ZERO).map_or(1, |last| last + 1);
    elements[..used].iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn statement(proof: &Proof, security: u32) -> Value {
    let elements = |stack: &[miden::Felt]| stack.iter().map(|element| element.as_canonical_u64()).collect::<Vec<u64>>();
    json!({
        "zkvm": "miden",
        "program": proof.program.program_hash().to_hex(),
        "inputs": elements(&proof.inputs[..]),
        "outputs": elements(&proof.outputs[..]),
        "security_bits": security,
    })
}

/// Verifies a file if it is a Miden proof; `None` if it is something else.
pub fn verify(path: &Path, output: &Output) -> Option<Result<ExitCode, Failure>> {
    let bytes = fs::read(path).ok().filter(|bytes| Proof::is_one(bytes))?;
    let verified = Proof::from_bytes(&bytes).and_then(|proof| Ok((proof.verify()?, proof)));
    let (object, line, code) = match verified {
        Ok((security, proof)) => {
            let mut object = statement(&proof, security);
            object["valid"] = json!(true);
            let program = proof.program.program_hash().to_hex();
            let (inputs, outputs) = (stack(&proof.inputs[..]), stack(&proof.outputs[..]));
            (object, format!("valid: Miden program {program} takes {inputs} to {outputs}"), ExitCode::SUCCESS)
        }
        Err(error) => {
            (json!({ "valid": false, "reason": error.to_string() }), format!("NOT VALID: {error}"), ExitCode::FAILURE)
        }
    };
    Some(output.result(&object, &[line]).map(|()| code))
}
