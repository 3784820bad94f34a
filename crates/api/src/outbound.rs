//! What the API itself asks of other machines: webhooks and single sign-on.
//!
//! Names are resolved here and nowhere else, every address is checked, and the connection goes to the address that was
//! checked: a name that means something else a moment later (DNS rebinding) changes nothing. Redirects are not followed.
//! All has a deadline, all that comes back a bound.

mod address;
mod connect;
mod guard;

use std::{future::Future, io, net::SocketAddr, pin::Pin, sync::Arc};

pub use self::{
    address::{Cidr, unfit},
    connect::{Answer, Client, Failed, Question},
    guard::{Guard, Refused, Target},
};

/// The addresses of a name.
pub type Addresses = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Tells the addresses of names; a part that tests replace.
#[derive(Clone)]
pub struct Resolver(Arc<dyn Fn(String, u16) -> Addresses + Send + Sync>);

impl Resolver {
    /// The machine's own.
    pub fn system() -> Self {
        Self::from_fn(|name, port| Box::pin(async move { Ok(tokio::net::lookup_host((name, port)).await?.collect()) }))
    }

    /// One that answers as `addresses` does.
    pub fn from_fn(addresses: impl Fn(String, u16) -> Addresses + Send + Sync + 'static) -> Self {
        Self(Arc::new(addresses))
    }

    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        (self.0)(name.to_owned(), port).await
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Resolver")
    }
}

#[cfg(test)]
mod tests;
