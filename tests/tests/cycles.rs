//! Cycle counts are exact: a job takes the same number whatever the host did before, and however often it looked.

use hotloop::{Check, Device, GrindRequest, Leaves};

fn cycles(device: &Device, run: impl Fn(&Device)) -> u64 {
    let before = device.offload().cycles;
    run(device);
    device.offload().cycles - before
}

#[test]
fn a_job_takes_the_same_cycles_every_time() {
    let mut options = hotloop_plonky2::options();
    options.check = Check::Off;
    let device = Device::open("sim", options).unwrap();
    let polynomials = vec![vec![7u64; 256]; 9];
    let columns = vec![vec![3u64; 300]; 17];
    let request = GrindRequest { state: [5; 12], position: 2, output_word: 7, bits: 8, start: 0, tries: 1 << 20 };
    let jobs: [&dyn Fn(&Device); 3] = [
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
