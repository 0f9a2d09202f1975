//! Which event is sent to which webhook next, and what follows from how that ended.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use uuid::Uuid;

use crate::access::{Denied, On, Permission, Refused};
use crate::context::Context;
use crate::directory::Directory;
use crate::directory::unit_of_work::{Finish, Turn, Work, Writing};
use crate::event::{Event, EventId, EventType, TypePattern, Via};
use crate::ports::{EventQuery, StoreError};
use crate::time::Timestamp;
use crate::webhook::{
    Attempt, Delivery, Lease, MOST_DELIVERIES, Webhook, WebhookFilter, WebhookId, WebhookSecret, WebhookUrl,
};

/// For how long nobody else delivers to a webhook, unless that is renewed.
const LEASE: Duration = Duration::from_secs(10);
/// How many events are looked at for a webhook at once that wants some types of some groups.
const WINDOW: u64 = 100_000;
/// How often one after the other.
const MOST_WINDOWS: u32 = 10;
/// The type of tests, which are no events of the log.
const TEST: &str = "guildhall.webhook.test";

/// What is to be sent to a webhook, by whoever has its lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The webhook.
    pub webhook: WebhookId,
    /// Where it is.
    pub url: WebhookUrl,
    /// The id of the event.
    pub event: EventId,
    /// The place of the event. `None`: it is a test.
    pub sequence: Option<u64>,
    /// The event as JSON.
    pub body: String,
    /// The secrets that sign it, first the present one. Empty: they cannot be opened, and nothing can be sent.
    pub secrets: Vec<WebhookSecret>,
    /// The place after which the event is the next one.
    after: u64,
}

/// What was found when it was looked for something to send.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhookLook {
    /// What is to be sent, to one webhook each.
    pub claims: Vec<Claim>,
    /// Whether any webhook is enabled, or is to be sent a test.
    pub is_any_enabled: bool,
}

impl Directory<'_> {
    /// Leases every webhook to `holder`, for an operator, that something is to be sent to now and that nobody delivers to, but for those in `busy`. Webhooks that
    /// want none of the events so far pass over them.
    pub fn claim_webhooks(
        &self,
        context: &Context,
        holder: Uuid,
        busy: &BTreeSet<WebhookId>,
    ) -> Result<WebhookLook, Refused> {
        self.authorise(context, Permission::ManageWebhooks, On::All)?;
        let is_wanted = |webhook: &Webhook| webhook.progress.enabled || webhook.progress.test.is_some();
        let is_any_enabled = self.read(context, |work| Ok::<_, Refused>(work.webhooks()?.iter().any(is_wanted)))?;
        if !is_any_enabled {
            return Ok(WebhookLook::default());
        }
        self.number_events(context)?;
        let due = self.read(context, |work| {
            let (now, last) = (work.store_clock()?, work.event_head()?.sequence);
            let webhooks = work.webhooks()?.into_iter().filter(|webhook| webhook.progress.is_due(now, last));
            let due: Vec<WebhookId> = webhooks.map(|webhook| webhook.id).filter(|id| !busy.contains(id)).collect();
            Ok::<_, Refused>(due)
        })?;
        if due.is_empty() {
            return Ok(WebhookLook { claims: Vec::new(), is_any_enabled });
        }
        let claims = self.write_as_operator(context, |work| {
            let (now, last) = (work.store_clock()?, work.event_head()?.sequence);
            let mut claims = Vec::new();
            for id in &due {
                let Some(mut webhook) = work.webhook_to_change(*id)? else { continue };
                if !webhook.progress.is_due(now, last) {
                    continue;
                }
                let before = webhook.progress.clone();
                claims.extend(self.next_claim(work, &mut webhook, (holder, now, last))?);
                if webhook.progress != before {
                    work.update_webhook_progress(*id, &webhook.progress)?;
                }
            }
            Ok(claims)
        })?;
        Ok(WebhookLook { claims, is_any_enabled })
    }

    /// Notes how the delivery of `claim` ended, for an operator, if `holder` still has the lease. Returns what is to be sent to the webhook next; `None`: nothing at
    /// present, and the lease is over.
    pub fn note_attempt(
        &self,
        context: &Context,
        holder: Uuid,
        claim: &Claim,
        attempt: &Attempt,
    ) -> Result<Option<Claim>, Refused> {
        self.write_as_operator(context, |work| {
            let Some(mut webhook) = work.webhook_to_change(claim.webhook)? else { return Ok(None) };
            if webhook.progress.lease.is_none_or(|lease| lease.holder != holder) {
                return Ok(None);
            }
            let (now, last) = (work.store_clock()?, work.event_head()?.sequence);
            let progress = &mut webhook.progress;
            progress.attempts = progress.attempts.saturating_add(1);
            let number = progress.attempts;
            match claim.sequence {
                Some(sequence) => progress.note((claim.after, sequence), attempt, now),
                None => progress.test = progress.test.filter(|test| *test != claim.event),
            }
            progress.lease = None;
            let next = self.next_claim(work, &mut webhook, (holder, now, last))?;
            work.update_webhook_progress(webhook.id, &webhook.progress)?;
            let delivery = Delivery::of(number, (claim.event, claim.sequence), attempt);
            work.insert_webhook_delivery(webhook.id, &delivery, number.saturating_sub(MOST_DELIVERIES))?;
            Ok(next)
        })
    }

    /// Ends the lease that `holder` has of a webhook, for an operator.
    pub fn release_webhook(&self, context: &Context, holder: Uuid, id: WebhookId) -> Result<(), Refused> {
        self.write_as_operator(context, |work| {
            let Some(mut webhook) = work.webhook_to_change(id)? else { return Ok(()) };
            if webhook.progress.lease.is_some_and(|lease| lease.holder == holder) {
                webhook.progress.lease = None;
                work.update_webhook_progress(id, &webhook.progress)?;
            }
            Ok(())
        })
    }

    /// Renews the leases that `holder` has of the webhooks in `busy`, which it is sending something to, for an operator. A lease whose delivery ended without being noted
    /// is none of these: it ends, and the webhook goes on.
    pub fn renew_webhook_leases(
        &self,
        context: &Context,
        holder: Uuid,
        busy: &BTreeSet<WebhookId>,
    ) -> Result<(), Refused> {
        self.write_as_operator(context, |work| {
            let until = work.store_clock()?.plus(LEASE);
            Ok(work.renew_webhook_leases(holder, busy, until)?)
        })
    }

    fn write_as_operator<T>(
        &self,
        context: &Context,
        mut run: impl FnMut(&mut Writing<'_>) -> Result<T, Refused>,
    ) -> Result<T, Refused> {
        self.acting(Via::Schedule).write(context, Turn::Any, |work| {
            if !work.actor.is_operator() {
                return Err(Denied::NotPermitted.into());
            }
            run(work).map(Finish::Commit)
        })
    }

    /// What is to be sent to the webhook next, if anything is due: a test first, because it waits for no event. The webhook passes over what it does not want.
    fn next_claim(
        &self,
        work: &mut Writing<'_>,
        webhook: &mut Webhook,
        (holder, now, last): (Uuid, Timestamp, u64),
    ) -> Result<Option<Claim>, StoreError> {
        let (event, sequence, body) = if let Some(test) = webhook.progress.test {
            (test, None, test_body(webhook, test, now))
        } else {
            if !webhook.progress.is_event_due(now, last) || !begins(work, webhook)? {
                return Ok(None);
            }
            let Some(event) = next_event(work, webhook, last)? else { return Ok(None) };
            (event.id, Some(event.sequence), event.json())
        };
        let sealed = work.webhook_secrets(webhook.id)?;
        let secrets = sealed.map(|sealed| self.signing_secrets(webhook.id, sealed, now)).unwrap_or_default();
        webhook.progress.lease = Some(Lease { holder, until: now.plus(LEASE) });
        let (after, url) = (webhook.progress.position, webhook.url.clone());
        Ok(Some(Claim { webhook: webhook.id, url, event, sequence, body, secrets, after }))
    }
}

