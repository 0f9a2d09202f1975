//! Writes `docs/events.md`: every type of event, what it means, and one that the use cases made.
//!
//! `GUILDHALL_WRITE_DOCUMENTS=1 cargo test -p guildhall-domain --test event_document` writes the file.

#![expect(clippy::expect_used, reason = "a test stops at what it does not expect, in its helpers too")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use guildhall_domain::access::Scopes;
use guildhall_domain::api_key::{ApiKeyDraft, ApiKeyIdentifier};
use guildhall_domain::context::{Context, Origin};
use guildhall_domain::contract::{Fixture, Given, TestClock};
use guildhall_domain::event::{Event, EventType};
use guildhall_domain::group::{GroupChanges, GroupDraft};
use guildhall_domain::identifier::{GroupIdentifier, UserIdentifier};
use guildhall_domain::memory::Memory;
use guildhall_domain::ports::{Clock, EventQuery, Member};
use guildhall_domain::user::{UserChanges, UserDraft};
use guildhall_domain::validity::ValidityChange;
use guildhall_domain::version::Precondition;
use guildhall_domain::webhook::{Attempt, WebhookDraft};
use serde_json::Value;
use uuid::Uuid;

const PASSWORD: &str = "F1ghtC1ub1234!";

/// What happens so that there is an event of every type.
struct Scene {
    fixture: Fixture,
}

impl Scene {
    /// A request by the administrator.
    fn by(&self) -> Context {
        let id = self.fixture.by(&self.fixture.admin).request_id();
        Context::new(&self.fixture.admin, self.fixture.now(), id, Origin::Api).from_address("203.0.113.9".parse().ok())
    }

    fn sign_in(&self, password: &str) -> bool {
        let context = self.fixture.anonymous();
        let context = Context::new(context.actor().clone(), self.fixture.now(), context.request_id(), Origin::Api);
        let context = context.from_address("203.0.113.9".parse().ok());
        self.fixture.directory.sign_in(&context, "tyler", password.to_owned(), &Scopes::all()).is_ok()
    }

    fn users(&self) {
        let (directory, tyler) = (&self.fixture.directory, UserIdentifier::from("tyler"));
        let draft = UserDraft {
            username: Some("tyler".to_owned()),
            email: Some("tyler@paper-street.example".to_owned()),
            password: Some(PASSWORD.to_owned()),
            ..UserDraft::default()
        };
        directory.create_user(&self.by(), draft).expect("a user");
        let changes = UserChanges { first_name: Some(Some("Tyler".to_owned())), ..UserChanges::default() };
        directory.change_user(&self.by(), &tyler, &changes, &Precondition::default()).expect("a change");
        assert!(self.sign_in(PASSWORD));
        for _ in 0..5 {
            assert!(!self.sign_in("wrong"));
        }
        for action in ["unlock", "suspend", "unsuspend", "forcePasswordReset"] {
            directory.act(&self.by(), &tyler, action).expect(action);
        }
        let new = Some("An0ther!One".to_owned());
        directory.change_password(&self.by(), &tyler, None, new).expect("another password");
    }

    fn groups(&self) {
        let (directory, soap) = (&self.fixture.directory, GroupIdentifier::from("Soap"));
        let (lye, tyler) = (GroupIdentifier::from("Lye"), UserIdentifier::from("tyler"));
        for name in ["Soap", "Lye"] {
            let draft = GroupDraft { name: Some(name.to_owned()), ..GroupDraft::default() };
            directory.create_group(&self.by(), draft).expect("a group");
        }
        let changes =
            GroupChanges { description: Some(Some("Those who make it".to_owned())), ..GroupChanges::default() };
        directory.change_group(&self.by(), &soap, &changes, &Precondition::default()).expect("a change");
        directory.add_member(&self.by(), &soap, &tyler).expect("a member");
        directory.remove_member(&self.by(), &soap, &tyler).expect("no member");
        directory.add_child(&self.by(), &soap, &lye).expect("a child");
        directory.remove_child(&self.by(), &soap, &lye).expect("no child");
        let day = |days| Some(Some(self.fixture.now().plus_days(days)));
        for change in [ValidityChange { from: day(1), until: None }, ValidityChange { from: None, until: day(30) }] {
            directory.schedule_member(&self.by(), &soap, &tyler, change).expect("dates");
            directory.schedule_child(&self.by(), &soap, &lye, change).expect("dates");
        }
        directory.appoint_manager(&self.by(), &soap, Member::User(&tyler)).expect("a manager");
        directory.dismiss_manager(&self.by(), &soap, Member::User(&tyler)).expect("no manager");
    }

