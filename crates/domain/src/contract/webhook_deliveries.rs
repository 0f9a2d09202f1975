//! Deliveries to webhooks: which events, in which order, by whom.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

use super::fixture::must;
use super::webhooks::draft;
use super::{Fixture, Given};
use crate::directory::{Claim, WebhookAction};
use crate::event::EventHead;
use crate::group::GroupId;
use crate::identifier::{GroupIdentifier, UserIdentifier};
use crate::page::Page;
use crate::webhook::{Attempt, Delivery, MOST_DELIVERIES, WebhookDraft, WebhookId};

const ONE: Uuid = Uuid::from_u128(1 << 64);
const TWO: Uuid = Uuid::from_u128(2 << 64);
const GROUPS: &[&str] = &["guildhall.group.created"];

impl Fixture {
    /// What is to be sent by this instance now.
    pub(super) fn claimed(&self, holder: Uuid) -> Vec<Claim> {
        must(self.directory.claim_webhooks(&self.operator(), holder, &BTreeSet::new())).claims
    }

    /// Notes that the receiver answered so. Returns what is to be sent next.
    pub(super) fn noted(&self, holder: Uuid, claim: &Claim, status: Option<u16>) -> Option<Claim> {
        self.noted_with(holder, claim, status, None)
    }

    pub(super) fn noted_with(
        &self,
        holder: Uuid,
        claim: &Claim,
        status: Option<u16>,
        retry_after: Option<Duration>,
    ) -> Option<Claim> {
        let error = status.is_none().then(|| "connection refused".to_owned());
        let attempt = Attempt { at: self.now(), duration: Duration::from_millis(12), status, error, retry_after };
        must(self.directory.note_attempt(&self.operator(), holder, claim, &attempt))
    }

    /// Sends all that is due, to receivers that answer as `answer` says. Returns what was sent.
    pub(super) fn deliver_all(&self, holder: Uuid, answer: impl Fn(&Claim) -> Option<u16>) -> Vec<Claim> {
        let (mut sent, mut due) = (Vec::new(), self.claimed(holder));
        while let Some(claim) = due.pop() {
            due.extend(self.noted(holder, &claim, answer(&claim)));
            sent.push(claim);
        }
        sent
    }

    fn deliveries(&self, id: WebhookId) -> Vec<Delivery> {
        let page = must(Page::new(0, 1000));
        must(self.directory.webhook_deliveries(&self.by(&self.admin), id, &page)).items
    }

    fn last_sequence(&self) -> u64 {
        let EventHead { sequence, .. } = must(self.directory.event_head(&self.by(&self.admin)));
        sequence
    }
}

/// The name of the group, or of the webhook, that an event is about.
pub(super) fn about(claim: &Claim) -> String {
    let event: Value = must(serde_json::from_str(&claim.body));
    let named = |what: &str| event["data"][what]["name"].as_str().map(str::to_owned);
    named("group").or_else(|| named("webhook")).unwrap_or_default()
}

fn names(claims: &[Claim]) -> Vec<String> {
    claims.iter().map(about).collect()
}

/// A webhook gets all events after its creation, and none before, each once and in their order.
pub fn a_webhook_gets_every_event_after_its_creation(given: Given) {
    let fixture = Fixture::given(given);
    fixture.group("before");
    let id = fixture.webhook(draft("hook", &[])).view.webhook.id;
    assert_eq!(fixture.claimed(ONE), []);
    for name in ["one", "two"] {
        fixture.group(name);
    }
    let mut sent = fixture.deliver_all(ONE, |_| Some(200));
    fixture.group("three");
    sent.extend(fixture.deliver_all(ONE, |_| Some(299)));
    assert_eq!(names(&sent), ["one", "two", "three"]);
    let last = fixture.last_sequence();
    assert_eq!(sent.iter().map(|claim| claim.sequence).collect::<Vec<_>>(), [last - 2, last - 1, last].map(Some));
    let event: Value = must(serde_json::from_str(&sent[0].body));
    assert_eq!((&event["type"], &event["id"]), (&"guildhall.group.created".into(), &sent[0].event.to_string().into()));
    assert_eq!(event["hash"].as_str().map(str::len), Some(64));
    assert_eq!(fixture.claimed(ONE), []);
    let view = must(fixture.directory.webhook(&fixture.by(&fixture.admin), id));
    let delivered = view.webhook.progress.last_delivery.map(|last| (last.sequence, last.status, last.at));
    assert_eq!((view.backlog, delivered), (0, Some((last, Some(299), fixture.now()))));
}

