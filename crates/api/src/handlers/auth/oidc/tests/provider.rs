//! A provider of single sign-on with real keys, on the loopback, that lies when told to.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, Mac as _};
use ring::{
    rand::SystemRandom,
    rsa::PublicKeyComponents,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

pub(super) const CLIENT: &str = "judge";
pub(super) const SECRET: &str = "s3cret of the tests";

/// How a token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// RS256 with one of two keys.
    Rsa(usize),
    /// ES256.
    Ec,
    /// `alg: none`, and no signature.
    None,
    /// HS256, with the public key (which everybody knows) as the secret.
    HmacOfPublicKey,
    /// RS256 in the head, signed with another key than it says.
    OtherKey,
    /// Right, but the payload was changed afterwards.
    Tampered,
}

#[derive(Clone)]
pub(super) struct Provider {
    pub(super) issuer: String,
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    rsa: Vec<RsaKeyPair>,
    ec: EcdsaKeyPair,
    /// The ids of the keys that are published.
    published: Vec<&'static str>,
    /// For each code: the challenge that its verifier must meet, and the token.
    codes: HashMap<String, (String, String)>,
    user_info: Value,
    discovered: Value,
    key_fetches: usize,
}

const IDS: [&str; 2] = ["rsa-0", "rsa-1"];

impl Provider {
    pub(super) async fn listen() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let issuer = format!("http://{}", listener.local_addr().expect("address"));
        let keys = [include_bytes!("testdata/rsa-1.der").as_slice(), include_bytes!("testdata/rsa-2.der")];
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("key");
        let discovered = json!({
            "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize?tenant=1"),
            "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
            "userinfo_endpoint": format!("{issuer}/user"),
        });
        let inner = Inner {
            rsa: keys.iter().map(|der| RsaKeyPair::from_pkcs8(der).expect("key")).collect(),
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref(), &random).expect("key"),
            published: vec!["rsa-0", "ec"],
            codes: HashMap::new(),
            user_info: json!({}),
            discovered,
            key_fetches: 0,
        };
        let provider = Self { issuer, inner: Arc::new(Mutex::new(inner)) };
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(about))
            .route("/keys", get(keys_of))
            .route("/token", post(token))
            .route("/user", get(user))
            .with_state(provider.clone());
        // Ends with the test's runtime.
        #[expect(clippy::disallowed_methods, reason = "a test's own server")]
        tokio::spawn(async move { axum::serve(listener, router).await });
        provider
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("lock")
    }

    pub(super) fn publish(&self, ids: &[&'static str]) {
        self.lock().published = ids.to_vec();
    }

    pub(super) fn tell(&self, user_info: Value) {
        self.lock().user_info = user_info;
    }

    pub(super) fn discovered(&self, change: impl FnOnce(&mut Value)) {
        change(&mut self.lock().discovered);
    }

    pub(super) fn key_fetches(&self) -> usize {
        self.lock().key_fetches
    }

    /// Somebody has signed in: a code for these claims, for whoever meets the challenge.
    pub(super) fn code(&self, challenge: &str, claims: &Value, sign: Sign) -> String {
        let mut inner = self.lock();
        let code = format!("code-{}", inner.codes.len());
        let token = inner.token(claims, sign);
        inner.codes.insert(code.clone(), (challenge.to_owned(), token));
        code
    }
}

impl Inner {
    fn token(&self, claims: &Value, sign: Sign) -> String {
        let (alg, kid) = match sign {
            Sign::Rsa(n) => ("RS256", IDS[n]),
            Sign::Ec => ("ES256", "ec"),
            Sign::None => ("none", "rsa-0"),
            Sign::HmacOfPublicKey => ("HS256", "rsa-0"),
            Sign::OtherKey | Sign::Tampered => ("RS256", "rsa-0"),
        };
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&json!({"alg": alg, "kid": kid, "typ": "JWT"})), part(claims));
        let signature = match sign {
            Sign::Rsa(n) => self.rsa_signature(n, &signed),
            Sign::OtherKey => self.rsa_signature(1, &signed),
            Sign::Tampered => self.rsa_signature(0, &signed.replace('.', ".e30")),
            Sign::Ec => self.ec.sign(&SystemRandom::new(), signed.as_bytes()).expect("signs").as_ref().to_vec(),
            Sign::None => Vec::new(),
            Sign::HmacOfPublicKey => {
                let public = self.rsa[0].public().as_ref();
                let mut mac = Hmac::<Sha256>::new_from_slice(public).expect("any length");
                mac.update(signed.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn rsa_signature(&self, key: usize, signed: &str) -> Vec<u8> {
        let mut signature = vec![0; self.rsa[key].public().modulus_len()];
        self.rsa[key].sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("signs");
        signature
    }

    fn jwk(&self, id: &str) -> Value {
        let b64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        if id == "ec" {
            let point = self.ec.public_key().as_ref();
            return json!({"kty": "EC", "crv": "P-256", "kid": id, "x": b64(&point[1..33]), "y": b64(&point[33..])});
        }
        let n = IDS.iter().position(|known| *known == id).expect("known");
        let public = PublicKeyComponents::<Vec<u8>>::from(self.rsa[n].public());
        json!({"kty": "RSA", "use": "sig", "alg": "RS256", "kid": id, "n": b64(&public.n), "e": b64(&public.e)})
    }
}

async fn about(State(provider): State<Provider>) -> Json<Value> {
    Json(provider.lock().discovered.clone())
}

async fn keys_of(State(provider): State<Provider>) -> Json<Value> {
    let mut inner = provider.lock();
    inner.key_fetches += 1;
    let mut keys: Vec<_> = inner.published.iter().map(|id| inner.jwk(id)).collect();
    // What is of no use here must not disturb.
    keys.push(json!({"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "AA"}));
    keys.push(json!({"kty": "oct", "kid": "rsa-0", "k": "AA"}));
    keys.push(json!("not a key"));
    Json(json!({"keys": keys}))
}

async fn token(
    State(provider): State<Provider>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let encoded = SECRET.replace(' ', "+");
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{encoded}")));
    assert_eq!(headers[header::AUTHORIZATION], expected);
    assert_eq!(form["grant_type"], "authorization_code");
    assert_eq!(form["redirect_uri"], "http://judge.test/api/v1/auth/oidc/callback");
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&form["code_verifier"]));
    match provider.lock().codes.remove(&form["code"]) {
        Some((wanted, token)) if wanted == challenge => {
            Json(json!({"id_token": token, "access_token": "access", "token_type": "Bearer"})).into_response()
        }
        _ => (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response(),
    }
}

async fn user(State(provider): State<Provider>, headers: HeaderMap) -> Json<Value> {
    assert_eq!(headers[header::AUTHORIZATION], "Bearer access");
    Json(provider.lock().user_info.clone())
}
