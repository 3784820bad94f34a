//! Which addresses of the web may be asked.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::{Cidr, Resolver, unfit};

/// The most addresses of one name that are looked at.
const ADDRESSES_MOST: usize = 16;
/// The longest address of the web.
const URL_MOST: usize = 2000;

/// What may be asked.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    /// Without TLS too.
    pub http: bool,
    /// Ports; empty: any.
    pub ports: Vec<u16>,
    /// Networks that are allowed though they are not public.
    pub allow: Vec<Cidr>,
    /// Ask anything: for addresses that the operator has set.
    pub open: bool,
}

/// Why an address of the web may not be asked, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

/// Where to connect: an address of the web and the addresses that were checked for it.
#[derive(Debug, Clone)]
pub struct Target {
    /// As it was given.
    pub url: Url,
    /// What stands in `Host` and in the certificate.
    pub host: String,
    /// Checked, in the resolver's order.
    pub addresses: Vec<SocketAddr>,
}

impl Guard {
    /// Reads an address of the web and checks what needs no resolver.
    pub fn parse(&self, text: &str) -> Result<Url, Refused> {
        let refused = |why: &str| Err(Refused(why.to_owned()));
        if text.len() > URL_MOST {
            return refused("is too long");
        }
        let Ok(url) = Url::parse(text) else { return refused("is not an address of the web") };
        match url.scheme() {
            "https" => {}
            "http" if self.http => {}
            "http" => return refused("must begin with https://"),
            _ => return refused("must begin with https:// or http://"),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return refused("must not hold a user or a password");
        }
        if url.fragment().is_some() {
            return refused("must not hold a fragment");
        }
        let Some(port) = url.port_or_known_default() else { return refused("has no port") };
        if !self.ports.is_empty() && !self.ports.contains(&port) {
            return refused("is at a port that is not allowed here");
        }
        match url.host() {
            None => refused("names no host"),
            Some(Host::Ipv4(address)) => self.check(address.into()).map(|()| url),
            Some(Host::Ipv6(address)) => self.check(address.into()).map(|()| url),
            Some(Host::Domain(_)) => Ok(url),
        }
    }

    /// Resolves an address of the web and checks all that its name stands for. One unfit address is one too many.
    pub async fn target(&self, text: &str, resolver: &Resolver) -> Result<Target, Refused> {
        let url = self.parse(text)?;
        let port = url.port_or_known_default().unwrap_or(443);
        let (host, addresses) = match url.host() {
            Some(Host::Ipv4(address)) => (address.to_string(), vec![SocketAddr::new(address.into(), port)]),
            Some(Host::Ipv6(address)) => (address.to_string(), vec![SocketAddr::new(address.into(), port)]),
            Some(Host::Domain(name)) => {
                let found = resolver.resolve(name, port).await;
                let found = found.map_err(|_| Refused("names a host that cannot be found".to_owned()))?;
                // Whatever port a resolver tells, it is the one that was checked.
                (name.to_owned(), found.iter().map(|a| SocketAddr::new(a.ip(), port)).collect())
            }
            None => return Err(Refused("names no host".to_owned())),
        };
        if addresses.is_empty() || addresses.len() > ADDRESSES_MOST {
            return Err(Refused(format!("names a host with {} addresses", addresses.len())));
        }
        addresses.iter().try_for_each(|address| self.check(address.ip()))?;
        Ok(Target { url, host, addresses })
    }

    fn check(&self, address: IpAddr) -> Result<(), Refused> {
        match unfit(address) {
            Some(why) if !self.open && !self.allow.iter().any(|net| net.contains(address)) => {
                Err(Refused(format!("leads to an address that is not public ({why})")))
            }
            _ => Ok(()),
        }
    }
}
