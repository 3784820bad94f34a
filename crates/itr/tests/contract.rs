//! `itr` as a program, over HTTP and HTTPS, against a peer that speaks the contract of endpoints which a judge may not have yet; and what it
//! says where there is nobody, or somebody else.

use std::{
    path::Path,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path as At, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    },
};

const LAB: &str = "01a21c13-1e96-754c-984d-4b7bedfbe08f";
const SET: &str = "01a21c13-1e96-754c-984d-4b7bedfbe090";

/// What was decided, and how often the set was looked at.
type Seen = Arc<Mutex<(Vec<String>, usize)>>;

async fn gradebook(headers: HeaderMap) -> Response {
    if headers[header::ACCEPT] == "text/csv" {
        let text = "\u{feff}name,email,sum,total\r\n\"Lovelace, Ada\",ada@x.edu,40,40\r\nBob\u{1b}[2J,bob@x.edu,,0\r\n";
        return ([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response();
    }
    Json(json!({"students": [{"name": "Lovelace, Ada", "total": 40}]})).into_response()
}

async fn set(State(seen): State<Seen>) -> Json<Value> {
    let looks = {
        let mut seen = seen.lock().expect("no panic");
        seen.1 += 1;
        seen.1
    };
    let status = if looks < 2 { "running" } else { "ready" };
    Json(json!({"id": SET, "status": status, "total": 2, "done": looks.min(2), "submissions": [
        {"id": "s1", "email": "ada@x.edu", "before": {"verdict": "WA", "score": 0}, "after": {"verdict": "AC", "score": 40}},
        {"id": "s2", "email": "bob@x.edu", "before": {"verdict": "AC", "score": 40}, "after": {"verdict": "AC", "score": 40}},
    ]}))
}

async fn decide(State(seen): State<Seen>, At((_, decision)): At<(String, String)>) -> Json<Value> {
    let status = if decision == "apply" { "applied" } else { "cancelled" };
    seen.lock().expect("no panic").0.push(decision);
    Json(json!({"id": SET, "status": status}))
}

async fn peer() -> (String, Seen) {
    let seen = Seen::default();
    let begun = async || (StatusCode::ACCEPTED, Json(json!({"id": SET, "status": "running", "total": 2, "done": 0})));
    let routes = Router::new()
        .route("/api/v1/courses/cs1/gradebook", get(gradebook))
        .route("/api/v1/labs/{lab}/rejudge", post(begun))
        .route("/api/v1/rejudges/{set}", get(set))
        .route("/api/v1/rejudges/{set}/{decision}", post(decide))
        .with_state(seen.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (url, seen)
}

/// Runs `itr`; standard output, standard error and the exit status.
async fn itr(url: &str, home: &Path, arguments: &[&str]) -> (String, String, i32) {
    itr_trusting(None, url, home, arguments).await
}

/// As [`itr`], on a system that trusts a certificate.
async fn itr_trusting(file: Option<&Path>, url: &str, home: &Path, arguments: &[&str]) -> (String, String, i32) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itr"));
    command.args(arguments).env_clear().env("XDG_CONFIG_HOME", home).env("ITR_URL", url).env("ITR_TOKEN", "itr_t");
    command.envs(file.map(|file| ("SSL_CERT_FILE", file)));
    let Output { status, stdout, stderr } =
        tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("itr runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    (text(stdout), text(stderr), status.code().expect("a status"))
}

#[tokio::test(flavor = "multi_thread")]
async fn grades_come_as_a_table_as_csv_and_as_json() {
    let (url, _) = peer().await;
    let home = tempfile::tempdir().expect("a folder");
    let (table, _, code) = itr(&url, home.path(), &["grades", "cs1"]).await;
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!((code, lines[0]), (0, "name           email      sum  total"), "{table}");
    assert_eq!(lines[1], "Lovelace, Ada  ada@x.edu  40   40");
    assert!(!table.contains('\u{1b}'), "{table:?}");
    let (csv, _, code) = itr(&url, home.path(), &["grades", "cs1", "--csv"]).await;
    assert!(code == 0 && csv.contains("\"Lovelace, Ada\",ada@x.edu,40,40\r\n"), "{csv:?}");
    let (json, _, code) = itr(&url, home.path(), &["grades", "cs1", "--json"]).await;
    let book: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &book["students"][0]["total"]), (0, &json!(40)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejudging_is_waited_for_shown_and_decided() {
    let (url, seen) = peer().await;
    let home = tempfile::tempdir().expect("a folder");
    let (text, _, code) = itr(&url, home.path(), &["rejudge", "preview", LAB]).await;
    assert!(code == 0 && text.contains("ready, 2 of 2 graded"), "{text}");
    assert!(text.contains("ada@x.edu  WA 0    AC 40  s1") && !text.contains("bob@x.edu"), "{text}");
    assert!(text.contains(&format!("itr rejudge apply {SET}")), "{text}");
    for (decision, status) in [("cancel", "cancelled"), ("apply", "applied")] {
        let (text, _, code) = itr(&url, home.path(), &["rejudge", decision, SET]).await;
        assert!(code == 0 && text.contains(status), "{text}");
    }
    assert_eq!(seen.lock().expect("no panic").0, ["cancel", "apply"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_went_wrong_is_said_with_what_to_do() {
    let (url, _) = peer().await;
    let home = tempfile::tempdir().expect("a folder");
    let (_, said, code) = itr(&url, home.path(), &["grades", "nope"]).await;
    assert!(code == 2 && said.contains("cannot read the gradebook of nope") && said.contains("HTTP 404"), "{said}");
    let (out, said, code) = itr("judge.example.edu", home.path(), &["courses", "--json"]).await;
    assert!(code == 2 && said.contains("no address"), "{said}");
    let error: Value = serde_json::from_str(&out).expect("JSON for scripts");
    assert!(error["error"]["detail"].as_str().is_some_and(|detail| detail.contains("judge.example.edu")), "{out}");
    let (_, said, code) = itr("https://127.0.0.1:9", home.path(), &["whoami"]).await;
    assert!(code == 2 && said.contains("https://127.0.0.1:9"), "{said}");
    let (_, said, code) = itr(&url, home.path(), &["lab", "push", "/nowhere"]).await;
    assert!(code == 2 && said.contains("cannot read /nowhere"), "{said}");
}

/// A judge behind HTTPS, whose certificate somebody has to trust. It knows one account.
async fn secure_peer(home: &Path) -> String {
    let pem = |name: &str| home.join(name);
    let certificates: Vec<_> = CertificateDer::pem_file_iter(pem("certificate.pem"))
        .expect("PEM")
        .collect::<Result<_, _>>()
        .expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(pem("key.pem")).expect("a key");
    let config = ServerConfig::builder().with_no_client_auth().with_single_cert(certificates, key).expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let serve = async move {
        loop {
            let (socket, _) = listener.accept().await.expect("a connection");
            // Who does not trust the certificate goes away.
            let Ok(mut stream) = acceptor.accept(socket).await else { continue };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let Ok(byte) = stream.read_u8().await else { break };
                head.push(byte);
            }
            let body = json!({"id": "u1", "email": "ada@x.edu", "name": "Ada", "role": "instructor"}).to_string();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n", body.len());
            let _ = stream.write_all(format!("{head}connection: close\r\n\r\n{body}").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    };
    #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
    tokio::spawn(serve);
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_judge_behind_https_is_asked_if_the_system_trusts_it_and_not_otherwise() {
    let tls = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tls");
    let url = secure_peer(&tls).await;
    let home = tempfile::tempdir().expect("a folder");
    let (text, said, code) = itr_trusting(Some(&tls.join("certificate.pem")), &url, home.path(), &["whoami"]).await;
    assert!(code == 0 && text.contains("ada@x.edu") && text.contains("https://"), "{text} {said}");
    let (_, said, code) = itr(&url, home.path(), &["whoami"]).await;
    assert!(code == 2 && said.contains("certificate"), "{said}");
}
