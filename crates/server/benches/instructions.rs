//! Counts the instructions of what the service does most, which are the same on a busy machine. Each has a limit a little above what it takes, so a
//! change that makes it dearer fails. See `make instructions`.

#![expect(missing_docs, reason = "the macros of the benchmarks make public items")]
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up is to fail")]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::App;
use actix_web::rt::System;
use actix_web::test::{TestRequest, call_service, init_service};
use guildhall_auth::{Argon2Passwords, JwtTokens, KeySet, RandomSecrets, SigningKey, TokenSettings};
use guildhall_domain::access::Actor;
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::directory::Directory;
use guildhall_domain::group::GroupDraft;
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::ports::{Bearer, Clock, Ids, Tokens};
use guildhall_domain::time::Timestamp;
use guildhall_http::{Api, LaneSizes, Limits, configure};
use guildhall_persistence::{Database, DatabaseSettings, Workload};
use gungraun::{Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use prometheus::Registry;
use tempfile::TempDir;
use uuid::Uuid;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_milliseconds(1_800_000_000_000)
    }
}

#[derive(Default)]
struct Counter(AtomicU64);

impl Ids for Counter {
    fn next(&self) -> Uuid {
        Uuid::from_u64_pair(0x0190_0000_0000_7000, 1 << 63 | self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// With their metrics, as the service has them.
fn tokens() -> JwtTokens {
    let settings = TokenSettings { issuer: "issuer".to_owned(), audience: "audience".to_owned(), lifetime: 3600 };
    let keys = KeySet::from_pem(&SigningKey::generate_pem().unwrap()).unwrap();
    JwtTokens::new(settings, keys, Arc::new(Fixed)).with_metrics(&Registry::new()).unwrap()
}

/// A directory in a SQLite file with an administrator, and a member of a group below another.
struct Scene {
    directory: Directory<'static>,
    ids: Arc<Counter>,
    _folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("guildhall.db").display());
        let settings = DatabaseSettings {
            url,
            pool_size: 1,
            statement_timeout: None,
            prepared_statements: true,
            workload: Workload::Service,
        };
        let database = Database::connect(&settings).unwrap();
        database.migrate().unwrap();
        let ids = Arc::<Counter>::default();
        let (passwords, secrets) = (Argon2Passwords::new(NonZeroUsize::MIN), RandomSecrets::with_random_key().unwrap());
        let directory = Directory::new(database.store(), Arc::new(passwords), Arc::new(secrets), ids.clone());
        let scene = Self { directory, ids, _folder: folder };
        let (directory, context) = (&scene.directory, || scene.context());
        directory.prepare(&context()).unwrap();
        directory.create_first_administrator(&context(), "admin", "F1ghtC1ub1234!").unwrap();
        let groups = ["Editors", "Interns"].map(|name| {
            let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
            GroupIdentifier::Id(directory.create_group(&context(), draft).unwrap().id)
        });
        directory.add_child(&context(), &groups[0], &groups[1]).unwrap();
        directory.add_member(&context(), &groups[1], &UserIdentifier::from("admin")).unwrap();
        scene
    }

    fn context(&self) -> Context {
        Context::new(Actor::Operator, Fixed.now(), self.ids.next(), Origin::Embedded)
    }
}

/// What is returned with the result is dropped after the instructions were counted.
type Call = Box<dyn Fn(TestRequest) -> u16>;

/// The service without its sockets, which has answered the same question before; and the question.
fn service() -> (Call, TestRequest) {
    let scene = Scene::new();
    let tokens = Arc::new(tokens());
    let caller = scene.directory.caller_for(&scene.context(), &UserIdentifier::from("admin")).unwrap();
    let token = tokens.issue(&caller, None).unwrap().value;
    // The store that may wait: it answers on this thread here, however slow Valgrind is.
    let at_once = Some(scene.directory.clone());
    let limits = Limits { bulk_ids: 10, bulk_bytes: 1024, body_bytes: 1024 };
    let api = Api::new(
        scene.directory.clone(),
        tokens.clone(),
        tokens,
        scene.ids.clone(),
        Arc::new(Fixed),
        limits,
        LaneSizes::default(),
    );
    let api = api.unwrap().with_answers_at_once(at_once);
    let system = System::new();
    let app = system.block_on(init_service(configure(api, App::new())));
    let question = move || {
        TestRequest::with_uri("/api/security/groups/Editors/users/admin")
            .method(actix_web::http::Method::HEAD)
            .insert_header(("authorization", format!("Bearer {token}")))
    };
    let request = question();
    let call: Call = Box::new(move |request| {
        let _ = &scene;
        system.block_on(call_service(&app, request.to_request())).status().as_u16()
    });
    for _ in 0..3 {
        assert_eq!(call(question()), 204);
    }
    (call, request)
}

#[library_benchmark(config = at_most(CHECK))]
#[bench::of_an_effective_member(service())]
fn check((call, request): (Call, TestRequest)) -> (u16, Call) {
    (call(black_box(request)), call)
}

#[library_benchmark(config = at_most(GUID))]
#[bench::a_guid("13f8cd48-7765-47b7-9fa3-2ad9c935a4be")]
fn identifier(text: &str) -> UserIdentifier {
    UserIdentifier::from(black_box(text))
}

#[library_benchmark(config = at_most(NAME))]
#[bench::a_name("tyler.durden@paperstreet.example")]
fn identifier_by_name(text: &str) -> UserIdentifier {
    UserIdentifier::from(black_box(text))
}

fn verified() -> (JwtTokens, String) {
    let scene = Scene::new();
    let tokens = tokens();
    let caller = scene.directory.caller_for(&scene.context(), &UserIdentifier::from("admin")).unwrap();
    let token = tokens.issue(&caller, None).unwrap().value;
    assert!(matches!(tokens.verify(&token), Ok(Bearer::Caller(found)) if found == caller));
    (tokens, token)
}

#[library_benchmark(config = at_most(TOKEN))]
#[bench::seen_before(verified())]
fn token((tokens, text): (JwtTokens, String)) -> (bool, JwtTokens) {
    (tokens.verify(black_box(&text)).is_ok(), tokens)
}

#[library_benchmark(config = at_most(ZENQL))]
#[bench::of_three_conditions(r#"lastName ~ "dur" AND (created > -30d OR status.suspended = false)"#)]
fn zenql(text: &str) -> bool {
    black_box(guildhall_zenql::parse(black_box(text)).is_ok())
}

/// The most instructions of each, with the profile of the tests. Of the first two, a quarter is a digest, for which processors differ.
const CHECK: u64 = 180_000;
const TOKEN: u64 = 55_000;
const GUID: u64 = 510;
const NAME: u64 = 14_600;
const ZENQL: u64 = 32_700;

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut callgrind = Callgrind::default();
    callgrind.hard_limits([(EventKind::Ir, instructions)]);
    LibraryBenchmarkConfig::default().tool(callgrind).clone()
}

library_benchmark_group!(name = instructions; benchmarks = check, identifier, identifier_by_name, token, zenql);
main!(library_benchmark_groups = instructions);
