//! Cycle counts are exact: a job takes the same number whatever the host did before, and however often it looked.

use hotloop::{Check, Device, GrindRequest, Input, LdeRequest, Leaves};

fn cycles(device: &Device, run: impl Fn(&Device)) -> u64 {
    let before = device.offload().cycles;
    run(device);
    device.offload().cycles - before
}

struct LdeCase<'a> {
    columns: &'a [Vec<u64>],
    log_blowup: u32,
    salts: usize,
}

impl LdeCase<'_> {
    fn run(&self, device: &Device) {
        let rows = self.columns[0].len() << self.log_blowup;
        let salts = vec![vec![8; rows]; self.salts];
        let (columns, log_blowup) = (self.columns, self.log_blowup);
        let request = LdeRequest { columns, input: Input::Values, log_blowup, shift: 7, coefficients: true };
        assert_eq!(device.commit(&request, &salts, 4).unwrap().tree.leaves(), rows);
    }
}

#[test]
fn a_job_takes_the_same_cycles_every_time() {
    let mut options = hotloop_plonky2::options();
    options.check = Check::Off;
    let device = Device::open("sim", options).unwrap();
    let polynomials = vec![vec![7u64; 256]; 9];
    let columns = vec![vec![3u64; 300]; 17];
    let request = GrindRequest {
        state: [5; 12],
        position: 2,
        output_word: 7,
        bits: 8,
        zeros: hotloop::Zeros::Trailing,
        start: 0,
        tries: 1 << 20,
    };
    let commit = LdeCase { columns: &polynomials, log_blowup: 1, salts: 4 };
    let components = [vec![5u64; 640], vec![6; 640]];
    let jobs: [&dyn Fn(&Device); 5] = [
        &|d| commit.run(d),
        &|d| assert_eq!(d.fold([&components[0], &components[1]], [3, 4], 4).unwrap().len(), 40),
        &|d| assert_eq!(d.hash_leaves(Leaves::Columns(&columns)).unwrap().len(), 300),
        &|d| assert!(d.grind(&request).unwrap() < 1 << 20),
        &|d| assert_eq!(d.forward(&polynomials, 7).unwrap().columns(), 9),
    ];
    let first: Vec<u64> = jobs.iter().map(|job| cycles(&device, job)).collect();
    for looks in 0..20 {
        for (job, &expected) in jobs.iter().zip(&first) {
            assert_eq!(cycles(&device, job), expected, "after {looks} looks");
            for _ in 0..looks {
                device.counters().unwrap();
            }
        }
    }
}

/// More rows than the chip keeps: values are written and read back.
#[test]
fn a_commitment_that_is_read_back_takes_the_same_cycles_every_time() {
    let mut options = hotloop_plonky2::options();
    options.check = Check::Off;
    let device = Device::open("sim", options).unwrap();
    let columns = vec![vec![9u64; 1 << 12]; 2];
    let commit = LdeCase { columns: &columns, log_blowup: 3, salts: 0 };
    let first = cycles(&device, |d| commit.run(d));
    device.forward(&columns, 7).unwrap();
    assert_eq!(cycles(&device, |d| commit.run(d)), first);
    assert_eq!(device.offload().bytes_read_back, (2 * 64) << 15);
}
