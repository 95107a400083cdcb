//! Proofs of arithmetic: reductions, sums, multiplier leaves.

use super::{value, Broken, Memories, Products, Proof, Reach};
use crate::{
    design::{
        ecp5_latency, ecp5_reduction_latency, ecp5_square_latency, leaf_latency, pair_latency, reduction_latency,
    },
    text::Break,
};

/// Proofs of modular arithmetic and of what it is made of.
pub(super) fn arithmetic() -> Vec<Proof> {
    let pair = |name: &'static str, claim, sign: &str, back: &str, broken| Proof {
        name,
        claim,
        reach: Reach::Pipeline(pair_latency()),
        top: "proof",
        modules: vec![(name, vec![])],
        wrapper: Some(include_str!("../../properties/pair.sv")),
        probes: vec![],
        cut: None,
        memories: Memories::Arrays,
        values: vec![value("MODULE", name), value("LATENCY", pair_latency()), value("SIGN", sign), value("BACK", back)],
        broken: vec![Broken { what: "the modulus off by one", module: name, how: broken, depth: pair_latency() + 2 }],
    };
    // A leaf of the ECP5: name, cells and stages.
    let cells = |(name, count, latency): (&'static str, usize, u32), claim, properties, broken| Proof {
        name,
        claim,
        reach: Reach::Pipeline(latency),
        top: name,
        modules: vec![(name, vec![properties])],
        wrapper: Some(include_str!("../../properties/mult18x18d.sv")),
        probes: vec![],
        cut: Some(Products::Cells("MULT18X18D", count)),
        memories: Memories::Arrays,
        values: vec![value("LATENCY", latency)],
        broken: vec![
            Broken {
                what: "an operand is the wrong quarter",
                module: name,
                how: Break::Replace("= a[47:32]", "= a[46:31]"),
                depth: 2,
            },
            broken,
        ],
    };
    vec![
        Proof {
            name: "goldilocks_reduce",
            claim: "y < p, and y = t + k·p with k in {−1, 0, 1}, t = lo − hh + hl·(2^32 − 1), for every 128-bit number",
            reach: Reach::Pipeline(reduction_latency()),
            top: "proof",
            modules: vec![("goldilocks_mul", vec![])],
            wrapper: Some(include_str!("../../properties/reduce.sv")),
            probes: vec![],
            cut: None,
            memories: Memories::Arrays,
            values: vec![value("LATENCY", reduction_latency())],
            broken: vec![
                Broken {
                    what: "the modulus off by one",
                    module: "goldilocks_mul",
                    how: Break::Replace("64'hffffffff00000001", "64'hffffffff00000000"),
                    depth: reduction_latency() + 2,
                },
                Broken {
                    what: "a wrong correction",
                    module: "goldilocks_mul",
                    how: Break::Replace("64'hffffffff :", "64'hfffffffe :"),
                    depth: reduction_latency() + 2,
                },
            ],
        },
        pair(
            "add_mod",
            "canonical operands give y < p and y = a + b or a + b − p",
            "+",
            "-",
            Break::Replace("< 65'hffffffff00000001", "< 65'hffffffff00000002"),
        ),
        pair(
            "sub_mod",
            "canonical operands give y < p and y = a − b or a − b + p",
            "-",
            "+",
            Break::Replace("64'hffffffff00000001", "64'hffffffff00000002"),
        ),
        cells(
            ("mul_leaf_ecp5", 9, ecp5_latency()),
            "the nine cells have the right operands, and their products become the coefficients modulo z^4 − z^2 + 1, \
             for all products that keep (x1 + x0)(y1 + y0) = x1y1 + x0y0 + (x0y1 + x1y0)",
            include_str!("../../properties/karatsuba.sv"),
            Broken {
                what: "a product of sums loses a bit",
                module: "mul_leaf_ecp5",
                how: Break::Replace("[32:0];", "[31:0];"),
                depth: ecp5_latency() + 2,
            },
        ),
        cells(
            ("square_leaf_ecp5", 7, ecp5_square_latency()),
            "the seven cells have the right operands and signs, and their products become the coefficients of the square \
             modulo z^4 − z^2 + 1, for all products that keep (x0 + x2)(x1 + x3) = x0x1 + (x0x3 + x1x2 + x2x3)",
            include_str!("../../properties/square.sv"),
            Broken {
                what: "a difference has no sign",
                module: "square_leaf_ecp5",
                how: Break::Replace(".SIGNEDA(1'h1)", ".SIGNEDA(1'h0)"),
                depth: 2,
            },
        ),
        Proof {
            name: "goldilocks_reduce_ecp5",
            claim: "y < p, and y = t + k·p with k in {−1, 0, 1}, t being c0 + c1·2^16 + c2·2^32 + c3·2^48 with one 2^64 replaced \
                    by 2^32 − 1, for all coefficients",
            reach: Reach::Pipeline(ecp5_reduction_latency()),
            top: "goldilocks_mul_ecp5",
            modules: vec![("goldilocks_mul_ecp5", vec![include_str!("../../properties/quarters.sv")])],
            wrapper: Some(include_str!("../../properties/quarters_leaf.sv")),
            probes: vec![],
            cut: None,
            memories: Memories::Arrays,
            values: vec![value("LATENCY", ecp5_reduction_latency())],
            broken: vec![
                Broken {
                    what: "a borrow is not made good",
                    module: "goldilocks_mul_ecp5",
                    how: Break::Assign("borrow", "1'h0"),
                    depth: ecp5_reduction_latency() + 2,
                },
                Broken {
                    what: "the modulus off by one",
                    module: "goldilocks_mul_ecp5",
                    how: Break::Replace("== 32'hffffffff", "== 32'hfffffffe"),
                    depth: ecp5_reduction_latency() + 2,
                },
            ],
        },
        Proof {
            name: "mul_leaf",
            claim: "the partial products have the right operands, and any four of them are summed at the right places",
            reach: Reach::Pipeline(leaf_latency()),
            top: "mul_leaf",
            modules: vec![("mul_leaf", vec![include_str!("../../properties/leaf.sv")])],
            wrapper: None,
            probes: vec![],
            cut: Some(Products::Written(4)),
            memories: Memories::Arrays,
            values: vec![value("LATENCY", leaf_latency())],
            broken: vec![
                Broken {
                    what: "a carry bit is dropped",
                    module: "mul_leaf",
                    how: Break::Replace("[33:32]", "[32:32]"),
                    depth: leaf_latency() + 2,
                },
                Broken {
                    what: "an operand is the wrong half",
                    module: "mul_leaf",
                    how: Break::Replace("= a[63:32]", "= a[62:31]"),
                    depth: 2,
                },
            ],
        },
    ]
}
