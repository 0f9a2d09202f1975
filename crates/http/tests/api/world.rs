//! A directory with a few people in it, and a client of its API.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use actix_web::http::header::HeaderMap;
use actix_web::http::{Method, StatusCode};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, web};
use guildhall_domain::access::{Actor, Caller};
use guildhall_domain::api_key::{ApiKeyDraft, ApiKeyId};
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::{Directory, IssuedApiKey};
use guildhall_domain::external::ExternalIdentity;
use guildhall_domain::group::{GroupDraft, GroupId};
use guildhall_domain::identifier::UserIdentifier;
use guildhall_domain::password::{Password, PasswordHash};
use guildhall_domain::ports::{
    AccessToken, Bearer, Clock, Ids, InvalidToken, Passwords, PasswordsError, PendingKeys, PublicKey, SealError, Seals,
    Secrets, SecretsError, Store, StoreError, Tokens, TokensError,
};
use guildhall_domain::secret::{RANDOM_BYTES, SecretDigest};
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::{UserDraft, UserId};
use guildhall_domain::webhook::{Webhook, WebhookDraft, WebhookId};
use guildhall_http::{Api, LaneSizes, Limits, configure};
use serde_json::Value;
use uuid::Uuid;

use crate::store::Moody;

/// The token of a System Administrator.
pub(crate) const ADMINISTRATOR: &str = "administrator";
/// The token of a user who is no administrator.
pub(crate) const ORDINARY: &str = "ordinary";
/// A token that nobody was given.
pub(crate) const UNKNOWN: &str = "unknown";

pub(crate) const LIMITS: Limits = Limits { bulk_ids: 100, bulk_bytes: 8 * 1024, body_bytes: 4 * 1024 };

