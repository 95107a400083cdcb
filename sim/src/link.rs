//! [`PcieLink`]: the PCI Express link between a simulated board and host memory, packet by packet.
//!
//! What travels, and what it costs on the wire (8 GT/s and above: framing and LCRC are 4 bytes each, a header of four
//! words 16, of three 12; an acknowledgement or a credit update is a packet of 8 bytes the other way, for every packet
//! here):
//!
//! | direction | packet | bytes |
//! |---|---|---|
//! | board to host | write request of up to `payload` bytes | bytes + 24 |
//! | board to host | read request for up to `request` bytes | 24 |
//! | host to board | completion with up to `payload` bytes | bytes + 20 |
//!
//! A packet is forwarded when it is whole. A read request waits for one of `tags`, a write request for `credits`. From
//! the end of a read request to the first completion's start `latency` passes; writes are acknowledged to the board when
//! they are on the wire, as a posted write is, and give their credits back after `latency`.

use std::{fmt, str::FromStr};

/// Overhead of packets, in bytes.
pub(crate) const REQUEST_OVERHEAD: u64 = 24;
pub(crate) const COMPLETION_OVERHEAD: u64 = 20;
pub(crate) const ACKNOWLEDGEMENT: u64 = 8;
/// Time on the wire is counted in these fractions of a clock cycle.
pub(crate) const TICKS: u64 = 1 << 20;
/// A link. The text form is `gen3x8`, or with options `gen3x8,payload=256,request=512,tags=64,credits=16384,latency=1000,
/// clock=250`: bytes, nanoseconds, MHz; those are what is not told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PcieLink {
    /// Generation, 1 to 5.
    pub generation: u8,
    /// Lanes: 1, 2, 4, 8 or 16.
    pub lanes: u8,
    /// Most bytes of data in a packet: a power of two, 64 to 4096.
    pub payload: u32,
    /// Most bytes that a read request asks for: a power of two, 64 to 4096.
    pub request: u32,
    /// Read requests under way.
    pub tags: u32,
    /// Bytes of writes that the host takes before it says that there is room again, at least `payload`.
    pub credits: u32,
    /// From a read request to its data, in nanoseconds.
    pub latency_ns: u32,
    /// The board's clock in MHz, by which times become cycles.
    pub clock_mhz: u32,
}

impl PcieLink {
    /// A link of so many lanes, the rest as a PC has it. [`PcieLink::check`] says what is allowed.
    pub fn new(generation: u8, lanes: u8) -> PcieLink {
        PcieLink {
            generation,
            lanes,
            payload: 256,
            request: 512,
            tags: 64,
            credits: 16384,
            latency_ns: 1000,
            clock_mhz: 250,
        }
    }

    /// Says what is not allowed, if anything is.
    pub fn check(&self) -> Result<(), String> {
        let size = |n: u32| n.is_power_of_two() && (64..=4096).contains(&n);
        let rules = [
            ((1..=5).contains(&self.generation), "the generation must be 1 to 5"),
            (matches!(self.lanes, 1 | 2 | 4 | 8 | 16), "lanes must be 1, 2, 4, 8 or 16"),
            (size(self.payload), "payload must be a power of two, 64 to 4096"),
            (size(self.request), "request must be a power of two, 64 to 4096"),
            ((1..=1024).contains(&self.tags), "tags must be 1 to 1024"),
            ((self.payload..=1 << 20).contains(&self.credits), "credits must be at least the payload, at most 2^20"),
            (self.latency_ns <= 1_000_000, "latency must be at most 1000000 (a millisecond)"),
            ((1..=1000).contains(&self.clock_mhz), "clock must be 1 to 1000"),
        ];
        rules.iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, rule)| Err((*rule).to_owned()))
    }

    /// Bytes on the wire in each direction, per cycle of the board's clock, packets' overhead included.
    pub fn bytes_per_cycle(&self) -> f64 {
        TICKS as f64 / self.ticks_per_byte() as f64
    }

    /// Bytes of data per cycle in each direction at most, while as many go the other way: beside a write request of
    /// `payload` bytes, the wire to the host carries a read request's share and acknowledgements.
    pub fn payload_limit(&self) -> f64 {
        let payload = f64::from(self.payload);
        let asked = REQUEST_OVERHEAD as f64 * payload / f64::from(self.request.max(self.payload));
        let wire = payload + (REQUEST_OVERHEAD + ACKNOWLEDGEMENT) as f64 + asked;
        self.bytes_per_cycle() * payload / wire
    }

    pub(crate) fn ticks_per_byte(&self) -> u64 {
        let megatransfers = [2500, 5000, 8000, 16000, 32000][usize::from(self.generation.clamp(1, 5)) - 1];
        // Bits on the wire for eight of data.
        let (coded, data) = if self.generation < 3 { (10 * 8, 8 * 8) } else { (130, 128) };
        TICKS * u64::from(self.clock_mhz) * 8 * coded / (megatransfers * u64::from(self.lanes) * data)
    }
}

impl FromStr for PcieLink {
    type Err = String;

    fn from_str(text: &str) -> Result<PcieLink, String> {
        let mut parts = text.split(',');
        let shape = parts.next().and_then(|name| name.strip_prefix("gen")).and_then(|name| name.split_once('x'));
        let numbers = shape.and_then(|(generation, lanes)| Some((generation.parse().ok()?, lanes.parse().ok()?)));
        let (generation, lanes) =
            numbers.ok_or_else(|| format!("`{text}` is no link; gen3x8 is, and gen3x8,latency=500"))?;
        let mut link = PcieLink::new(generation, lanes);
        for part in parts {
            let (name, value) = part.split_once('=').ok_or_else(|| format!("`{part}` has no value"))?;
            let field = match name {
                "payload" => &mut link.payload,
                "request" => &mut link.request,
                "tags" => &mut link.tags,
                "credits" => &mut link.credits,
                "latency" => &mut link.latency_ns,
                "clock" => &mut link.clock_mhz,
                _ => {
                    return Err(format!("a link has no `{name}`, but payload, request, tags, credits, latency, clock"))
                }
            };
            *field = value.parse().map_err(|_| format!("`{value}` is no number of {name}"))?;
        }
        link.check()?;
        Ok(link)
    }
}

impl fmt::Display for PcieLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let PcieLink { generation, lanes, payload, request, tags, credits, latency_ns, clock_mhz } = self;
        write!(
            f,
            "gen{generation}x{lanes},payload={payload},request={request},tags={tags},credits={credits},latency={latency_ns},clock={clock_mhz}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_have_a_text_form() {
        let link: PcieLink = "gen3x8".parse().unwrap();
        assert_eq!((link, link.to_string().parse().unwrap()), (PcieLink::new(3, 8), link));
        let link: PcieLink = "gen4x16,payload=512,latency=300,tags=256".parse().unwrap();
        assert_eq!((link.generation, link.lanes, link.payload, link.latency_ns, link.tags), (4, 16, 512, 300, 256));
        for wrong in
            ["", "gen3", "gen9x8", "gen3x3", "gen3x8,payload=100", "gen3x8,speed=1", "gen3x8,tags", "gen3x8,tags=x"]
        {
            assert!(wrong.parse::<PcieLink>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn rates_are_the_standards() {
        // GB/s per direction after coding, by generation for one lane.
        for (generation, wanted) in [(1, 0.25), (2, 0.5), (3, 0.985), (4, 1.969), (5, 3.938)] {
            let rate = PcieLink::new(generation, 1).bytes_per_cycle() * 0.25;
            assert!((rate - wanted).abs() < 0.001, "{generation}: {rate}");
        }
    }
}
