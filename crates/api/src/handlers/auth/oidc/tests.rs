mod provider;

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    body::Body,
    http::{Method, Request},
};
use iteratione_common::store::{AccountRole, PgPool};
use jiff::ToSpan as _;
use serde_json::{Value, json};
use url::Url;

use self::provider::{CLIENT, Provider as Fake, SECRET, Sign};
use super::*;
use crate::{
    clock::Clock,
    testing::{Answer, TestApp, request},
};

/// A service with this provider, and a clock that can be put forward.
struct Scene {
    app: TestApp,
    fake: Fake,
    later: Arc<AtomicI64>,
}

/// A sign-in that has begun: what the browser was told.
struct Begun {
    to: HashMap<String, String>,
    cookie: String,
}

impl Scene {
    async fn new(pg: PgPool, more: &[(&str, &str)]) -> Self {
        let fake = Fake::listen().await;
        let mut settings = vec![
            ("ITERATIONE_API__PUBLIC_URL", "http://judge.test"),
            ("ITERATIONE_API__OIDC__ISSUER", fake.issuer.as_str()),
            ("ITERATIONE_API__OIDC__CLIENT_ID", CLIENT),
            ("ITERATIONE_API__OIDC__CLIENT_SECRET", SECRET),
            ("ITERATIONE_API__OIDC__LABEL", "University login"),
        ];
        settings.extend(more);
        let later = Arc::new(AtomicI64::new(0));
        let seconds = later.clone();
        let clock = Clock::from_fn(move || Clock::system().now() + seconds.load(Ordering::SeqCst).seconds());
        let app = TestApp::adjusted(pg, &settings, |state| state.clock = clock);
        Self { app, fake, later }
    }

    fn now(&self) -> i64 {
        self.app.state.clock.now().as_second()
    }

    /// Who signs in, truthfully, in this sign-in.
    fn claims(&self, begun: &Begun, who: &str) -> Value {
        json!({
            "iss": self.fake.issuer, "sub": who, "aud": CLIENT, "exp": self.now() + 300, "iat": self.now(),
            "nonce": begun.to["nonce"], "email": format!("{who}@Test.test"), "email_verified": true, "name": who,
        })
    }