/// The directory of a test.
pub(crate) struct World {
    pub(crate) store: Arc<Moody>,
    pub(crate) directory: Directory<'static>,
    pub(crate) administrator: Caller,
    pub(crate) ordinary: UserId,
    pub(crate) clock: Arc<Watch>,
    tokens: Arc<Badges>,
    ids: Arc<Counter>,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl World {
    /// Two users: `admin`, a System Administrator, and `bob`, who is nothing special.
    pub(crate) fn new() -> Self {
        let (ids, clock) = (Arc::new(Counter::default()), Arc::new(Watch::default()));
        let store = Arc::new(Moody::new(clock.clone()));
        clock.is(Timestamp::parse("2026-01-02T03:04:05.678Z").unwrap());
        let directory = Directory::new(store.clone(), Arc::new(Plain), ids.clone(), ids.clone());
        let context = || Context::new(Actor::Operator, clock.now(), ids.next(), Origin::Embedded);
        directory.prepare(&context()).unwrap();
        directory.create_first_administrator(&context(), "admin", "F1ghtC1ub1234!").unwrap();
        let administrator = directory.caller_for(&context(), &UserIdentifier::from("admin")).unwrap();
        let tokens = Arc::new(Badges::default());
        let mut world = Self { store, directory, ordinary: administrator.user, administrator, clock, tokens, ids };
        world.ordinary = world.add_user("bob");
        world.knows(ADMINISTRATOR, "admin");
        world.knows(ORDINARY, "bob");
        world
    }

    /// A call by `actor` at this moment.
    pub(crate) fn by(&self, actor: impl Into<Actor>) -> Context {
        Context::new(actor, self.clock.now(), self.ids.next(), Origin::Embedded)
    }

    /// From now on `token` stands for the user `name` as they are now.
    pub(crate) fn knows(&self, token: &str, name: &str) {
        let caller = self.directory.caller_for(&self.by(Actor::Operator), &UserIdentifier::from(name)).unwrap();
        self.tokens.0.lock().unwrap().insert(token.to_owned(), Bearer::Caller(caller));
    }

    /// From now on `token` stands for somebody of an external issuer, but only after it was looked at so many times.
    pub(crate) fn knows_external(&self, token: &str, identity: ExternalIdentity, looks: u32) {
        self.tokens.0.lock().unwrap().insert(token.to_owned(), Bearer::External(Box::new(identity)));
        self.tokens.1.store(looks, Ordering::SeqCst);
    }

    pub(crate) fn is(&self, time: &str) {
        self.clock.is(Timestamp::parse(time).unwrap());
    }

    pub(crate) fn add_user(&self, name: &str) -> UserId {
        let draft = UserDraft {
            username: Some(name.to_owned()),
            email: Some(format!("{name}@fightclub.com")),
            password: Some("pr0j3ctM4yh3m".to_owned()),
            ..UserDraft::default()
        };
        self.directory.create_user(&self.by(&self.administrator), draft).unwrap().id
    }

    pub(crate) fn add_api_key(&self, name: &str) -> IssuedApiKey {
        let draft = ApiKeyDraft { name: Some(Some(name.to_owned())), ..ApiKeyDraft::default() };
        self.directory.create_api_key(&self.by(Actor::Operator), draft, &[]).unwrap()
    }

    /// Adds a webhook with this id.
    pub(crate) fn add_webhook(&self, id: &str) {
        let draft = WebhookDraft {
            name: Some(Some("Hook".to_owned())),
            url: Some(Some("https://hooks.example/in".to_owned())),
            ..WebhookDraft::default()
        };
        let made = self.directory.create_webhook(&self.by(&self.administrator), draft).unwrap().view.webhook;
        let webhook = Webhook { id: WebhookId(id.parse().unwrap()), ..made.clone() };
        let store: &dyn Store = &*self.store;
        let replaced = store.write::<_, StoreError>(|directory| {
            let secrets = directory.webhook_secrets(made.id)?.unwrap();
            directory.delete_webhook(made.id)?;
            directory.insert_webhook(&webhook, &secrets)
        });
        replaced.unwrap();
    }

    pub(crate) fn add_group(&self, name: &str) -> GroupId {
        let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
        self.directory.create_group(&self.by(&self.administrator), draft).unwrap().id
    }

    pub(crate) fn api(&self) -> Api {
        self.api_of(self.directory.clone())
    }

    /// The API of another directory, for the same callers.
    pub(crate) fn api_of(&self, directory: Directory<'static>) -> Api {
        self.api_in(directory, LaneSizes::default())
    }

    /// The same with lanes of these sizes.
    pub(crate) fn api_in(&self, directory: Directory<'static>, sizes: LaneSizes) -> Api {
        Api::new(
            directory,
            self.tokens.clone(),
            self.tokens.clone(),
            self.ids.clone(),
            self.clock.clone(),
            LIMITS,
            sizes,
        )
        .unwrap()
    }

    /// Sends `request` as it is.
    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        Self::send_to(self.api(), request).await
    }

    /// Sends `request` to this API.
    pub(crate) async fn send_to(api: Api, request: TestRequest) -> Answer {
        let service = init_service(configure(api, App::new())).await;
        let response = call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let body: web::Bytes = read_body(response).await;
        Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// Sends a request without a body, as an administrator.
    pub(crate) async fn ask(&self, method: Method, path: &str) -> Answer {
        self.send(by(ADMINISTRATOR, method, path)).await
    }

    /// Sends JSON, as an administrator.
    pub(crate) async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(by(ADMINISTRATOR, Method::POST, path).set_payload(body.to_owned())).await
    }
}

/// A request with this token.
pub(crate) fn by(token: &str, method: Method, path: &str) -> TestRequest {
    TestRequest::with_uri(path).method(method).insert_header(("authorization", format!("Bearer {token}")))
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// The error it tells, apart from its id.
    pub(crate) fn error(&self) -> (u16, Value) {
        let mut json = self.json();
        let id = json.as_object_mut().and_then(|object| object.remove("logId"));
        assert_eq!(id.as_ref().and_then(Value::as_str), self.header("x-request-id"), "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json; charset=utf-8"), "{}", self.body);
        (self.status.as_u16(), json)
    }

    /// Its status, when there is no body.
    pub(crate) fn bare(&self) -> u16 {
        assert_eq!(self.body, "");
        self.status.as_u16()
    }
}

