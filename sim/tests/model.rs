//! Models through the foreign function interface: ports of all widths, unknown names, stops, waveforms.
#![cfg(verilated)]

use hotloop_sim::{models, Clocked, Model, SimError};

fn fixture() -> Clocked {
    Clocked::open("fixture_ports").unwrap()
}

#[test]
fn narrow_ports_carry_their_width_and_no_more() {
    let mut model = fixture();
    for (name, width) in [("a", 1), ("b", 8), ("c", 13), ("d", 32), ("e", 64)] {
        let input = model.input(name, width).unwrap();
        let output = model.output(&format!("q{name}"), width).unwrap();
        assert_eq!((input.width(), input.is_output(), output.is_output()), (width, false, true));
        let all = u64::MAX >> (64 - width);
        for value in [0, 1, all, all - 1, 0x5555_aaaa_1234_5678] {
            model.set(input, value);
            assert_eq!(model.get(input), value & all);
            model.step().unwrap();
            assert_eq!(model.get(output), !value & all, "{name}");
        }
    }
}

#[test]
fn wide_ports_carry_every_bit() {
    let mut model = fixture();
    for (name, width) in [("f", 65u32), ("g", 512), ("h", 600)] {
        let input = model.input(name, width).unwrap();
        let output = model.output(&format!("q{name}"), width).unwrap();
        let count = width.div_ceil(64) as usize;
        let top = u64::MAX >> (64 * count as u32 - width);
        for bit in 0..width {
            let mut words = vec![0u64; count];
            words[bit as usize / 64] = 1 << (bit % 64);
            model.set_words(input, &words);
            model.step().unwrap();
            let mut wanted: Vec<u64> = words.iter().map(|w| !w).collect();
            wanted[count - 1] &= top;
            // One word more than the port has: it must come back zero.
            let mut got = vec![7u64; count + 1];
            model.get_words(output, &mut got);
            assert_eq!(got[count], 0);
            assert_eq!(got[..count], wanted);
            assert_eq!(model.get(output), wanted[0]);
        }
        // Bits above the port's width are ignored, words that are not given are zero.
        model.set_words(input, &vec![u64::MAX; count + 3]);
        model.step().unwrap();
        let mut got = vec![7u64; count];
        model.get_words(output, &mut got);
        assert_eq!(got, vec![0; count]);
        model.set(input, 5);
        model.step().unwrap();
        model.get_words(output, &mut got[..1]);
        assert_eq!(got[0], !5);
        model.get_words(output, &mut got);
        assert_eq!(got[count - 1], top);
    }
}

#[test]
fn combinational_outputs_follow_without_an_edge() {
    let mut model = fixture();
    let (a, through) = (model.port("a").unwrap(), model.port("through").unwrap());
    for value in [1, 0, 1] {
        model.set(a, value);
        model.settle().unwrap();
        assert_eq!(model.get(through), 1 - value);
    }
    assert_eq!(model.cycles(), 0);
}

#[test]
fn the_first_edge_is_seen() {
    let mut model = fixture();
    let qb = model.port("qb").unwrap();
    model.step().unwrap();
    assert_eq!((model.get(qb), model.cycles()), (255, 1));
}

#[test]
fn unknown_names_say_what_there_is() {
    let error = Model::open("no_such_board").err().unwrap();
    assert!(matches!(error, SimError::UnknownModel { .. }));
    assert!(error.to_string().contains("fixture_ports"), "{error}");
    assert!(models().contains(&"fixture_dma"));
    let model = fixture();
    for error in [model.port("zz"), model.input("b", 9), model.input("qb", 8), model.output("b", 8)] {
        let error = error.unwrap_err();
        assert!(matches!(error, SimError::UnknownPort { .. }));
        assert!(error.to_string().contains("qg (output 512)"), "{error}");
    }
    assert_eq!(model.ports().count(), 20);
}

#[test]
#[should_panic(expected = "qa is an output")]
fn outputs_cannot_be_set() {
    let mut model = fixture();
    let qa = model.port("qa").unwrap();
    model.set(qa, 1);
}

#[test]
fn a_stop_is_an_error_and_stays_one() {
    let mut model = fixture();
    let stop = model.port("stop").unwrap();
    model.set(stop, 1);
    let text = model.step().unwrap_err().to_string();
    assert!(text.contains("$stop") && text.contains("the fixture was asked to stop"), "{text}");
    model.set(stop, 0);
    assert!(matches!(model.step(), Err(SimError::Stopped { .. })));

    let mut other = fixture();
    other.step().unwrap();
    let finish = other.port("finish").unwrap();
    other.set(finish, 1);
    assert!(other.step().unwrap_err().to_string().contains("$finish"));
}

#[test]
fn models_move_between_threads_and_do_not_share() {
    let mut first = fixture();
    let mut second = fixture();
    let (e, qe) = (first.port("e").unwrap(), first.port("qe").unwrap());
    let thread = std::thread::spawn(move || {
        for i in 0..1000 {
            first.set(e, i);
            first.step().unwrap();
        }
        first
    });
    for i in 0..1000 {
        second.set(e, !i);
        second.step().unwrap();
        assert_eq!(second.get(qe), i);
    }
    assert_eq!(thread.join().unwrap().get(qe), !999);
}

#[test]
fn a_waveform_holds_its_window() {
    let path = std::env::temp_dir().join(format!("hotloop-{}.vcd", std::process::id()));
    let mut model = fixture();
    model.trace(&path, 10, 5).unwrap();
    for _ in 0..40 {
        model.step().unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    let times: Vec<&str> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!((times.first(), times.last(), times.len()), (Some(&"#20"), Some(&"#29"), 10));
    assert!(text.contains("qg"));

    let error = fixture().trace("/nonexistent/folder/x.vcd".as_ref(), 0, 1).unwrap_err();
    assert!(matches!(error, SimError::TraceFile { .. }), "{error}");
}
