//! Our VFIO code in a guest that boots Debian's kernel, on QEMU's `edu` device: see `hotloop_guest::edu`.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hotloop_guest::machine::{Bundle, Image, Machine};

/// What the guest does. The first device is on the root bus, the second behind a port, from which it can be taken out.
const SCRIPT: &str = r#"
guest bind 0000:00:02.0
guest edu 0000:00:02.0
group=/dev/vfio/$(basename $(readlink /sys/bus/pci/devices/0000:00:02.0/iommu_group))
chmod 666 /dev/vfio/vfio
su user -c "guest denied 0000:00:02.0"
chown user $group
su user -c "ulimit -l 8192; guest limited 0000:00:02.0"
guest bind 0000:01:00.0
guest edu 0000:01:00.0
guest unplug 0000:01:00.0
"#;

const STEPS: &[&str] = &[
    "bind 0000:00:02.0",
    "edu 0000:00:02.0",
    "denied 0000:00:02.0",
    "limited 0000:00:02.0",
    "bind 0000:01:00.0",
    "edu 0000:01:00.0",
    "unplug 0000:01:00.0",
];

#[test]
fn edu_in_a_guest() {
    let build = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let Some(system) = Bundle::or_skip(Bundle::system(build)) else { return };
    let Some(qemu) = Bundle::or_skip(Bundle::stock_qemu(build)) else { return };
    let start = Instant::now();
    let mut image = Image::new(&system, SCRIPT).unwrap();
    image.program("guest", Path::new(env!("CARGO_BIN_EXE_guest")), None).unwrap();
    let machine = Machine {
        system: &system,
        qemu: &qemu,
        folder: build.join("guest-edu"),
        devices: ["edu,addr=2", "pcie-root-port,id=rp1,addr=3,chassis=1", "edu,id=second,bus=rp1"]
            .map(str::to_owned)
            .into(),
        memory: 256,
        time: Duration::from_secs(120),
    };
    let heard = machine.run(image, |line, tell| {
        println!("{line}");
        if line == "guest: unplug now" {
            tell("device_del second").unwrap();
        }
    });
    let heard = heard.unwrap_or_else(|reason| panic!("{reason}"));
    for step in STEPS {
        let wanted = format!("guest: {step} passed");
        // The firmware's last words have no end of line.
        assert!(heard.iter().any(|line| line.ends_with(&wanted)), "{step}");
    }
    println!("boot to end: {:.1} s", start.elapsed().as_secs_f64());
}