/// Types and groups say which events a webhook gets; it passes over the others.
pub fn a_webhook_gets_the_events_that_it_wants(given: Given) {
    let fixture = Fixture::given(given);
    let [soap, paper] = ["soap", "paper"].map(|name| fixture.group(name));
    let of = |groups: &[GroupId]| Some(groups.iter().map(ToString::to_string).collect::<Vec<_>>());
    let hook = |name: &str, types: &[&str], groups: &[GroupId]| {
        fixture.webhook(WebhookDraft { groups: of(groups), ..draft(name, types) }).view.webhook.id
    };
    let all = hook("all", &["guildhall.group.*"], &[]);
    let members = hook("members", &["guildhall.group.members.*", "guildhall.user.*"], &[]);
    let of_soap = hook("soap", &[], &[soap]);
    let both = hook("both", &["guildhall.group.members.added"], &[soap, paper]);
    let none = hook("none", &["guildhall.group.members.removed"], &[paper]);
    let user = fixture.user("tyler");
    fixture.join(soap, &[user]);
    fixture.join(paper, &[user]);
    fixture.group("other");
    let (group, member) = (GroupIdentifier::Id(soap), UserIdentifier::Id(user));
    must(fixture.directory.remove_member(&fixture.by(&fixture.admin), &group, &member));
    let last = fixture.last_sequence();
    let sent = fixture.deliver_all(ONE, |_| Some(204));
    let to = |id: WebhookId| {
        let told = sent.iter().filter(|claim| claim.webhook == id).map(|claim| {
            let event: Value = must(serde_json::from_str(&claim.body));
            let kind = event["type"].as_str().and_then(|kind| kind.rsplit('.').next()).unwrap_or_default().to_owned();
            format!("{} {kind}", about(claim))
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(to(all), ["soap added", "paper added", "other created", "soap removed"]);
    assert_eq!(to(members), ["soap added", "paper added", "soap removed"]);
    assert_eq!(to(of_soap), ["soap added", "soap removed"]);
    assert_eq!(to(both), ["soap added", "paper added"]);
    assert_eq!(to(none), [] as [&str; 0]);
    for id in [all, members, of_soap, both, none] {
        assert_eq!(fixture.webhook_as_it_is(id).progress.position, last);
    }
}

/// While one instance has the lease no other delivers, nor notes anything; once it is over another one does, and the first one's outcome counts no more.
pub fn one_instance_delivers_to_a_webhook_at_a_time(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook(draft("hook", GROUPS)).view.webhook.id;
    for name in ["one", "two"] {
        fixture.group(name);
    }
    let first = fixture.claimed(ONE).remove(0);
    assert_eq!((fixture.claimed(TWO), fixture.claimed(ONE)), (vec![], vec![]));
    assert_eq!(fixture.noted(TWO, &first, Some(200)), None);
    assert_eq!(fixture.deliveries(id), []);
    fixture.wait_minutes(1);
    let again = fixture.claimed(TWO).remove(0);
    assert_eq!((again.event, &again.body), (first.event, &first.body));
    assert_eq!(fixture.noted(ONE, &first, Some(200)), None);
    assert_eq!(fixture.webhook_as_it_is(id).progress.last_delivery, None);
    let next = must(fixture.noted(TWO, &again, Some(200)).ok_or("nothing is next"));
    assert_eq!(about(&next), "two");
    // A renewed lease lasts.
    for _ in 0..30 {
        for holder in [TWO, ONE] {
            must(fixture.directory.renew_webhook_leases(&fixture.operator(), holder, &BTreeSet::from([id])));
        }
        fixture.clock.set(fixture.now().plus(Duration::from_secs(5)));
        assert_eq!(fixture.claimed(ONE), []);
    }
    must(fixture.directory.release_webhook(&fixture.operator(), ONE, id));
    assert_eq!(fixture.claimed(ONE), []);
    must(fixture.directory.release_webhook(&fixture.operator(), TWO, id));
    assert_eq!(names(&fixture.claimed(ONE)), ["two"]);
}

/// An instance that could not note an attempt makes it again once that lease is over, while it renews those of others that it is sending to.
pub fn a_delivery_that_was_not_noted_holds_up_no_webhook(given: Given) {
    let fixture = Fixture::given(given);
    let [lost, busy] = ["lost", "busy"].map(|name| fixture.webhook(draft(name, GROUPS)).view.webhook.id);
    fixture.group("one");
    assert_eq!(fixture.claimed(ONE).len(), 2);
    for _ in 0..4 {
        must(fixture.directory.renew_webhook_leases(&fixture.operator(), ONE, &BTreeSet::from([busy])));
        fixture.clock.set(fixture.now().plus(Duration::from_secs(5)));
    }
    let again = fixture.claimed(ONE);
    assert_eq!(again.iter().map(|claim| claim.webhook).collect::<Vec<_>>(), [lost]);
}

/// Many instances at the same time deliver every event once and in order.
pub fn many_instances_deliver_every_event_once(given: Given) {
    let fixture = Fixture::given(given);
    let hooks = ["a", "b", "c"].map(|name| fixture.webhook(draft(name, GROUPS)).view.webhook.id);
    let groups: Vec<String> = (0..20).map(|number| format!("group {number}")).collect();
    for name in &groups {
        fixture.group(name);
    }
    let sent = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for number in 1..=4 {
            let (fixture, sent) = (&fixture, &sent);
            scope.spawn(move || {
                let holder = Uuid::from_u128(number << 64);
                // Instances that find nothing at first look again.
                for _ in 0..10 {
                    let note = |claim: &Claim| {
                        let mut sent = sent.lock().unwrap_or_else(PoisonError::into_inner);
                        sent.push((claim.webhook, about(claim)));
                        Some(200)
                    };
                    fixture.deliver_all(holder, note);
                }
            });
        }
    });
    let sent = sent.into_inner().unwrap_or_else(PoisonError::into_inner);
    for hook in hooks {
        let got: Vec<_> = sent.iter().filter(|(id, _)| *id == hook).map(|(_, name)| name.clone()).collect();
        assert_eq!(got, groups);
    }
}

/// A replay sends everything after a place again, also while an attempt is under way.
pub fn a_replay_sends_again(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook(draft("hook", GROUPS)).view.webhook.id;
    for name in ["one", "two", "three"] {
        fixture.group(name);
    }
    let sent = fixture.deliver_all(ONE, |_| Some(200));
    let first = sent[0].sequence.unwrap_or_default();
    fixture.act_on_webhook(id, WebhookAction::Replay { after: first });
    let under_way = fixture.claimed(ONE).remove(0);
    fixture.act_on_webhook(id, WebhookAction::Replay { after: first - 1 });
    assert_eq!(fixture.claimed(TWO), []);
    let next = must(fixture.noted(ONE, &under_way, Some(200)).ok_or("nothing is next"));
    assert_eq!((about(&under_way), about(&next)), ("two".to_owned(), "one".to_owned()));
    assert_eq!(fixture.noted(ONE, &next, Some(200)).map(|claim| about(&claim)), Some("two".to_owned()));
}

/// Changes of a webhook do not touch its position.
pub fn a_change_keeps_the_position(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook(draft("hook", GROUPS)).view.webhook.id;
    fixture.group("one");
    fixture.deliver_all(ONE, |_| Some(200));
    let change = |changes: WebhookDraft| {
        let before = fixture.webhook_as_it_is(id).progress.position;
        must(fixture.directory.change_webhook(&fixture.by(&fixture.admin), id, &changes));
        assert_eq!(fixture.webhook_as_it_is(id).progress.position, before);
    };
    change(WebhookDraft { enabled: Some(false), ..WebhookDraft::default() });
    fixture.group("two");
    assert_eq!(fixture.claimed(ONE), []);
    change(draft("renamed", GROUPS));
    change(WebhookDraft { enabled: Some(true), ..WebhookDraft::default() });
    let under_way = fixture.claimed(ONE).remove(0);
    change(WebhookDraft { types: Some(Vec::new()), ..WebhookDraft::default() });
    assert_eq!(about(&under_way), "two");
    let next = must(fixture.noted(ONE, &under_way, Some(200)).ok_or("nothing is next"));
    // Of all types by now.
    assert_eq!((about(&next), next.url.as_str()), ("renamed".to_owned(), "https://hooks.example/renamed"));
}

/// A test is sent once, also to a webhook that is disabled, and changes nothing of the order of events.
pub fn a_test_is_sent_beside_the_events(given: Given) {
    let fixture = Fixture::given(given);
    let hook = WebhookDraft { enabled: Some(false), ..draft("hook", GROUPS) };
    let id = fixture.webhook(hook).view.webhook.id;
    fixture.group("one");
    fixture.act_on_webhook(id, WebhookAction::Test);
    let test = fixture.claimed(ONE).remove(0);
    let event: Value = must(serde_json::from_str(&test.body));
    assert_eq!((&event["type"], event.get("sequence")), (&"guildhall.webhook.test".into(), None));
    assert_eq!((test.sequence, test.secrets.len()), (None, 1));
    assert_eq!(fixture.noted(ONE, &test, None), None);
    assert_eq!(fixture.claimed(ONE), []);
    fixture.act_on_webhook(id, WebhookAction::Enable);
    fixture.act_on_webhook(id, WebhookAction::Test);
    let sent = fixture.deliver_all(ONE, |_| Some(200));
    assert_eq!(names(&sent), ["hook", "one"]);
    let kept = fixture.deliveries(id);
    let told: Vec<_> = kept.iter().map(|kept| (kept.number, kept.sequence.is_some(), kept.status)).collect();
    assert_eq!(told, [(3, true, Some(200)), (2, false, Some(200)), (1, false, None)]);
    assert_eq!((kept[2].error.as_deref(), kept[2].event), (Some("connection refused"), test.event));
}

/// Of each webhook the latest deliveries are kept, and go with it.
pub fn the_latest_deliveries_are_kept(given: Given) {
    let fixture = Fixture::given(given);
    let [id, other] = ["hook", "other"].map(|name| fixture.webhook(draft(name, GROUPS)).view.webhook.id);
    for number in 0..MOST_DELIVERIES + 5 {
        fixture.group(&format!("group {number}"));
    }
    fixture.deliver_all(ONE, |_| Some(202));
    for id in [id, other] {
        let kept: Vec<u64> = fixture.deliveries(id).iter().map(|kept| kept.number).collect();
        assert_eq!(kept, (6..=MOST_DELIVERIES + 5).rev().collect::<Vec<_>>());
    }
    must(fixture.directory.delete_webhook(&fixture.by(&fixture.admin), id));
    let read = |id| must(fixture.store.read(|store| store.webhook_deliveries(id))).len() as u64;
    assert_eq!((read(id), read(other)), (0, MOST_DELIVERIES));
}
