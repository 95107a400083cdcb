//! What people and programs get to read.

use crate::{
    proof::{proofs, Reach},
    run::{Outcome, Verdict},
};

/// A verdict in a word.
pub fn word(outcome: &Outcome) -> &'static str {
    match (outcome.verdict, outcome.broken) {
        (Verdict::Proved, None) => "proved",
        (Verdict::Refuted, Some(_)) => "fails, as it must",
        (Verdict::Proved, Some(_)) => "HOLDS, BUT MUST FAIL",
        (Verdict::Refuted, None) => "REFUTED",
        (Verdict::Unknown, _) => "NOT PROVED",
        (Verdict::Timeout, _) => "TIME IS UP",
        (Verdict::Error, _) => "ERROR",
    }
}

/// JSON, one object for the whole run.
pub fn json(outcomes: &[Outcome]) -> String {
    let rows: Vec<String> = outcomes
        .iter()
        .map(|o| {
            format!(
                r#"{{"name":"{}","result":"{}","good":{},"broken":{},"seconds":{:.1}}}"#,
                o.name,
                word(o),
                o.good(),
                o.broken.is_some(),
                o.seconds
            )
        })
        .collect();
    let good = outcomes.iter().filter(|o| o.good()).count();
    format!(r#"{{"proofs":[{}],"good":{good},"all":{}}}"#, rows.join(","), outcomes.len())
}

/// The page `docs/proofs.md`.
pub fn page(outcomes: &[Outcome]) -> String {
    let list = proofs();
    let mut out = String::from(include_str!("../page.md"));
    for (index, proof) in list.iter().enumerate() {
        let reach = match proof.reach {
            Reach::Pipeline(n) => format!("all inputs; a pipeline of {n} stages without feedback"),
            Reach::Induction(k) => format!("all inputs, any number of cycles; {k}-induction"),
        };
        let mine = |o: &&Outcome| o.proof == index;
        let Some(sound) = outcomes.iter().filter(mine).find(|o| o.broken.is_none()) else { continue };
        out +=
            &format!("| `{}` | {} | {reach} | {} | {:.0} s |\n", proof.name, proof.claim, word(sound), sound.seconds);
        for outcome in outcomes.iter().filter(mine) {
            let Some(broken) = outcome.broken.map(|i| &proof.broken[i]) else { continue };
            out += &format!(
                "| | broken copy: {} | counterexample within {} cycles | {} | {:.0} s |\n",
                broken.what,
                broken.depth,
                word(outcome),
                outcome.seconds
            );
        }
    }
    out
}
