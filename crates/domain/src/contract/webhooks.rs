//! Webhooks: what administrators do with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::Fixture;
use super::fixture::must;
use crate::access::{Denied, Permission, Refused};
use crate::context::Context;
use crate::directory::{IssuedWebhook, WebhookAction, WebhookError};
use crate::event::{Event, EventType, TypePattern};
use crate::page::Page;
use crate::ports::{DestinationError, EventQuery, Store};
use crate::webhook::{MOST_WEBHOOKS, Webhook, WebhookDraft, WebhookId};

/// A webhook of this name that gets events of these types.
pub(super) fn draft(name: &str, types: &[&str]) -> WebhookDraft {
    WebhookDraft {
        name: Some(Some(name.to_owned())),
        url: Some(Some(format!("https://hooks.example/{name}"))),
        types: Some(types.iter().map(|kind| (*kind).to_owned()).collect()),
        ..WebhookDraft::default()
    }
}

impl Fixture {
    fn as_admin(&self) -> Context {
        self.by(&self.admin)
    }

    pub(super) fn webhook(&self, draft: WebhookDraft) -> IssuedWebhook {
        must(self.directory.create_webhook(&self.as_admin(), draft))
    }

    pub(super) fn webhook_as_it_is(&self, id: WebhookId) -> Webhook {
        must(self.directory.webhook(&self.as_admin(), id)).webhook
    }

    pub(super) fn act_on_webhook(&self, id: WebhookId, action: WebhookAction) {
        must(self.directory.act_on_webhook(&self.as_admin(), id, action));
    }

    /// The events about webhooks.
    pub(super) fn events_of_webhooks(&self) -> Vec<Event> {
        let types = must(TypePattern::parse("guildhall.webhook.*"));
        let query = EventQuery { types: Some(types), limit: 1000, ..EventQuery::default() };
        must(self.directory.events(&self.as_admin(), &query)).events
    }
}

/// A webhook is read as it was made and changed, and is gone once it is deleted.
pub fn webhooks_are_kept_as_they_are_given(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let (directory, group) = (&fixture.directory, fixture.group("Soap"));
    let wanted = WebhookDraft { groups: Some(vec![group.to_string()]), ..draft("one", &["guildhall.group.*"]) };
    let issued = fixture.webhook(wanted);
    let webhook = issued.view.webhook;
    assert_eq!((webhook.created, webhook.created_by.as_deref()), (fixture.now(), Some("admin")));
    assert_eq!((webhook.groups.clone(), webhook.progress.enabled), (BTreeSet::from([group]), true));
    assert_eq!(fixture.webhook_as_it_is(webhook.id), webhook);
    let other = fixture.webhook(draft("two", &[]));
    assert_ne!(other.secret, issued.secret);
    let all = must(directory.webhooks(&fixture.as_admin(), &Page::default()));
    let listed: Vec<Webhook> = all.items.into_iter().map(|view| view.webhook).collect();
    assert_eq!(listed, [webhook.clone(), other.view.webhook.clone()]);
    let changes = WebhookDraft {
        name: Some(Some("renamed".to_owned())),
        url: Some(Some("https://elsewhere.example:8443/in?a=b".to_owned())),
        types: Some(Vec::new()),
        groups: Some(Vec::new()),
        enabled: Some(false),
    };
    let next = must(directory.change_webhook(&fixture.as_admin(), webhook.id, &changes)).webhook;
    assert_eq!((next.name.as_str(), next.progress.enabled), ("renamed", false));
    assert_eq!((next.types.types(), next.groups.len()), (None, 0));
    assert_eq!(fixture.webhook_as_it_is(webhook.id), next);
    let same = must(directory.change_webhook(&fixture.as_admin(), webhook.id, &WebhookDraft::default())).webhook;
    assert_eq!(same, next);
    must(directory.delete_webhook(&fixture.as_admin(), webhook.id));
    for gone in [
        directory.webhook(&fixture.as_admin(), webhook.id).map(drop),
        directory.delete_webhook(&fixture.as_admin(), webhook.id),
        directory.change_webhook(&fixture.as_admin(), webhook.id, &WebhookDraft::default()).map(drop),
        directory.rotate_webhook(&fixture.as_admin(), webhook.id).map(drop),
        directory.webhook_deliveries(&fixture.as_admin(), webhook.id, &Page::default()).map(drop),
        directory.act_on_webhook(&fixture.as_admin(), webhook.id, WebhookAction::Test),
    ] {
        assert!(matches!(gone, Err(WebhookError::NotFound)), "{gone:?}");
    }
    assert_eq!(fixture.webhook_as_it_is(other.view.webhook.id), other.view.webhook);
}