    async fn begin(&self, return_to: &str) -> Begun {
        let query: String = url::form_urlencoded::byte_serialize(return_to.as_bytes()).collect();
        let answer = self.get(&format!("/auth/oidc/login?return_to={query}"), None).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        let cookie = answer.header("set-cookie").to_owned();
        for part in ["itr_sign_in=", "Path=/api/v1/auth/oidc", "HttpOnly", "SameSite=Lax", "Max-Age=600"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        let there = Url::parse(answer.header("location")).expect("URL");
        assert!(there.as_str().starts_with(&format!("{}/authorize?tenant=1&", self.fake.issuer)), "{there}");
        let cookie = cookie.split(';').next().expect("value").to_owned();
        Begun { to: there.query_pairs().into_owned().collect(), cookie }
    }

    async fn get(&self, path: &str, cookie: Option<&str>) -> Answer {
        let mut get = request(Method::GET, path);
        if let Some(cookie) = cookie {
            get = get.header(header::COOKIE, cookie);
        }
        self.app.send(get.body(Body::empty()).expect("request")).await
    }

    async fn come_back(&self, begun: &Begun, code: &str) -> Answer {
        let path = format!("/auth/oidc/callback?code={code}&state={}", begun.to["state"]);
        self.get(&path, Some(&begun.cookie)).await
    }

    /// All the way, as `who`, with claims changed.
    async fn sign_in(&self, who: &str, change: impl FnOnce(&mut Value), sign: Sign) -> Answer {
        let begun = self.begin("/courses").await;
        let mut claims = self.claims(&begun, who);
        change(&mut claims);
        let code = self.fake.code(&begun.to["code_challenge"], &claims, sign);
        self.come_back(&begun, &code).await
    }

    /// Whose session an answer has begun.
    async fn me(&self, answer: &Answer) -> Value {
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/courses"), "{answer:?}");
        let cookie = session_of(answer).expect("a session");
        self.get("/me", Some(&cookie)).await.expect(200)
    }

    async fn count(&self, table: &str) -> i64 {
        let text = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(text).fetch_one(&self.app.state.pg).await.expect("counts")
    }
}

fn session_of(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter().map(|v| v.to_str().expect("ASCII"));
    let session = cookies.filter(|c| c.starts_with("itr_session=")).find(|c| !c.starts_with("itr_session=;"))?;
    Some(session.split(';').next().expect("value").to_owned())
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn who_signs_in_for_the_first_time_gets_an_account_and_later_the_same(pg: PgPool) {
    let scene = Scene::new(pg, &[]).await;
    let begun = scene.begin("/").await;
    for (name, value) in [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", "http://judge.test/api/v1/auth/oidc/callback"),
        ("scope", "openid email profile"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(begun.to[name], value);
    }
    let first = scene.sign_in("ada", |_| {}, Sign::Rsa(0)).await;
    let me = scene.me(&first).await;
    assert_eq!((&me["email"], &me["name"], &me["role"]), (&json!("ada@test.test"), &json!("ada"), &json!("student")));
    // The subject is who they are: no address is needed any more, and another one changes nothing.
    let second = scene.sign_in("ada", |claims| claims["email"] = json!("other@test.test"), Sign::Ec).await;
    assert_eq!(scene.me(&second).await["id"], me["id"]);
    assert_eq!(scene.count("account").await, 1);
    // Nobody knows a password of this account.
    let login = json!({"email": "ada@test.test", "password": "a long password"}).to_string();
    let login =
        request(Method::POST, "/auth/login").header(header::CONTENT_TYPE, "application/json").body(login.into());
    scene.app.send(login.expect("request")).await.problem(401, "invalid_credentials");
    let admin = scene.app.account("admin", AccountRole::Admin).await;
    let log = scene.app.get(&admin, "/audit").await.expect(200);
    assert_eq!((&log["items"][0]["action"], &log["items"][0]["subject"]), (&json!("account.create"), &me["id"]));
    let methods = scene.get("/auth/methods", None).await.expect(200);
    assert_eq!(methods["oidc"], json!({"label": "University login", "url": "/api/v1/auth/oidc/login"}));
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_token_that_is_not_for_us_now_from_them_is_never_believed(pg: PgPool) {
    type Change = fn(&mut Value);
    let scene = Scene::new(pg, &[]).await;
    let claims: [(&str, Change); 14] = [
        ("another nonce", |c| c["nonce"] = json!("other")),
        ("no nonce", |c| drop(c.as_object_mut().expect("object").remove("nonce"))),
        ("another audience", |c| c["aud"] = json!("others")),
        ("another audience in a list", |c| c["aud"] = json!(["others"])),
        ("two audiences and nobody named", |c| c["aud"] = json!([CLIENT, "others"])),
        ("asked for by another", |c| c["azp"] = json!("others")),
        ("another issuer", |c| c["iss"] = json!("https://evil.test")),
        ("ended", |c| c["exp"] = json!(c["iat"].as_i64().expect("seconds") - 120)),
        ("no end", |c| drop(c.as_object_mut().expect("object").remove("exp"))),
        ("of tomorrow", |c| c["iat"] = json!(c["iat"].as_i64().expect("seconds") + 86_400)),
        ("of yesterday", |c| c["iat"] = json!(c["iat"].as_i64().expect("seconds") - 86_400)),
        ("nobody", |c| c["sub"] = json!("")),
        ("not a text", |c| c["sub"] = json!(7)),
        ("no claims", |c| *c = json!([1])),
    ];
    for (what, change) in claims {
        let answer = scene.sign_in("mallory", change, Sign::Rsa(0)).await;
        assert_eq!(session_of(&answer), None, "{what}");
        answer.problem(403, "id_token_refused");
    }
    for sign in [Sign::None, Sign::HmacOfPublicKey, Sign::OtherKey, Sign::Tampered, Sign::Rsa(1)] {
        let answer = scene.sign_in("mallory", |_| {}, sign).await;
        assert_eq!(session_of(&answer), None, "{sign:?}");
        answer.problem(403, "id_token_refused");
    }
    assert_eq!((scene.count("account").await, scene.count("session").await), (0, 0));
    // Two audiences are right if we are named as who asked.
    let both = |c: &mut Value| {
        c["aud"] = json!(["others", CLIENT]);
        c["azp"] = json!(CLIENT);
    };
    scene.me(&scene.sign_in("ada", both, Sign::Rsa(0)).await).await;
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_sign_in_comes_back_once_soon_and_in_the_browser_where_it_began(pg: PgPool) {
    let scene = Scene::new(pg, &[]).await;
    let begun = scene.begin("/courses").await;
    let code = scene.fake.code(&begun.to["code_challenge"], &scene.claims(&begun, "ada"), Sign::Rsa(0));
    let path = format!("/auth/oidc/callback?code={code}&state={}", begun.to["state"]);
    let state = &begun.to["state"];
    // Another browser, another sign-in's state, a cookie that is not ours: each is refused before the code is spent.
    scene.get(&path, None).await.problem(400, "sign_in_expired");
    scene.get(&path.replace(state, "other"), Some(&begun.cookie)).await.problem(400, "sign_in_expired");
    scene.get("/auth/oidc/callback", Some(&begun.cookie)).await.problem(400, "sign_in_expired");
    let other = scene.begin("/courses").await;
    scene.get(&path, Some(&other.cookie)).await.problem(400, "sign_in_expired");
    let (body, _) = begun.cookie.split_once('.').expect("two parts");
    let (_, tag) = other.cookie.split_once('.').expect("two parts");
    scene.get(&path, Some(&format!("{body}.{tag}"))).await.problem(400, "sign_in_expired");
    scene.get(&format!("{path}&iss=https://evil.test"), Some(&begun.cookie)).await.problem(403, "sign_in_refused");

    let answer = scene.come_back(&begun, &code).await;
    scene.me(&answer).await;
    assert!(
        answer.headers.get_all("set-cookie").iter().any(|c| c.to_str().expect("ASCII").starts_with("itr_sign_in=;"))
    );
    // The same again, even with a code that would be good.
    let code = scene.fake.code(&begun.to["code_challenge"], &scene.claims(&begun, "ada"), Sign::Rsa(0));
    scene.come_back(&begun, &code).await.problem(400, "sign_in_used");

    // A code that was stolen from another sign-in does not fit this one's verifier.
    let code = scene.fake.code(&other.to["code_challenge"], &scene.claims(&other, "ada"), Sign::Rsa(0));
    let thief = scene.begin("/").await;
    scene.come_back(&thief, &code).await.problem(403, "sign_in_refused");
    let denied = scene.begin("/").await;
    let path = format!("/auth/oidc/callback?error=access_denied&state={}", denied.to["state"]);
    scene.get(&path, Some(&denied.cookie)).await.problem(403, "sign_in_refused");

    let slow = scene.begin("/courses").await;
    scene.later.store(601, Ordering::SeqCst);
    let code = scene.fake.code(&slow.to["code_challenge"], &scene.claims(&slow, "ada"), Sign::Rsa(0));
    scene.come_back(&slow, &code).await.problem(400, "sign_in_expired");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn keys_are_remembered_and_fetched_anew_when_they_change(pg: PgPool) {
    let scene = Scene::new(pg, &[]).await;
    scene.me(&scene.sign_in("ada", |_| {}, Sign::Rsa(0)).await).await;
    scene.me(&scene.sign_in("ada", |_| {}, Sign::Rsa(0)).await).await;
    assert_eq!(scene.fake.key_fetches(), 1);
    // The provider signs with a new key from now on, and has withdrawn the old one.
    scene.fake.publish(&["rsa-1"]);
    scene.me(&scene.sign_in("ada", |_| {}, Sign::Rsa(1)).await).await;
    assert_eq!(scene.fake.key_fetches(), 2);
    scene.sign_in("ada", |_| {}, Sign::Rsa(0)).await.problem(403, "id_token_refused");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn an_account_that_is_there_is_taken_over_by_a_verified_address_alone(pg: PgPool) {
    let scene = Scene::new(pg, &[]).await;
    // Somebody has registered with ada's address, and waits for her.
    let squatter = scene.app.account("ada", AccountRole::Instructor).await;
    scene.sign_in("ada", |c| c["email_verified"] = json!(false), Sign::Rsa(0)).await.problem(403, "email_unverified");
    let unsaid = |c: &mut Value| drop(c.as_object_mut().expect("object").remove("email_verified"));
    scene.sign_in("ada", unsaid, Sign::Rsa(0)).await.problem(403, "email_unverified");
    scene.app.get(&squatter, "/me").await.expect(200);
    let me = scene.me(&scene.sign_in("ada", |_| {}, Sign::Rsa(0)).await).await;
    assert_eq!((&me["id"], &me["role"]), (&json!(squatter.id), &json!("instructor")));
    // Every other way in has ended.
    scene.app.get(&squatter, "/me").await.problem(401, "unauthenticated");
    assert_eq!((scene.count("session").await, scene.count("api_token").await), (1, 0));
    // Somebody else who has her address now is not her.
    let reused = |c: &mut Value| c["email"] = json!("ada@test.test");
    scene.sign_in("another-ada", reused, Sign::Rsa(0)).await.problem(403, "account_tied");
    // Nobody becomes an administrator by an address.
    scene.app.account("root", AccountRole::Admin).await;
    scene.sign_in("root", |_| {}, Sign::Rsa(0)).await.problem(403, "admin_account");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn the_operator_says_who_may_sign_in_and_who_teaches(pg: PgPool) {
    let settings = [
        ("ITERATIONE_API__OIDC__DOMAINS", "test.test,example.edu"),
        ("ITERATIONE_API__OIDC__ROLE_CLAIM", "realm_access.roles"),
        ("ITERATIONE_API__OIDC__INSTRUCTOR_VALUES", "staff,professor"),
    ];
    let scene = Scene::new(pg.clone(), &settings).await;
    scene.fake.tell(json!({"sub": "ada"}));
    let elsewhere = |c: &mut Value| c["email"] = json!("ada@evil.test");
    scene.sign_in("ada", elsewhere, Sign::Rsa(0)).await.problem(403, "email_domain");
    let teaches = |c: &mut Value| c["realm_access"] = json!({"roles": ["staff"]});
    let me = scene.me(&scene.sign_in("ada", teaches, Sign::Rsa(0)).await).await;
    let role = async |me: &Value| {
        let text = "select role::text from account where account_id = $1::text::uuid";
        sqlx::query_scalar::<_, String>(text).bind(me["id"].as_str()).fetch_one(&pg).await.expect("role")
    };
    assert_eq!(role(&me).await, "instructor");
    // The provider may tell it beside the token; nobody else's, though.
    let silent = |c: &mut Value| drop(c.as_object_mut().expect("object").remove("email"));
    scene.fake.tell(json!({"sub": "eve", "email": "bob@test.test", "email_verified": true}));
    scene.sign_in("bob", silent, Sign::Rsa(0)).await.problem(403, "id_token_refused");
    scene.fake.tell(json!({"sub": "bob", "realm_access": {"roles": ["professor"]}}));
    scene.sign_in("bob", silent, Sign::Rsa(0)).await.problem(403, "email_missing");
    let told = json!({"sub": "bob", "email": "bob@test.test", "email_verified": "true", "realm_access": {"roles": ["professor"]}});
    scene.fake.tell(told);
    let bob = scene.me(&scene.sign_in("bob", silent, Sign::Rsa(0)).await).await;
    assert_eq!((role(&bob).await.as_str(), &bob["email"]), ("instructor", &json!("bob@test.test")));
    // Who teaches no more is a student again.
    scene.me(&scene.sign_in("ada", |c| c["realm_access"] = json!({"roles": []}), Sign::Rsa(0)).await).await;
    assert_eq!(role(&me).await, "student");

    let closed = Scene::new(pg, &[("ITERATIONE_API__OIDC__CREATE_ACCOUNTS", "false")]).await;
    closed.sign_in("new", |_| {}, Sign::Rsa(0)).await.problem(403, "no_account");
    closed.sign_in("new", |c| c["email"] = json!("not an address"), Sign::Rsa(0)).await.problem(403, "email_missing");
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn nobody_is_sent_to_another_site_and_browsers_read_a_page(pg: PgPool) {
    let scene = Scene::new(pg, &[]).await;
    for path in ["https://evil.test/", "//evil.test", "/\\evil.test", "/%09/evil.test", "javascript:alert(1)"] {
        let path = if path.contains('%') {
            path.to_owned()
        } else {
            url::form_urlencoded::byte_serialize(path.as_bytes()).collect()
        };
        scene.get(&format!("/auth/oidc/login?return_to={path}"), None).await.problem(400, "bad_request");
    }
    let page = |path: &str| {
        let page: Request<Body> = request(Method::GET, path)
            .header(header::ACCEPT, "text/html,application/xhtml+xml;q=0.9")
            .body(Body::empty())
            .expect("request");
        scene.app.send(page)
    };
    let answer = page("/auth/oidc/callback?code=%3Cscript%3E&state=%3Cscript%3E").await;
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (400, "text/html; charset=utf-8"));
    assert!(text.contains("took too long") && !text.contains("<script"), "{text}");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
}

#[sqlx::test(migrator = "iteratione_common::store::MIGRATIONS")]
async fn a_provider_that_is_away_or_somebody_else_is_503(pg: PgPool) {
    let scene = Scene::new(pg.clone(), &[]).await;
    scene.fake.discovered(|about| about["issuer"] = json!("https://evil.test"));
    scene.get("/auth/oidc/login", None).await.problem(503, "unavailable");
    let scene = Scene::new(pg.clone(), &[]).await;
    scene.fake.discovered(|about| about["token_endpoint"] = json!("ftp://127.0.0.1/"));
    scene.get("/auth/oidc/login", None).await.problem(503, "unavailable");
    let gone = Scene::new(pg, &[("ITERATIONE_API__OIDC__ISSUER", "http://127.0.0.1:9")]).await;
    let answer = gone.get("/auth/oidc/login", None).await;
    let problem = answer.problem(503, "unavailable");
    assert!(!problem.to_string().contains("127.0.0.1"), "{problem}");
}