    fn api_keys(&self) {
        let (directory, key) = (&self.fixture.directory, ApiKeyIdentifier::from("Factory"));
        let draft = ApiKeyDraft { name: Some(Some("Factory".to_owned())), ..ApiKeyDraft::default() };
        directory.create_api_key(&self.by(), draft, &[]).expect("a key");
        let changes = ApiKeyDraft { enabled: Some(false), ..ApiKeyDraft::default() };
        directory.change_api_key(&self.by(), &key, &changes).expect("a change");
        directory.rotate_api_key(&self.by(), &key).expect("a secret");
        directory.delete_api_key(&self.by(), &key).expect("no key");
    }

    fn webhooks(&self) {
        let (directory, operator) = (&self.fixture.directory, || self.fixture.operator());
        let draft = WebhookDraft {
            name: Some(Some("Orders".to_owned())),
            url: Some(Some("https://hooks.example/guildhall".to_owned())),
            ..WebhookDraft::default()
        };
        let id = directory.create_webhook(&self.by(), draft).expect("a webhook").view.webhook.id;
        let types = Some(vec!["guildhall.webhook.*".to_owned()]);
        let changes = WebhookDraft { types, ..WebhookDraft::default() };
        directory.change_webhook(&self.by(), id, &changes).expect("a change");
        let found = directory.claim_webhooks(&operator(), Uuid::max(), &BTreeSet::new()).expect("something to send");
        let attempt = Attempt {
            at: self.fixture.now(),
            duration: Duration::from_millis(80),
            status: Some(410),
            error: None,
            retry_after: None,
        };
        directory.note_attempt(&operator(), Uuid::max(), &found.claims[0], &attempt).expect("a refusal");
        directory.delete_webhook(&self.by(), id).expect("no webhook");
    }

    fn end(&self) {
        let directory = &self.fixture.directory;
        let (tyler, soap) = (UserIdentifier::from("tyler"), GroupIdentifier::from("Soap"));
        directory.delete_group(&self.by(), &soap, &Precondition::default()).expect("no group");
        directory.delete_user(&self.by(), &tyler, &Precondition::default()).expect("no user");
        directory.tell_started(&self.fixture.operator(), "1.0.0").expect("a start");
    }

    /// The first event of each type that an administrator, or nobody, caused.
    fn events(&self) -> BTreeMap<EventType, Event> {
        let query = EventQuery { limit: 1000, ..EventQuery::default() };
        let events = self.fixture.directory.events(&self.by(), &query).expect("events").events;
        let mut first = BTreeMap::new();
        for event in events.into_iter().filter(|event| !event.text.contains("\"bootstrap\"")) {
            first.entry(event.kind).or_insert(event);
        }
        first
    }
}

fn document() -> String {
    let clock = TestClock::new();
    let store = Arc::new(Memory::new(Arc::clone(&clock) as Arc<dyn Clock>));
    let scene = Scene { fixture: Fixture::given(Given { store, clock }) };
    scene.users();
    scene.groups();
    scene.api_keys();
    scene.webhooks();
    scene.end();
    let events = scene.events();
    let told: BTreeSet<EventType> = events.keys().copied().collect();
    let all: BTreeSet<EventType> = EventType::ALL.iter().copied().collect();
    assert_eq!(all.difference(&told).collect::<Vec<_>>(), Vec::<&EventType>::new(), "types without an example");
    let mut text = include_str!("event_document.md").to_owned();
    text.push_str("\n| Type | Meaning |\n|---|---|\n");
    for kind in EventType::ALL {
        writeln!(text, "| [`{kind}`](#{}) | {} |", kind.name().replace('.', ""), kind.meaning()).expect("a text");
    }
    for (kind, event) in &events {
        let json: Value = serde_json::from_str(&event.json()).expect("JSON");
        let json = serde_json::to_string_pretty(&json).expect("JSON");
        write!(text, "\n## {kind}\n\n{}\n\n```json\n{json}\n```\n", kind.meaning()).expect("a text");
    }
    text
}

#[test]
fn the_document_of_events_is_current() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let document = document();
    if std::env::var_os("GUILDHALL_WRITE_DOCUMENTS").is_some() {
        fs::write(&path, &document).expect("docs/events.md");
    }
    assert!(
        fs::read_to_string(&path).expect("docs/events.md") == document,
        "docs/events.md is not current: run `make events`"
    );
}
