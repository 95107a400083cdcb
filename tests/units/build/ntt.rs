//! The transform engine.

use hotloop_hdl::{bus::Bus, field::MultiplierLeaf, ntt, Config};
use hotloop_verilate::Model;

pub fn models() -> Vec<Model> {
    // The longest one, with the root of order 128, and the shortest that can be made.
    let shortest = |mut config: Config| {
        config.ntt.max_log = 7;
        config.ntt.twiddles = ntt::twiddle_tables(&config.set, 7);
        config
    };
    // A set whose roots of order 64 are powers of 2^39, so that twiddles have signs.
    let mut signed = Config::sim();
    signed.set.generator = 1_753_635_133_440_165_772;
    signed.ntt.twiddles = ntt::twiddle_tables(&signed.set, signed.ntt.max_log);
    let narrow = |lanes| {
        let mut config = shortest(Config::sim());
        config.ntt.lanes = lanes;
        config
    };
    // One multiplier for everything, without stages before it that it could hide behind and with some.
    let shared = |max_log, latency| {
        let mut config = narrow(1);
        config.ntt.sharing = 4;
        config.ntt.max_log = max_log;
        config.ntt.twiddles = ntt::twiddle_tables(&config.set, max_log);
        config.multiplier = MultiplierLeaf::Simulated { latency };
        config
    };
    let words = Config { bus: Bus::Narrow, ..shared(9, 3) };
    vec![
        super::unit("ntt_engine_words_9", ntt::engine(&words)),
        super::unit("ntt_engine_shared_7", ntt::engine(&shared(7, 2))),
        super::unit("ntt_engine_shared_9", ntt::engine(&shared(9, 3))),
        super::unit("ntt_engine_1_lane", ntt::engine(&narrow(1))),
        super::unit("ntt_engine_2_lanes", ntt::engine(&narrow(2))),
        super::unit("ntt_engine_4_lanes", ntt::engine(&narrow(4))),
        super::unit("ntt_engine", ntt::engine(&Config::sim())),
        super::unit("ntt_engine_7", ntt::engine(&shortest(Config::sim()))),
        super::unit("ntt_engine_signed", ntt::engine(&signed)),
    ]
}
