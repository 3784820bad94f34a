//! HTTP clients, with TLS. The cryptography is `ring`, which PostgreSQL's driver uses too; reqwest itself chooses none, and
//! would panic without: so every client is begun here.

use reqwest::ClientBuilder;

/// Of a client that will call the judge at `url`. For HTTPS it trusts what this system trusts (`SSL_CERT_FILE` names
/// others); for plain HTTP it does not look for certificates, which a bare system has none of.
pub fn builder(url: &str) -> ClientBuilder {
    let secure = url.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https:"));
    if secure { with_tls() } else { plain() }
}

/// Of a client for plain HTTP alone.
pub fn plain() -> ClientBuilder {
    with_tls().tls_certs_only([])
}

fn with_tls() -> ClientBuilder {
    // It fails if there is one already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
