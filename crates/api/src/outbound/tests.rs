//! Where the API lets itself be sent. Everything that is really asked listens on this machine's loopback.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::{HeaderMap, Method};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().expect(text)
}

#[test]
fn only_addresses_of_the_public_internet_are_fit() {
    for address in [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "10.255.255.255",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.254",
        "168.63.129.16",
        "169.254.0.1",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.1",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:10.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b::808:808",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:0:4136:e378::1",
        "2001:10::1",
        "2001:20::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:c0a8:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fdff::1",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
        "4000::1",
        "8000::1",
    ] {
        assert!(unfit(ip(address)).is_some(), "{address} is let through");
    }
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "::ffff:8.8.8.8",
        "2001:200::1",
        "2001:4860:4860::8888",
        "2003::1",
        "2606:4700:4700::1111",
        "2a00::1",
        "3ffe::1",
    ] {
        assert_eq!(unfit(ip(address)), None, "{address} is refused");
    }
}

#[test]
fn a_network_holds_what_shares_its_first_bits() {
    let net = |text: &str| text.parse::<Cidr>();
    assert!(net("10.20.0.0/16").expect("net").contains(ip("10.20.255.1")));
    assert!(net("10.20.0.0/16").expect("net").contains(ip("::ffff:10.20.0.1")));
    assert!(!net("10.20.0.0/16").expect("net").contains(ip("10.21.0.0")));
    assert!(net("0.0.0.0/0").expect("net").contains(ip("255.0.0.1")));
    assert!(!net("0.0.0.0/0").expect("net").contains(ip("::1")));
    assert!(net("::1").expect("net").contains(ip("::1")) && !net("::1").expect("net").contains(ip("::2")));
    for bad in ["", "10.0.0.0/33", "::/129", "ten", "10.0.0.0/-1", "10.0.0/8"] {
        assert!(net(bad).is_err(), "{bad}");
    }
}

#[test]
fn an_address_of_the_web_is_read_as_browsers_do() {
    let guard = Guard::default();
    for url in [
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0177.0.0.1/",
        "https://１２７.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[::ffff:7f00:1]/",
        "https://0/",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1:8443/",
        "https://192.168.1.1./",
        "http://example.edu/",
        "ftp://example.edu/",
        "file:///etc/passwd",
        "gopher://example.edu/",
        "unix:/run/docker.sock",
        "https://user@example.edu/",
        "https://user:word@example.edu/",
        "https://example.edu/#there",
        "//example.edu",
        "example.edu",
        "",
        "https://",
        "https:///",
        "javascript:alert(1)",
    ] {
        assert!(guard.parse(url).is_err(), "{url} is let through");
    }
    assert!(guard.parse(&format!("https://example.edu/{}", "a".repeat(2000))).is_err());
    for url in
        ["https://example.edu/", "https://example.edu:8443/hook?key=1", "https://1.1.1.1/", "HTTPS://EXAMPLE.EDU"]
    {
        guard.parse(url).unwrap_or_else(|e| panic!("{url} {e}"));
    }
    let narrow = Guard { ports: vec![443], ..Guard::default() };
    assert!(narrow.parse("https://example.edu:6379/").is_err() && narrow.parse("https://example.edu/").is_ok());
}

/// A resolver that tells these addresses, one list after the other and the last for ever, and counts.
fn telling(lists: &'static [&'static [&'static str]]) -> (Resolver, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let resolver = Resolver::from_fn(move |_, port| {
        let n = count.fetch_add(1, Ordering::SeqCst);
        let list = lists[n.min(lists.len() - 1)];
        Box::pin(async move { Ok(list.iter().map(|a| SocketAddr::new(ip(a), port)).collect()) })
    });
    (resolver, asked)
}

#[tokio::test]
async fn one_unfit_address_of_a_name_is_one_too_many() {
    let lists: [&'static [&'static [&'static str]]; 5] =
        [&[&["127.0.0.1"]], &[&["1.1.1.1", "10.0.0.1"]], &[&["::ffff:10.0.0.1"]], &[&["fe80::1"]], &[&[]]];
    for list in lists {
        let (resolver, _) = telling(list);
        let refused = Guard::default().target("https://hooks.test/", &resolver).await;
        assert!(refused.is_err(), "{list:?}: {refused:?}");
    }
    let (resolver, _) = telling(&[&["1.1.1.1", "2606:4700:4700::1111"]]);
    let target = Guard::default().target("https://hooks.test:8443/x", &resolver).await.expect("fit");
    assert_eq!(target.addresses[0], SocketAddr::new(ip("1.1.1.1"), 8443));
}

/// A listener on the loopback that answers everything with these bytes, and counts connections.
async fn listener(answer: &'static [u8]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("address");
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    // Ends with the test's runtime.
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut head = [0; 4096];
            let _ = socket.read(&mut head).await;
            let _ = socket.write_all(answer).await;
        }
    });
    (address, seen)
}

fn question() -> Question {
    Question {
        method: Method::POST,
        headers: HeaderMap::new(),
        body: "{}".into(),
        deadline: Duration::from_secs(20),
        answer_most: 16,
    }
}

fn loopback() -> Guard {
    Guard { http: true, allow: vec!["127.0.0.0/8".parse().expect("net")], ..Guard::default() }
}

