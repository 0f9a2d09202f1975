//! Deliveries to webhooks that fail.

use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use super::fixture::must;
use super::webhook_deliveries::about;
use super::webhooks::draft;
use super::{Fixture, Given};
use crate::directory::{WebhookAction, WebhookError};
use crate::event::EventType;
use crate::webhook::{RETRY_DELAYS, WebhookDraft, WebhookId};

const ONE: Uuid = Uuid::from_u128(1 << 64);
const TWO: Uuid = Uuid::from_u128(2 << 64);
const GROUPS: &[&str] = &["guildhall.group.created"];

impl Fixture {
    fn wait(&self, duration: Duration) {
        self.clock.set(self.now().plus(duration));
    }

    /// A webhook with two events to get.
    fn webhook_behind(&self, name: &str) -> WebhookId {
        let id = self.webhook(draft(name, GROUPS)).view.webhook.id;
        for number in ["one", "two"] {
            self.group(&format!("{name} {number}"));
        }
        id
    }
}

/// The same event is sent again after longer and longer times, by whichever instance; after the last of them the webhook is disabled and says so. Enabled, it
/// goes on with that event.
pub fn a_receiver_that_is_down_is_tried_by_the_schedule(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook_behind("hook");
    let began = fixture.now();
    let first = fixture.claimed(ONE).remove(0);
    assert_eq!(fixture.noted(ONE, &first, None), None);
    for (number, delay) in RETRY_DELAYS.into_iter().enumerate() {
        let progress = fixture.webhook_as_it_is(id).progress;
        assert_eq!((progress.failures as usize, progress.failing_since), (number + 1, Some(began)));
        fixture.wait(delay.saturating_sub(Duration::from_millis(1)));
        assert_eq!(fixture.claimed(ONE), []);
        fixture.wait(Duration::from_millis(1));
        let holder = if number % 2 == 0 { TWO } else { ONE };
        let again = fixture.claimed(holder).remove(0);
        assert_eq!((again.event, &again.body), (first.event, &first.body));
        assert!(fixture.webhook_as_it_is(id).progress.enabled);
        assert_eq!(fixture.noted(holder, &again, Some(500)), None);
    }
    let disabled = fixture.webhook_as_it_is(id).progress;
    assert!(!disabled.enabled);
    fixture.wait_days(30);
    assert_eq!(fixture.claimed(ONE), []);
    let events = fixture.events_of_webhooks();
    let told: Vec<EventType> = events.iter().map(|event| event.kind).collect();
    assert_eq!(told, [EventType::WebhookCreated, EventType::WebhookDisabled]);
    let data = events[1].data();
    let sequence = first.sequence.unwrap_or_default().to_string();
    assert_eq!((&data["failures"], &data["sequence"], &data["status"]), (&json!(10), &json!(sequence), &json!(500)));
    assert_eq!((&data["failingSince"], &data["webhook"]["name"]), (&json!(began.to_string()), &json!("hook")));
    let nobody = json!({ "id": null, "username": null, "via": "schedule", "apiKey": null });
    assert_eq!(data["actor"], nobody);
    fixture.act_on_webhook(id, WebhookAction::Enable);
    let sent = fixture.deliver_all(TWO, |_| Some(200));
    assert_eq!(sent.iter().map(about).collect::<Vec<_>>(), ["hook one", "hook two"]);
    let progress = fixture.webhook_as_it_is(id).progress;
    assert_eq!((progress.failures, progress.failing_since, progress.next_attempt), (0, None, None));
}

/// A receiver that answers 410 gets nothing more, and the event says so.
pub fn a_receiver_that_is_gone_is_disabled_at_once(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook_behind("hook");
    let first = fixture.claimed(ONE).remove(0);
    assert_eq!(fixture.noted(ONE, &first, Some(410)), None);
    assert!(!fixture.webhook_as_it_is(id).progress.enabled);
    assert_eq!(fixture.claimed(ONE), []);
    let events = fixture.events_of_webhooks();
    assert_eq!(
        events.last().map(|event| (event.kind, event.data()["status"].clone())),
        Some((EventType::WebhookDisabled, json!(410)))
    );
    fixture.act_on_webhook(id, WebhookAction::Enable);
    assert_eq!(fixture.claimed(ONE).iter().map(about).collect::<Vec<_>>(), ["hook one"]);
}

/// `Retry-After` puts the next attempt off, up to a day, and never brings it forward.
pub fn a_receiver_says_when_it_is_tried_again(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook_behind("hook");
    for (asked, waited) in [(2, 5), (3600, 3600), (1_000_000_000, 24 * 3600), (0, 7200)] {
        let claim = fixture.claimed(ONE).remove(0);
        fixture.noted_with(ONE, &claim, Some(503), Some(Duration::from_secs(asked)));
        let next = fixture.webhook_as_it_is(id).progress.next_attempt;
        assert_eq!(next, Some(fixture.now().plus(Duration::from_secs(waited))), "{asked}");
        fixture.wait(Duration::from_secs(waited));
    }
    // Sent elsewhere, it is tried at once.
    let claim = fixture.claimed(ONE).remove(0);
    fixture.noted(ONE, &claim, None);
    let moved = WebhookDraft { url: Some(Some("https://new.example".to_owned())), ..WebhookDraft::default() };
    must(fixture.directory.change_webhook(&fixture.by(&fixture.admin), id, &moved));
    let claims = fixture.claimed(ONE);
    assert_eq!(claims.iter().map(|claim| claim.url.as_str()).collect::<Vec<_>>(), ["https://new.example"]);
}

/// What fails for one webhook is nothing to the others.
pub fn a_receiver_that_is_down_slows_no_other_down(given: Given) {
    let fixture = Fixture::given(given);
    let [down, up] = ["down", "up"].map(|name| fixture.webhook(draft(name, GROUPS)).view.webhook.id);
    let mut got = Vec::new();
    for number in 0..5 {
        fixture.group(&format!("group {number}"));
        let sent = fixture.deliver_all(ONE, |claim| (claim.webhook == up).then_some(200));
        got.extend(sent.iter().filter(|claim| claim.webhook == up).map(about));
    }
    assert_eq!(got, (0..5).map(|number| format!("group {number}")).collect::<Vec<_>>());
    let view = must(fixture.directory.webhook(&fixture.by(&fixture.admin), down));
    assert_eq!((view.backlog, view.webhook.progress.failures), (5, 1));
}

/// A webhook that was behind when events were pruned goes on with the first that is left, and is not replayed from those that are gone.
pub fn pruned_events_are_passed_over(given: Given) {
    let fixture = Fixture::given(given);
    let id = fixture.webhook_behind("hook");
    fixture.wait_days(1);
    let before = fixture.now();
    fixture.group("three");
    must(fixture.directory.prune_events(&fixture.operator(), before));
    let replay = WebhookAction::Replay { after: 1 };
    let refused = fixture.directory.act_on_webhook(&fixture.by(&fixture.admin), id, replay);
    assert!(matches!(refused, Err(WebhookError::Pruned(_))), "{refused:?}");
    let sent = fixture.deliver_all(ONE, |_| Some(200));
    assert_eq!(sent.iter().map(about).collect::<Vec<_>>(), ["three"]);
    let event: Value = must(serde_json::from_str(&sent[0].body));
    assert_eq!(event["data"]["group"]["name"], "three");
}
