//! The datapath layer: what its Verilog computes against what its documentation says.

use std::collections::VecDeque;

use hotloop_sim::Clocked;
use hotloop_units::{seed, vectors};
use rand::{rngs::StdRng, Rng, SeedableRng};

#[test]
fn operations_mean_what_they_say() {
    let mut unit = Clocked::open("datapath_operations").unwrap();
    let mut rng = StdRng::seed_from_u64(seed(2));
    for round in 0..vectors(20_000) {
        let (a, mut b, n): (u64, u64, u64) = (rng.gen(), rng.gen(), rng.gen_range(0..64));
        if round % 7 == 0 {
            b = a;
        }
        for (name, value) in [("a", a), ("b", b), ("n", n)] {
            let port = unit.port(name).unwrap();
            unit.set(port, value);
        }
        unit.step().unwrap();
        let (a32, b32) = ((a >> 16) & 0xffff_ffff, (b >> 7) & 0xffff_ffff);
        let expected = [
            ("add", a.wrapping_add(b)),
            ("sub", a.wrapping_sub(b)),
            ("mul", a32 * b32),
            ("and", a & b),
            ("or", a | b),
            ("xor", a ^ b),
            ("not", !a),
            ("eq", u64::from(a == b)),
            ("lt", u64::from(a < b)),
            ("shr_var", a >> n),
            ("shl_var", a << n),
            ("shl", a32 << 5),
            ("mux", if a & 1 == 1 { a } else { b }),
            ("pack", b32 << 32 | a32),
            ("select", [a, b, a, b][n.min(3) as usize]),
            ("gate", if a & 1 == 1 { b } else { 0 }),
        ];
        for (name, value) in expected {
            let port = unit.port(&format!("o_{name}")).unwrap();
            assert_eq!(unit.get(port), value, "{name} of {a:#x}, {b:#x}, {n}");
        }
        let port = unit.port("o_add_carry").unwrap();
        let mut words = [0; 2];
        unit.get_words(port, &mut words);
        assert_eq!(u128::from(words[1]) << 64 | u128::from(words[0]), u128::from(a) + u128::from(b));
    }
}

#[test]
fn delays_delay_and_operands_are_aligned() {
    let mut unit = Clocked::open("datapath_delays").unwrap();
    let (a, flag) = (unit.port("a").unwrap(), unit.port("flag").unwrap());
    let (valid, aligned) = (unit.port("valid").unwrap(), unit.port("aligned").unwrap());
    let mut rng = StdRng::seed_from_u64(seed(3));
    let mut history: Vec<(u64, u64)> = Vec::new();
    for cycle in 0..vectors(500) {
        let next = (rng.gen(), rng.gen_range(0..2));
        unit.set(a, next.0);
        unit.set(flag, next.1);
        history.push(next);
        unit.step().unwrap();
        let back = |n: usize| (cycle + 1).checked_sub(n).and_then(|i| history.get(i)).copied();
        for n in [1, 2, 5, 6, 7, 40] {
            let port = unit.port(&format!("d{n}")).unwrap();
            if let Some((value, _)) = back(n) {
                assert_eq!(unit.get(port), value, "delay {n} at cycle {cycle}");
            }
        }
        if let Some((_, value)) = back(9) {
            assert_eq!(unit.get(valid), value);
            assert_eq!(unit.get(aligned), 0, "a signal minus itself, one of them nine stages later");
        }
    }
}

#[test]
fn fifo_keeps_every_word_in_order_under_random_stalls() {
    let mut fifo = Clocked::open("datapath_fifo").unwrap();
    let port = |fifo: &Clocked, name: &str| fifo.port(name).unwrap();
    let names = ["in_valid", "in_data", "in_ready", "out_valid", "out_data", "out_ready", "free", "empty"];
    let [in_valid, in_data, in_ready, out_valid, out_data, out_ready, free, empty] = names.map(|n| port(&fifo, n));
    let mut rng = StdRng::seed_from_u64(seed(4));
    let mut inside = VecDeque::new();
    let (mut sent, mut filled) = (0u64, false);
    for cycle in 0..vectors(50_000) {
        // Phases that fill it, drain it, and run at full rate.
        let (push_odds, pop_odds) = [(0.9, 0.1), (0.1, 0.9), (0.5, 0.5), (1.0, 1.0)][cycle / 500 % 4];
        fifo.set(in_valid, rng.gen_bool(push_odds).into());
        fifo.set(out_ready, rng.gen_bool(pop_odds).into());
        fifo.set(in_data, sent);
        fifo.settle().unwrap();
        assert_eq!(fifo.get(free), 8 - inside.len() as u64);
        assert_eq!(fifo.get(empty), u64::from(inside.is_empty()));
        filled |= inside.len() == 8;
        let pushes = fifo.get(in_valid) & fifo.get(in_ready) == 1;
        let pops = fifo.get(out_valid) & fifo.get(out_ready) == 1;
        if pops {
            assert_eq!(Some(fifo.get(out_data)), inside.pop_front());
        }
        if pushes {
            inside.push_back(sent);
            sent += 1;
        }
        fifo.edge().unwrap();
    }
    assert!(filled && sent > 10_000, "{sent} words went through");
}
