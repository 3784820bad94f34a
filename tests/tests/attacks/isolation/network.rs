//! I3: there is nobody to talk to.
//!
//! The row opens listeners of its own on this host; the jail knows their addresses and reaches none of them.

use std::{
    fmt::Write as _,
    net::{TcpListener, UdpSocket},
    os::{
        linux::net::SocketAddrExt as _,
        unix::net::{SocketAddr, UnixListener},
    },
    time::Duration,
};

use bollard::query_parameters::InspectNetworkOptions;
use testkit::leftovers::docker;

use super::{all_refused, document, probe};
use crate::frame::{Row, family};

/// Who waits for a jail to come.
struct Listeners {
    tcp: Vec<TcpListener>,
    udp: Vec<UdpSocket>,
    unix: Vec<UnixListener>,
    /// As the probes read it.
    told: String,
    /// Holds the socket's path.
    folder: tempfile::TempDir,
}

impl Listeners {
    async fn open() -> Self {
        let folder = tempfile::Builder::new().prefix("iteratione-listener-").tempdir().expect("a folder");
        let mut all = Self { tcp: Vec::new(), udp: Vec::new(), unix: Vec::new(), told: String::new(), folder };
        let mut addresses = vec!["127.0.0.1".to_owned(), "127.1.2.3".to_owned(), "::1".to_owned()];
        addresses.extend(gateway().await);
        for address in addresses {
            // This host may have no IPv6, and an engine without a bridge has no gateway.
            let Ok(listener) = TcpListener::bind((address.as_str(), 0)) else { continue };
            let port = listener.local_addr().expect("an address").port();
            let socket = UdpSocket::bind((address.as_str(), 0)).expect("a socket");
            let datagrams = socket.local_addr().expect("an address").port();
            writeln!(all.told, "tcp {address} {port}\nudp {address} {datagrams}").expect("a string");
            listener.set_nonblocking(true).expect("a listener");
            socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a socket");
            all.tcp.push(listener);
            all.udp.push(socket);
        }
        assert!(all.tcp.len() >= 2, "this host has a loopback");
        let path = all.folder.path().join("listener.sock");
        all.unix.push(UnixListener::bind(&path).expect("listens"));
        let name = format!("iteratione-test-{}", uuid::Uuid::new_v4().simple());
        let address = SocketAddr::from_abstract_name(name.as_bytes()).expect("an address");
        all.unix.push(UnixListener::bind_addr(&address).expect("listens"));
        writeln!(all.told, "unix {}\nabstract {name}", path.display()).expect("a string");
        for listener in &all.unix {
            listener.set_nonblocking(true).expect("a listener");
        }
        all
    }

    /// Nobody came.
    fn assert_alone(&self) {
        for listener in &self.tcp {
            assert!(listener.accept().is_err(), "somebody connected to {listener:?}");
        }
        for socket in &self.udp {
            let mut datagram = [0; 64];
            assert!(socket.recv(&mut datagram).is_err(), "somebody sent {datagram:?} to {socket:?}");
        }
        for listener in &self.unix {
            assert!(listener.accept().is_err(), "somebody connected to {listener:?}");
        }
    }

    /// That they can be reached at all, by one who is not in a jail.
    fn assert_open(&self) {
        for listener in &self.tcp {
            let address = listener.local_addr().expect("an address");
            let _guest = std::net::TcpStream::connect(address).expect("connects");
            // It is accepted a moment after it is connected.
            listener.set_nonblocking(false).expect("a listener");
            listener.accept().expect("a guest");
            listener.set_nonblocking(true).expect("a listener");
        }
        for socket in &self.udp {
            let address = socket.local_addr().expect("an address");
            let guest = UdpSocket::bind((address.ip(), 0)).expect("a socket");
            guest.send_to(b"a word", address).expect("sends");
            socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a socket");
            socket.recv(&mut [0; 64]).expect("a word");
            socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a socket");
        }
    }
}

/// The bridge's own address on this host.
async fn gateway() -> Option<String> {
    let docker = docker();
    let asking = docker.inspect_network("bridge", None::<InspectNetworkOptions>);
    let network = tokio::time::timeout(Duration::from_secs(30), asking).await.expect("Docker answers").ok()?;
    network.ipam?.config?.into_iter().find_map(|c| c.gateway)
}

fn nobody_is_reached(id: &'static str, language: &'static str, file: &'static str, least: usize) -> Row {
    Row::new(id, language, async move |arena| {
        let listeners = Listeners::open().await;
        listeners.assert_open();
        let inputs = [("listeners", listeners.told.clone())];
        let result = arena.graded(&document(language, &inputs), &probe(file)).await;
        let tried = all_refused(&result, 0, least);
        listeners.assert_alone();
        format!(
            "{tried} ways tried, {} listeners alone",
            listeners.tcp.len() + listeners.udp.len() + listeners.unix.len()
        )
    })
}

#[test]
fn nobody_can_be_reached_from_a_jail() {
    family([
        nobody_is_reached("I3_network_c", "c", "i3/network.c", 34),
        nobody_is_reached("I3_network_java", "java", "i3/Network.java", 10),
    ]);
}