/// Every change of a webhook is told once, and of its secret only that it changed.
pub fn changes_of_webhooks_are_told(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let id = fixture.webhook(draft("one", &[])).view.webhook.id;
    let by = || fixture.as_admin();
    let changes = WebhookDraft { name: Some(Some("two".to_owned())), ..WebhookDraft::default() };
    must(fixture.directory.change_webhook(&by(), id, &changes));
    must(fixture.directory.change_webhook(&by(), id, &changes));
    must(fixture.directory.rotate_webhook(&by(), id));
    let disabled = WebhookDraft { enabled: Some(false), ..WebhookDraft::default() };
    must(fixture.directory.change_webhook(&by(), id, &disabled));
    fixture.act_on_webhook(id, WebhookAction::Enable);
    fixture.act_on_webhook(id, WebhookAction::Enable);
    fixture.act_on_webhook(id, WebhookAction::Test);
    let position = fixture.webhook_as_it_is(id).progress.position.to_string();
    fixture.act_on_webhook(id, WebhookAction::Replay { after: 1 });
    must(fixture.directory.reseal_webhook_secrets(&fixture.operator()));
    must(fixture.directory.delete_webhook(&by(), id));
    let told = |event: &Event| (event.kind, event.data().remove("changes").unwrap_or_default());
    let events = fixture.events_of_webhooks();
    let updated = |changes: Value| (EventType::WebhookUpdated, changes);
    assert_eq!(
        events.iter().map(told).collect::<Vec<_>>(),
        [
            (EventType::WebhookCreated, Value::Null),
            updated(json!({ "name": { "from": "one", "to": "two" } })),
            updated(json!({ "secret": { "from": null, "to": null } })),
            updated(json!({ "enabled": { "from": true, "to": false } })),
            updated(json!({ "enabled": { "from": false, "to": true } })),
            updated(json!({ "position": { "from": position, "to": "1" } })),
            (EventType::WebhookDeleted, Value::Null),
        ]
    );
    for event in events {
        assert!(event.text.contains(&format!("\"subject\":\"webhooks/{id}\"")), "{}", event.text);
    }
}

/// Only System Administrators read and change webhooks, and only an operator delivers.
pub fn webhooks_are_managed_by_administrators(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let id = fixture.webhook(draft("one", &[])).view.webhook.id;
    let somebody = fixture.caller(fixture.user("somebody"));
    let (directory, by) = (&fixture.directory, || fixture.by(&somebody));
    assert_eq!(fixture.may(&somebody, Permission::ManageWebhooks), Err(Denied::NotPermitted));
    for refused in [
        directory.webhooks(&by(), &Page::default()).map(drop),
        directory.webhook(&by(), id).map(drop),
        directory.webhook_deliveries(&by(), id, &Page::default()).map(drop),
        directory.create_webhook(&by(), WebhookDraft::default()).map(drop),
        directory.change_webhook(&by(), id, &WebhookDraft::default()).map(drop),
        directory.rotate_webhook(&by(), id).map(drop),
        directory.delete_webhook(&by(), id),
        directory.act_on_webhook(&by(), id, WebhookAction::Test),
        directory.act_on_webhook(&by(), id, WebhookAction::Replay { after: 999 }),
        directory.reseal_webhook_secrets(&by()),
    ] {
        let is_denied = matches!(refused, Err(WebhookError::Refused(Refused::Denied(Denied::NotPermitted))));
        assert!(is_denied, "{refused:?}");
    }
    let nobody = Uuid::nil();
    for caller in [&somebody, &fixture.admin] {
        let by = fixture.by(caller);
        assert!(matches!(directory.renew_webhook_leases(&by, nobody, &BTreeSet::from([id])), Err(Refused::Denied(_))));
        assert!(matches!(directory.release_webhook(&by, nobody, id), Err(Refused::Denied(_))));
    }
    assert!(directory.claim_webhooks(&by(), nobody, &BTreeSet::new()).is_err());
}