/// Moves a new webhook behind the event that tells of its creation. `false`: that event has no place yet.
fn begins(work: &mut Work<'_, dyn crate::ports::Writer + '_>, webhook: &mut Webhook) -> Result<bool, StoreError> {
    if webhook.progress.has_begun {
        return Ok(true);
    }
    let created = TypePattern::parse(EventType::WebhookCreated.name()).ok();
    let after = webhook.progress.position;
    let query =
        EventQuery { types: created, ..EventQuery::following(after, u32::try_from(WINDOW).unwrap_or(u32::MAX)) };
    let id = webhook.id.to_string();
    let is_its =
        |event: &&Event| event.data().get("webhook").and_then(|told| told.get("id")).is_some_and(|told| *told == id);
    if let Some(event) = work.events(&query)?.iter().find(is_its) {
        webhook.progress.position = event.sequence;
        webhook.progress.has_begun = true;
    } else {
        // It may have been pruned.
        webhook.progress.has_begun = work.event_checkpoint()?.sequence > after;
    }
    Ok(webhook.progress.has_begun)
}

/// The next event that the webhook wants. Its position moves to the place before that event, or past those that it does not want.
fn next_event(
    work: &mut Work<'_, dyn crate::ports::Writer + '_>,
    webhook: &mut Webhook,
    last: u64,
) -> Result<Option<Event>, StoreError> {
    let filter = WebhookFilter::from(&*webhook);
    let window = if filter.types.is_some() && !filter.groups.is_empty() { WINDOW } else { u64::MAX };
    for _ in 0..MOST_WINDOWS {
        let after = webhook.progress.position;
        let until = last.min(after.saturating_add(window));
        if until <= after {
            break;
        }
        if let Some(event) = work.next_webhook_event(after, until, &filter)? {
            webhook.progress.position = event.sequence.saturating_sub(1);
            return Ok(Some(event));
        }
        webhook.progress.position = until;
    }
    Ok(None)
}

/// A test as JSON. It has no place among the events.
fn test_body(webhook: &Webhook, id: EventId, now: Timestamp) -> String {
    json!({
        "specversion": "1.0",
        "id": id.to_string(),
        "source": "guildhall",
        "type": TEST,
        "subject": format!("webhooks/{}", webhook.id),
        "time": now.to_string(),
        "datacontenttype": "application/json",
        "data": { "webhook": { "id": webhook.id.to_string(), "name": webhook.name.as_str() } },
    })
    .to_string()
}