/// An error of the usual kind.
pub(crate) fn error(status: u16, message: &str) -> (u16, Value) {
    (status, serde_json::json!({ "message": message, "data": null, "type": "Error" }))
}

/// A 422 that names these fields.
pub(crate) fn invalid(message: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let data: Vec<Value> =
        fields.iter().map(|(field, message)| serde_json::json!({ "field": field, "message": message })).collect();
    (422, serde_json::json!({ "message": message, "data": data, "type": "Validation" }))
}

#[derive(Default)]
pub(crate) struct Watch(AtomicI64);

impl Watch {
    fn is(&self, time: Timestamp) {
        self.0.store(time.milliseconds(), Ordering::SeqCst);
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(self.0.load(Ordering::SeqCst))
    }
}

#[derive(Default)]
struct Counter(AtomicU64);

impl Ids for Counter {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Ordering::SeqCst)) + (0x0001_u128 << 96))
    }
}

struct Plain;

impl Passwords for Plain {
    fn hash(&self, password: &Password) -> Result<PasswordHash, PasswordsError> {
        Ok(PasswordHash(password.reveal().to_owned()))
    }

    fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, PasswordsError> {
        Ok(password.reveal() == hash.0)
    }

    fn is_outdated(&self, _: &PasswordHash) -> bool {
        false
    }
}

impl Secrets for Counter {
    fn random(&self) -> Result<[u8; RANDOM_BYTES], SecretsError> {
        let mut random = [0; RANDOM_BYTES];
        random[..16].copy_from_slice(self.next().as_bytes());
        Ok(random)
    }

    fn digest(&self, secret: &str) -> SecretDigest {
        let mut digest = [0; 32];
        for (index, byte) in secret.bytes().enumerate() {
            digest[index % 32] ^= byte.rotate_left(u32::try_from(index / 32).unwrap());
        }
        SecretDigest(digest)
    }

    fn keyed_digest(&self, text: &str) -> SecretDigest {
        let mixed = text
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        SecretDigest(std::array::from_fn(|index| {
            mixed.rotate_left(u32::try_from(index).unwrap_or(0) * 8).to_be_bytes()[0]
        }))
    }
}

/// Whom a token stands for, and how many more looks are in vain.
#[derive(Default)]
struct Badges(Mutex<HashMap<String, Bearer>>, AtomicU32);

/// Seals with nothing but a mark: only the binding is compared.
impl Seals for Badges {
    fn seal(&self, plain: &[u8], binding: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok([&(binding.len() as u64).to_be_bytes()[..], binding, plain].concat())
    }

    fn open(&self, sealed: &[u8], binding: &[u8]) -> Option<Vec<u8>> {
        let (length, sealed) = sealed.split_first_chunk()?;
        let (bound, plain) = sealed.split_at_checked(usize::try_from(u64::from_be_bytes(*length)).ok()?)?;
        (bound == binding).then(|| plain.to_vec())
    }
}

impl Tokens for Badges {
    fn issue(&self, caller: &Caller, client: Option<ApiKeyId>) -> Result<AccessToken, TokensError> {
        let mut known = self.0.lock().unwrap();
        let value = format!("token-{}-{}", known.len(), client.map(|id| id.to_string()).unwrap_or_default());
        known.insert(value.clone(), Bearer::Caller(caller.clone()));
        Ok(AccessToken { value, expires_in: 3600 })
    }

    fn verify(&self, token: &str) -> Result<Bearer, InvalidToken> {
        let is_pending = self.1.try_update(Ordering::SeqCst, Ordering::SeqCst, |looks| looks.checked_sub(1)).is_ok();
        let known = self.0.lock().unwrap().get(token).cloned().filter(|_| !is_pending);
        known.ok_or_else(|| InvalidToken {
            pending: is_pending.then_some(PendingKeys(0)),
            source: "nobody was given it".into(),
        })
    }

    fn issuer(&self) -> &'static str {
        "guildhall"
    }

    fn public_keys(&self) -> Vec<PublicKey> {
        vec![PublicKey { id: "k1".to_owned(), algorithm: "EdDSA", parameters: vec![("kty", "OKP".to_owned())] }]
    }
}