/// There are so many webhooks and no more, also if many are created at one time.
pub fn as_many_webhooks_are_there_as_may_be(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    for number in 2..MOST_WEBHOOKS {
        fixture.webhook(draft(&number.to_string(), &[]));
    }
    let create = || fixture.directory.create_webhook(&fixture.as_admin(), draft("another", &[]));
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(create)).collect();
        threads.into_iter().map(|thread| must(thread.join().map_err(|_| "a thread panicked"))).collect()
    });
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(WebhookError::TooMany))).count();
    assert_eq!((refused, outcomes.len() - refused), (4, 2), "{outcomes:?}");
    let all = must(fixture.directory.webhooks(&fixture.as_admin(), &Page::default()));
    assert_eq!(all.total, MOST_WEBHOOKS as u64);
}

/// What is wrong with a webhook is said to those who may make one.
pub fn webhooks_that_cannot_be_are_refused(store: Arc<dyn Store>) {
    let fixture = Fixture::over(store);
    let create = |draft| fixture.directory.create_webhook(&fixture.as_admin(), draft);
    let fields = match create(draft("", &["nothing"])) {
        Err(WebhookError::Invalid(fields)) => fields.into_iter().map(|fault| fault.field).collect(),
        other => vec![format!("{other:?}")],
    };
    assert_eq!(fields, ["name", "types[0]"]);
    let at = |url: &str| WebhookDraft { url: Some(Some(url.to_owned())), ..draft("one", &[]) };
    let plain = create(at("http://hooks.example"));
    assert!(matches!(plain, Err(WebhookError::Destination(DestinationError::NotEncrypted))), "{plain:?}");
    let id = fixture.webhook(draft("one", &[])).view.webhook.id;
    let moved = fixture.directory.change_webhook(&fixture.as_admin(), id, &at("http://hooks.example"));
    assert!(matches!(moved, Err(WebhookError::Destination(DestinationError::NotEncrypted))), "{moved:?}");
    let beyond = WebhookAction::Replay { after: 1_000_000 };
    let refused = fixture.directory.act_on_webhook(&fixture.as_admin(), id, beyond);
    assert!(matches!(refused, Err(WebhookError::Beyond { last }) if last > 0), "{refused:?}");
}

/// After a rotation the secret before signs too for 24 hours; an earlier one does not.
pub fn the_former_secret_signs_for_a_day(given: super::Given) {
    let fixture = Fixture::given(given);
    let first = fixture.webhook(draft("one", &["guildhall.group.*"]));
    let id = first.view.webhook.id;
    let rotate = || must(fixture.directory.rotate_webhook(&fixture.as_admin(), id)).secret;
    fixture.group("Soap");
    let signing = || {
        let claimed = fixture.claimed(Uuid::max());
        must(fixture.directory.release_webhook(&fixture.operator(), Uuid::max(), id));
        claimed.into_iter().flat_map(|claim| claim.secrets).collect::<Vec<_>>()
    };
    assert_eq!(signing(), [first.secret]);
    let second = rotate();
    let third = rotate();
    assert_eq!(signing(), [third.clone(), second.clone()]);
    fixture.wait_minutes(24 * 60 - 1);
    must(fixture.directory.reseal_webhook_secrets(&fixture.operator()));
    assert_eq!(signing(), [third.clone(), second]);
    fixture.wait_minutes(1);
    assert_eq!(signing(), [third]);
}

/// Both listings are walked from page to page.
pub fn webhooks_and_their_deliveries_are_walked(given: super::Given) {
    let fixture = Fixture::given(given);
    let all: Vec<WebhookId> =
        ["a", "b", "c"].map(|name| fixture.webhook(draft(name, &["guildhall.group.*"])).view.webhook.id).to_vec();
    for name in ["one", "two", "three"] {
        fixture.group(name);
    }
    fixture.deliver_all(Uuid::max(), |_| Some(204));
    let (mut walked, mut page) = (Vec::new(), must(Page::first(2)));
    loop {
        let found = must(fixture.directory.webhooks(&fixture.as_admin(), &page));
        assert_eq!(found.total, 3);
        walked.extend(found.items.into_iter().map(|view| view.webhook.id));
        let Some(next) = found.next else { break };
        page = must(Page::after(next, 2));
    }
    assert_eq!(walked, all);
    let (mut numbers, mut page) = (Vec::new(), must(Page::first(2)));
    loop {
        let found = must(fixture.directory.webhook_deliveries(&fixture.as_admin(), all[0], &page));
        numbers.extend(found.items.into_iter().map(|delivery| delivery.number));
        let Some(next) = found.next else { break };
        page = must(Page::after(next, 2));
    }
    assert_eq!(numbers, [3, 2, 1]);
}
