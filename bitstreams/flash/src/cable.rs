//! How a board is reached, as `--cable` says it.

use std::{fmt, net::ToSocketAddrs, str::FromStr};

/// A way to a board's configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cable {
    /// What the board's file says: its own USB cable.
    Board,
    /// A JTAG cable served over TCP (Xilinx Virtual Cable): `xvc:HOST:PORT`.
    Xvc {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A USB cable by openFPGALoader's name for it, and a serial number where there are several: `NAME` or `NAME:SERIAL`.
    Usb {
        /// The name, from `openFPGALoader --list-cables`.
        name: String,
        /// The FTDI chip's serial number.
        serial: Option<String>,
    },
    /// Vivado's hardware server: `vivado` or `vivado:HOST:PORT`.
    Vivado {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
    /// A card with AMD's shell, by its address on the bus: `xbutil:BDF`.
    Xbutil {
        /// Bus, device and function.
        address: String,
    },
    /// A slot of an AWS F1 or F2 instance, and the image's identity there: `aws:SLOT:AGFI`.
    Aws {
        /// The slot.
        slot: u8,
        /// The image (`agfi-…`).
        image: String,
    },
    /// The running board's own port to its flash: `spi:DEVICE`, a device as other commands have them, or `spi:BDF`.
    Spi {
        /// The device.
        device: String,
    },
}

/// What a cable is not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no cable; there are xvc:HOST:PORT, NAME or NAME:SERIAL (a USB cable, from `openFPGALoader --list-cables`), \
     vivado[:HOST:PORT], xbutil:BDF, aws:SLOT:AGFI and spi:DEVICE (vfio:BDF)"
)]
pub struct CableError(String);

impl Cable {
    /// With a host's name as its address: openFPGALoader takes addresses of IPv4 only.
    pub fn resolved(self) -> std::io::Result<Cable> {
        let Cable::Xvc { host, port } = self else { return Ok(self) };
        let mut found = (host.as_str(), port).to_socket_addrs()?;
        match found.find(std::net::SocketAddr::is_ipv4) {
            Some(address) => Ok(Cable::Xvc { host: address.ip().to_string(), port }),
            None => Err(std::io::Error::other(format!("{host} has no IPv4 address"))),
        }
    }
}

impl FromStr for Cable {
    type Err = CableError;

    fn from_str(text: &str) -> Result<Cable, CableError> {
        let wrong = || CableError(text.to_owned());
        let word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        let place = |rest: &str, default: Option<u16>| {
            let (host, port) = match rest.rsplit_once(':') {
                Some((host, port)) => (host, port.parse().map_err(|_| wrong())?),
                None => (rest, default.ok_or_else(wrong)?),
            };
            if word(host) {
                Ok((host.to_owned(), port))
            } else {
                Err(wrong())
            }
        };
        let address = |rest: &str| {
            let good = rest.chars().all(|c| c.is_ascii_hexdigit() || ":.".contains(c)) && rest.contains('.');
            if good {
                Ok(rest.to_owned())
            } else {
                Err(wrong())
            }
        };
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        match kind {
            "xvc" => place(rest, None).map(|(host, port)| Cable::Xvc { host, port }),
            "vivado" => {
                let rest = if rest.is_empty() { "localhost" } else { rest };
                place(rest, Some(3121)).map(|(host, port)| Cable::Vivado { host, port })
            }
            "xbutil" => address(rest).map(|address| Cable::Xbutil { address }),
            "spi" => match rest.split_once(':') {
                Some(("vfio" | "vfio-user", place)) if !place.is_empty() => Ok(Cable::Spi { device: rest.to_owned() }),
                _ => address(rest).map(|address| Cable::Spi { device: format!("vfio:{address}") }),
            },
            "aws" => {
                let (slot, image) = rest.split_once(':').ok_or_else(wrong)?;
                let slot = slot.parse().map_err(|_| wrong())?;
                if !image.starts_with("agfi-") || !word(image) {
                    return Err(wrong());
                }
                Ok(Cable::Aws { slot, image: image.to_owned() })
            }
            name if word(name) && !name.starts_with('-') && (rest.is_empty() || word(rest)) => {
                let serial = (!rest.is_empty()).then(|| rest.to_owned());
                Ok(Cable::Usb { name: name.to_owned(), serial })
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Cable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cable::Board => write!(f, "the board's own cable"),
            Cable::Xvc { host, port } => write!(f, "xvc:{host}:{port}"),
            Cable::Usb { name, serial: None } => write!(f, "{name}"),
            Cable::Usb { name, serial: Some(serial) } => write!(f, "{name}:{serial}"),
            Cable::Vivado { host, port } => write!(f, "vivado:{host}:{port}"),
            Cable::Xbutil { address } => write!(f, "xbutil:{address}"),
            Cable::Aws { slot, image } => write!(f, "aws:{slot}:{image}"),
            Cable::Spi { device } => write!(f, "spi:{device}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_reads_back() {
        for text in [
            "xvc:127.0.0.1:3721",
            "ft2232",
            "digilent_hs2:210249A",
            "vivado:lab3:3121",
            "xbutil:0000:3b:00.1",
            "aws:0:agfi-0123abc",
            "spi:vfio:01:00.0",
            "spi:vfio-user:/run/board.sock",
        ] {
            assert_eq!(text.parse::<Cable>().unwrap().to_string(), text);
        }
        assert_eq!("spi:01:00.0".parse(), Ok(Cable::Spi { device: "vfio:01:00.0".into() }));
        assert_eq!("vivado".parse(), Ok(Cable::Vivado { host: "localhost".into(), port: 3121 }));
    }

    #[test]
    fn what_is_none() {
        for text in [
            "",
            "xvc",
            "xvc:host",
            "xvc::1",
            "xvc:h:99999",
            "aws:0",
            "aws:x:agfi-1",
            "-c",
            "ft2232:-x y",
            "a b",
            "xbutil:",
        ] {
            assert!(text.parse::<Cable>().is_err(), "{text}");
        }
    }
}
