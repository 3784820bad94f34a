//! Which addresses are the public's: the special-purpose registries of IANA (RFC 6890), turned around. Of IPv6 only what
//! is given out to the world (2000::/3) is fit, less what stands for something else.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// A network: an address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Cidr {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (address, bits) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.trim().parse().map_err(|_| anyhow::anyhow!("{text:?} is not a network"))?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = if bits.is_empty() { most } else { bits.trim().parse()? };
        anyhow::ensure!(bits <= most, "{text:?} has more bits than an address");
        Ok(Self { address, bits })
    }
}

impl Cidr {
    /// Whether an address is in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(a)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.bits)).unwrap_or(0);
                u32::from(net) & mask == u32::from(a) & mask
            }
            (IpAddr::V6(net), IpAddr::V6(a)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.bits)).unwrap_or(0);
                u128::from(net) & mask == u128::from(a) & mask
            }
            _ => false,
        }
    }
}

const V4: &[([u8; 4], u8, &str)] = &[
    ([0, 0, 0, 0], 8, "no address"),
    ([10, 0, 0, 0], 8, "private"),
    ([100, 64, 0, 0], 10, "shared by carriers"),
    ([127, 0, 0, 0], 8, "this machine"),
    ([168, 63, 129, 16], 32, "a cloud's own"),
    ([169, 254, 0, 0], 16, "link-local, where clouds keep metadata"),
    ([172, 16, 0, 0], 12, "private"),
    ([192, 0, 0, 0], 24, "for protocols"),
    ([192, 0, 2, 0], 24, "for documentation"),
    ([192, 31, 196, 0], 24, "for protocols"),
    ([192, 52, 193, 0], 24, "for protocols"),
    ([192, 88, 99, 0], 24, "a relay of 6to4"),
    ([192, 168, 0, 0], 16, "private"),
    ([192, 175, 48, 0], 24, "for protocols"),
    ([198, 18, 0, 0], 15, "for benchmarks"),
    ([198, 51, 100, 0], 24, "for documentation"),
    ([203, 0, 113, 0], 24, "for documentation"),
    ([224, 0, 0, 0], 4, "multicast"),
    ([240, 0, 0, 0], 4, "reserved"),
];

const V6: &[([u16; 8], u8, &str)] = &[
    // Teredo, ORCHID and the like.
    ([0x2001, 0, 0, 0, 0, 0, 0, 0], 23, "for protocols"),
    ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32, "for documentation"),
    ([0x2002, 0, 0, 0, 0, 0, 0, 0], 16, "6to4, which holds an IPv4 address"),
    ([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48, "for protocols"),
    ([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20, "for documentation"),
];

/// Why an address is not one of the public Internet; `None`: it is.
pub fn unfit(address: IpAddr) -> Option<&'static str> {
    // ::ffff:10.0.0.1 is 10.0.0.1.
    match address.to_canonical() {
        IpAddr::V4(v4) => V4
            .iter()
            .find(|(net, bits, _)| Cidr { address: Ipv4Addr::from(*net).into(), bits: *bits }.contains(v4.into()))
            .map(|(_, _, why)| *why),
        IpAddr::V6(v6) => {
            // What is outside: loopback, unspecified, link-local, unique local, multicast, NAT64, IPv4-compatible.
            if v6.segments()[0] & 0xe000 != 0x2000 {
                return Some("not a public IPv6 address");
            }
            V6.iter()
                .find(|(net, bits, _)| Cidr { address: Ipv6Addr::from(*net).into(), bits: *bits }.contains(v6.into()))
                .map(|(_, _, why)| *why)
        }
    }
}