#[tokio::test]
async fn the_loopback_is_refused_without_a_connection_unless_the_operator_allows_it() {
    let (address, seen) = listener(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").await;
    let client = Client::new(Resolver::system()).expect("client");
    let url = format!("http://{address}/");
    let guard = Guard { http: true, ..Guard::default() };
    let failed = client.ask(&url, &guard, question()).await.expect_err("refused");
    assert!(matches!(failed, Failed::Refused(_)), "{failed:?}");
    assert!(matches!(
        client.ask(&format!("http://localhost:{}/", address.port()), &guard, question()).await,
        Err(Failed::Refused(_))
    ));
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    let answer = client.ask(&url, &loopback(), question()).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), &answer.body[..], answer.cut), (200, &b"hello"[..], false));
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_nothing_is_followed() {
    let (there, seen) = listener(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let head: &'static str = Box::leak(
        format!("HTTP/1.1 302 Found\r\nlocation: http://{there}/\r\ncontent-length: 0\r\n\r\n").into_boxed_str(),
    );
    let (here, _) = listener(head.as_bytes()).await;
    let client = Client::new(Resolver::system()).expect("client");
    let answer = client.ask(&format!("http://{here}/"), &loopback(), question()).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), seen.load(Ordering::SeqCst)), (302, 0));
}

#[tokio::test]
async fn a_name_that_means_something_else_a_moment_later_changes_nothing() {
    // Allowed at first, then an address that is not: each question resolves once and goes where it was checked.
    let (address, seen) = listener(b"HTTP/1.1 204 No Content\r\n\r\n").await;
    let (resolver, asked) = telling(&[&["127.0.0.1"], &["10.0.0.1"]]);
    let client = Client::new(resolver).expect("client");
    let url = format!("http://rebinding.test:{}/", address.port());
    let answer = client.ask(&url, &loopback(), question()).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), seen.load(Ordering::SeqCst)), (204, 1));
    assert_eq!(asked.load(Ordering::SeqCst), 1, "resolved twice in one question");
    let failed = client.ask(&url, &loopback(), question()).await.expect_err("now it leads elsewhere");
    assert!(matches!(failed, Failed::Refused(_)), "{failed:?}");
    // And the other way round: checked as public when it was made, the loopback when it is used.
    let (resolver, _) = telling(&[&["1.1.1.1"], &["127.0.0.1"]]);
    let client = Client::new(resolver).expect("client");
    let guard = Guard { http: true, ..Guard::default() };
    client.check(&url, &guard).await.expect("fit at first");
    assert!(matches!(client.ask(&url, &guard, question()).await, Err(Failed::Refused(_))));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn of_an_endless_answer_the_beginning_is_kept() {
    let body = Box::leak(format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(100_000)).into_boxed_str()).as_bytes();
    let (address, _) = listener(body).await;
    let client = Client::new(Resolver::system()).expect("client");
    let answer = client.ask(&format!("http://{address}/"), &loopback(), question()).await.expect("an answer");
    assert_eq!((answer.body.len(), answer.cut), (16, true));
    let huge = Box::leak(format!("HTTP/1.1 200 OK\r\nx: {}", "x".repeat(100_000)).into_boxed_str()).as_bytes();
    let (address, _) = listener(huge).await;
    let failed = client.ask(&format!("http://{address}/"), &loopback(), question()).await.expect_err("too long a head");
    assert!(matches!(failed, Failed::Broken(_)), "{failed:?}");
}

#[tokio::test]
async fn who_never_answers_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let url = format!("http://{}/", listener.local_addr().expect("address"));
    let client = Client::new(Resolver::system()).expect("client");
    let soon = Question { deadline: Duration::from_millis(200), ..question() };
    assert!(matches!(client.ask(&url, &loopback(), soon).await, Err(Failed::Late)));
}

/// A server with TLS on the loopback, with a certificate for `hooks.test` by the tests' own authority.
async fn tls_listener() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
    let address = listener.local_addr().expect("address");
    let certificate = CertificateDer::from(include_bytes!("testdata/hooks.test.der").as_slice());
    let key = PrivateKeyDer::try_from(include_bytes!("testdata/hooks.test.key.der").as_slice()).expect("key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    // Ends with the test's runtime.
    #[expect(clippy::disallowed_methods, reason = "a test's own server")]
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let Ok(mut socket) = acceptor.accept(socket).await else { continue };
            let _ = socket.read(&mut [0; 4096]).await;
            let _ = socket.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    });
    address
}

#[tokio::test]
async fn over_tls_the_name_must_be_the_certificates_and_the_authority_known() {
    let port = tls_listener().await.port();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(include_bytes!("testdata/authority.der").as_slice())).expect("authority");
    let guard = Guard { http: false, ..loopback() };
    let (resolver, _) = telling(&[&["127.0.0.1"]]);
    let knows = Client::trusting(resolver.clone(), roots).expect("client");
    let answer = knows.ask(&format!("https://hooks.test:{port}/"), &guard, question()).await.expect("an answer");
    assert_eq!(answer.status, 204);
    let failed = knows.ask(&format!("https://other.test:{port}/"), &guard, question()).await.expect_err("another name");
    assert!(failed.to_string().starts_with("TLS"), "{failed}");
    let does_not = Client::new(resolver).expect("client");
    let failed = does_not.ask(&format!("https://hooks.test:{port}/"), &guard, question()).await.expect_err("unknown");
    assert!(failed.to_string().starts_with("TLS"), "{failed}");
}
