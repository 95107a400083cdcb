//! [`Obstacle`]: why a board cannot be opened, and what to do.

use std::path::PathBuf;

/// Why a board cannot be opened. The text says what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// There is no function at this address.
    #[error("there is no PCI function at {address}; see `hotloop devices` for the boards that are there")]
    NotThere {
        /// The address asked for.
        address: String,
    },
    /// Another driver has the function, or none.
    #[error("it is bound to {}, not to vfio-pci; run `hotloop bind {address}` as root", driver.as_deref().unwrap_or("no driver"))]
    NotBound {
        /// Its address.
        address: String,
        /// The driver that has it.
        driver: Option<String>,
    },
    /// The function is behind no IOMMU.
    #[error("no IOMMU stands between it and memory; switch VT-d or AMD-Vi on in the firmware, and with Intel boot Linux with intel_iommu=on")]
    NoIommu,
    /// The kernel has no VFIO, or not the group interface with a type 1 IOMMU.
    #[error("the kernel offers no VFIO ({reason}); load its module: modprobe vfio-pci")]
    NoVfio {
        /// What was seen.
        reason: String,
    },
    /// This user may not open a file.
    #[error("no permission for {}; give it to your user (sudo chown $USER {}, or the udev rule in resources/)", path.display(), path.display())]
    NoPermission {
        /// The file.
        path: PathBuf,
    },
    /// A neighbour that the IOMMU cannot tell apart still belongs to a driver of the host.
    #[error("another function of IOMMU group {group} belongs to a driver of the host; bind all of the group to vfio-pci, or move the board to another slot")]
    NotViable {
        /// The group.
        group: u32,
    },
    /// Another process has it.
    #[error("it is in use by another process; end that, or choose another board")]
    Busy,
    /// Nobody listens at the socket.
    #[error("nobody listens at {}; start a simulated board there: hotloop sim serve --socket {}", path.display(), path.display())]
    NoServer {
        /// The socket.
        path: PathBuf,
    },
    /// There is no such serial line.
    #[error("there is no {}; plug the board in, and see /dev/serial/by-id for the lines that are there", path.display())]
    NoLine {
        /// Its path.
        path: PathBuf,
    },
    /// This user may not open the serial line.
    #[error("no permission for {}; put your user into the group that owns it (sudo usermod -aG dialout $USER) and log in again", path.display())]
    NoLinePermission {
        /// Its path.
        path: PathBuf,
    },
    /// It is no serial line.
    #[error("{} is no serial line; see /dev/serial/by-id for those that are there", path.display())]
    NoTerminal {
        /// Its path.
        path: PathBuf,
    },
    /// A serial line cannot have this speed.
    #[error("the speed behind @ must be one of {known}, and the one that the board's image was built for")]
    Speed {
        /// Speeds there are.
        known: String,
    },
    /// The bridge on the board speaks another version of the serial link.
    #[error("its serial bridge has version {found}, this driver speaks {known}; flash an image of this release")]
    LinkVersion {
        /// The board's version.
        found: u8,
        /// The driver's.
        known: u8,
    },
}
