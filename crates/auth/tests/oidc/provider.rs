//! An external issuer, and a service that accepts its tokens.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use guildhall_auth::{ExternalIssuer, JwtTokens, KeySet, SignatureAlgorithm, SigningKey, TokenSettings};
use guildhall_domain::access::Scopes;
use guildhall_domain::external::{ExternalIdentity, Trust};
use guildhall_domain::ports::{Bearer, Clock, Tokens};
use guildhall_domain::time::Timestamp;
use serde_json::{Value, json};

use crate::keys::Key;
use crate::server::{Reply, Server, TIMEOUT};

pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const OURS: &str = "https://guildhall.test";
pub(crate) const KEYS: &str = "/keys";

/// A clock that a test sets, in milliseconds since 1970.
pub(crate) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

impl ManualClock {
    pub(crate) fn at(seconds: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(seconds * 1000)))
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

/// An issuer with one Ed25519 key, `k1`.
pub(crate) struct Provider {
    pub(crate) server: Server,
    pub(crate) key: Key,
}

impl Provider {
    pub(crate) fn new() -> Self {
        let provider = Self { server: Server::start(), key: Key::ed25519() };
        provider.publish(&[provider.key.jwk("k1")]);
        provider
    }

    pub(crate) fn publish(&self, keys: &[Value]) {
        self.server.say(KEYS, Reply::Json(json!({ "keys": keys }).to_string()));
    }

    pub(crate) fn issuer(&self) -> String {
        self.server.url("")
    }

    /// Settings that trust it.
    pub(crate) fn settings(&self) -> ExternalIssuer {
        ExternalIssuer { jwks_url: Some(self.server.url(KEYS)), ..settings("elsewhere", &self.issuer()) }
    }

    /// A service that trusts it and has fetched its keys.
    pub(crate) fn service(&self) -> JwtTokens {
        self.service_with(self.settings())
    }

    pub(crate) fn service_with(&self, settings: ExternalIssuer) -> JwtTokens {
        let tokens = service(vec![settings], &ManualClock::at(NOW));
        // The token may be refused; only the fetch of the keys matters.
        let _ = settled(&tokens, &self.token(&self.claims()));
        tokens
    }

    pub(crate) fn claims(&self) -> Value {
        json!({
            "iss": self.issuer(), "aud": "guildhall", "sub": "u-1",
            "iat": NOW, "exp": NOW + 300, "preferred_username": "tyler",
        })
    }

    /// Its claims, with `others` added or replaced. Null removes a claim.
    pub(crate) fn claims_with(&self, others: &Value) -> Value {
        let mut claims = self.claims();
        for (name, value) in others.as_object().unwrap() {
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(name),
                value => claims.as_object_mut().unwrap().insert(name.clone(), value.clone()),
            };
        }
        claims
    }

    pub(crate) fn token(&self, claims: &Value) -> String {
        self.key.token(&header(), claims)
    }
}

/// The identity in the provider's token with [`Provider::claims`].
pub(crate) fn identity() -> ExternalIdentity {
    ExternalIdentity {
        issuer: String::new(),
        subject: "u-1".to_owned(),
        provider: "elsewhere".to_owned(),
        link_name: Some("tyler".to_owned()),
        names: vec!["tyler".to_owned(), "u-1".to_owned()],
        email: None,
        first_name: None,
        last_name: None,
        groups: None,
        scopes: Scopes::known_in("openid"),
        issued: Timestamp::from_milliseconds(NOW * 1000),
        trust: trust(),
    }
}

pub(crate) fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": "k1" })
}

pub(crate) fn trust() -> Trust {
    Trust { creates_users: true, ..Trust::default() }
}

/// Settings of an issuer whose keys are found by discovery.
pub(crate) fn settings(name: &str, issuer: &str) -> ExternalIssuer {
    let algorithms = ["EdDSA", "ES256", "ES384", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
    ExternalIssuer {
        name: name.to_owned(),
        issuer: issuer.to_owned(),
        audiences: vec!["guildhall".to_owned(), "https://guildhall.test/api".to_owned()],
        algorithms: algorithms.map(|algorithm| algorithm.parse::<SignatureAlgorithm>().unwrap()).to_vec(),
        jwks_url: None,
        name_claim: "preferred_username".to_owned(),
        groups_claim: None,
        scopes: Scopes::known_in("openid"),
        trust: trust(),
    }
}

/// A service that trusts these issuers.
pub(crate) fn service(issuers: Vec<ExternalIssuer>, clock: &Arc<ManualClock>) -> JwtTokens {
    service_with_key(&SigningKey::generate_pem().unwrap(), issuers, clock)
}

pub(crate) fn service_with_key(pem: &str, issuers: Vec<ExternalIssuer>, clock: &Arc<ManualClock>) -> JwtTokens {
    let settings = TokenSettings { issuer: OURS.to_owned(), audience: "guildhall".to_owned(), lifetime: 3600 };
    let keys = KeySet::from_pem(pem).unwrap();
    JwtTokens::new(settings, keys, Arc::clone(clock) as Arc<dyn Clock>).with_external_issuers(issuers).unwrap()
}

/// The result of verifying a token: the identity, "pending", or the error.
pub(crate) fn outcome(tokens: &JwtTokens, token: &str) -> Result<ExternalIdentity, String> {
    match tokens.verify(token) {
        // The issuer has a random port. `issuer_and_subject_say_who_somebody_is` checks it.
        Ok(Bearer::External(identity)) => Ok(ExternalIdentity { issuer: String::new(), ..*identity }),
        Ok(Bearer::Caller(caller)) => panic!("no token of ours: {caller:?}"),
        Err(error) if error.pending.is_some() => Err("pending".to_owned()),
        Err(error) => Err(error.source.to_string()),
    }
}

/// The result of verifying a token as soon as it is not pending.
pub(crate) fn settled(tokens: &JwtTokens, token: &str) -> Result<ExternalIdentity, String> {
    until(|| Some(outcome(tokens, token)).filter(|outcome| outcome != &Err("pending".to_owned())))
}

/// Calls `ask` until it returns a value.
pub(crate) fn until<T>(ask: impl Fn() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < TIMEOUT, "there is no answer");
        thread::park_timeout(Duration::from_millis(1));
    }
}
