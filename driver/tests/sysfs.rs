//! Boards on a bus that is a folder.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use hotloop_driver::{Obstacle, PciAddress, Sysfs};

/// A made-up `/sys/bus/pci` and `/dev/vfio`, removed when it goes.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Tree {
        let root = std::env::temp_dir().join(format!("hotloop-sysfs-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        for folder in ["pci/devices", "pci/drivers/vfio-pci", "pci/drivers/other", "groups/7", "vfio"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        fs::write(root.join("pci/drivers_probe"), "").unwrap();
        Tree(root)
    }

    fn device(&self, address: &str, ids: (&str, &str), driver: Option<&str>, group: bool) -> PathBuf {
        let folder = self.0.join("pci/devices").join(address);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("vendor"), format!("0x{}\n", ids.0)).unwrap();
        fs::write(folder.join("device"), format!("0x{}\n", ids.1)).unwrap();
        fs::write(folder.join("driver_override"), "").unwrap();
        if let Some(driver) = driver {
            let place = self.0.join("pci/drivers").join(driver);
            fs::write(place.join("unbind"), "").unwrap();
            symlink(place, folder.join("driver")).unwrap();
        }
        if group {
            symlink(self.0.join("groups/7"), folder.join("iommu_group")).unwrap();
        }
        folder
    }

    fn sysfs(&self) -> Sysfs {
        Sysfs::at(self.0.join("pci"), self.0.join("vfio"))
    }

    fn text(&self, path: impl AsRef<Path>) -> String {
        fs::read_to_string(self.0.join(path)).unwrap()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const OURS: (&str, &str) = ("1209", "4854");

fn at(address: &str) -> PciAddress {
    address.parse().unwrap()
}

#[test]
fn addresses_are_checked_before_they_become_paths() {
    assert_eq!(at("01:00.0").to_string(), "0000:01:00.0");
    assert_eq!(at("10000:AB:1f.7").to_string(), "10000:ab:1f.7");
    for wrong in
        ["", "01:00", "0000:01:00.0/..", "../../etc", "0000:01:00.00", "0000:1:00.0", "000g:01:00.0", "0:0:0.0"]
    {
        assert!(matches!(wrong.parse::<PciAddress>(), Err(Obstacle::NotThere { .. })), "{wrong}");
    }
}

#[test]
fn boards_are_found_and_why_they_cannot_be_opened() {
    let tree = Tree::new("find");
    tree.device("0000:03:00.0", OURS, None, true);
    tree.device("0000:01:00.0", OURS, Some("vfio-pci"), true);
    tree.device("0000:02:00.0", OURS, Some("other"), true);
    tree.device("0000:04:00.0", OURS, Some("vfio-pci"), false);
    tree.device("0000:05:00.0", ("8086", "1533"), Some("other"), true);
    let sysfs = tree.sysfs();
    let found: Vec<String> = sysfs.boards().iter().map(|slot| slot.address.to_string()).collect();
    assert_eq!(found, ["0000:01:00.0", "0000:02:00.0", "0000:03:00.0", "0000:04:00.0"]);
    let slot = sysfs.slot(&at("02:00.0")).unwrap();
    assert_eq!((slot.driver.as_deref(), slot.group, slot.is_hotloop()), (Some("other"), Some(7), true));

    let obstacle = |address| sysfs.obstacle(&at(address)).unwrap();
    let not_bound = |address: &str, driver: Option<&str>| Obstacle::NotBound {
        address: address.into(),
        driver: driver.map(str::to_owned),
    };
    assert_eq!(obstacle("09:00.0"), Obstacle::NotThere { address: "0000:09:00.0".into() });
    assert_eq!(obstacle("02:00.0"), not_bound("0000:02:00.0", Some("other")));
    assert_eq!(obstacle("03:00.0"), not_bound("0000:03:00.0", None));
    assert_eq!(obstacle("04:00.0"), Obstacle::NoIommu);
    assert!(matches!(obstacle("01:00.0"), Obstacle::NoVfio { reason } if reason.contains("vfio/vfio")));
    // Each says what to do.
    for (address, advice) in [("02:00.0", "hotloop bind 0000:02:00.0"), ("04:00.0", "VT-d"), ("01:00.0", "modprobe")] {
        assert!(obstacle(address).to_string().contains(advice), "{address}");
    }
    // A machine without PCI.
    assert_eq!(Sysfs::at("/nowhere", "/nowhere").boards(), []);
}

#[test]
fn bind_overrides_frees_and_probes() {
    let tree = Tree::new("bind");
    tree.device("0000:02:00.0", OURS, Some("other"), true);
    let sysfs = tree.sysfs();
    // No kernel is here to do what is written.
    assert!(sysfs.bind(&at("02:00.0")).unwrap_err().to_string().contains("does not take it"));
    assert_eq!(tree.text("pci/devices/0000:02:00.0/driver_override"), "vfio-pci");
    assert_eq!(tree.text("pci/drivers/other/unbind"), "0000:02:00.0");
    assert_eq!(tree.text("pci/drivers_probe"), "0000:02:00.0");
    tree.device("0000:03:00.0", OURS, None, true);
    sysfs.unbind(&at("03:00.0")).unwrap();
    assert_eq!(tree.text("pci/devices/0000:03:00.0/driver_override"), "\n");
    fs::remove_dir(tree.0.join("pci/drivers/vfio-pci")).unwrap();
    assert!(sysfs.bind(&at("03:00.0")).unwrap_err().to_string().contains("modprobe vfio-pci"));
}
