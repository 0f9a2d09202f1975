//! Webhooks (contract 5.11): what administrators do with them.

mod delivery;
mod secrets;

use super::Directory;
use super::unit_of_work::{Finish, Turn, Writing};
use crate::access::{On, Permission, Refused, Target, contains_refused};
use crate::context::Context;
use crate::event::EventId;
use crate::page::{Page, Paged};
use crate::ports::{DestinationError, Reader, SealError, SecretsError, StoreError};
use crate::position::Position;
use crate::time::Timestamp;
use crate::validation::InvalidField;
use crate::webhook::{
    Delivery, FORMER_SECRET_HOURS, MOST_WEBHOOKS, SealedSecrets, Webhook, WebhookDraft, WebhookId, WebhookSecret,
};

pub use delivery::{Claim, WebhookLook};
pub(super) use secrets::{HttpsAlone, Unsealed};

/// An hour in milliseconds.
const HOUR: i64 = 60 * 60 * 1000;

/// A webhook, and how many events of the log come after its position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookView {
    /// The webhook.
    pub webhook: Webhook,
    /// How many events were neither delivered nor passed over.
    pub backlog: u64,
}

/// A webhook with a new secret, which is shown this once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedWebhook {
    /// The webhook.
    pub view: WebhookView,
    /// The secret.
    pub secret: WebhookSecret,
}

/// Something that is done with a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WebhookAction {
    /// Sends it a test, once.
    Test,
    /// Enables it: it goes on with the event that was not delivered.
    Enable,
    /// Sends it everything after this place, again or for the first time.
    Replay {
        /// The place.
        after: u64,
    },
}

/// Why an operation on webhooks failed.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// No webhook has this id.
    #[error("webhook not found")]
    NotFound,
    /// Fields are invalid.
    #[error("there are validation errors")]
    Invalid(Vec<InvalidField>),
    /// Nothing is sent to such a URL.
    #[error(transparent)]
    Destination(#[from] DestinationError),
    /// There are as many webhooks as may be.
    #[error("there are {MOST_WEBHOOKS} webhooks")]
    TooMany,
    /// A replay is to begin after an event that there is not yet.
    #[error("the last event is {last}")]
    Beyond {
        /// The place of the last event.
        last: u64,
    },
    /// A replay is to begin with events that were pruned.
    #[error("events up to {0} were pruned")]
    Pruned(u64),
    /// No secret could be generated.
    #[error(transparent)]
    Secrets(#[from] SecretsError),
    /// The secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The actor lacks the permission, or the store failed.
    #[error(transparent)]
    Refused(#[from] Refused),
}

contains_refused!(WebhookError);

impl Directory<'_> {
    /// A page of all webhooks, in the order of their ids.
    pub fn webhooks(&self, context: &Context, page: &Page) -> Result<Paged<WebhookView>, WebhookError> {
        self.read(context, |work| {
            work.authorise(Permission::ManageWebhooks, Target::All)?;
            let last = work.event_head()?.sequence;
            let webhooks = work.webhooks()?.into_iter().map(|webhook| WebhookView::of(webhook, last));
            Ok(paged(webhooks.collect(), page, |view| view.webhook.place()))
        })
    }

    /// Reads a webhook.
    pub fn webhook(&self, context: &Context, id: WebhookId) -> Result<WebhookView, WebhookError> {
        self.read(context, |work| {
            work.authorise(Permission::ManageWebhooks, Target::All)?;
            let webhook = work.webhook(id)?.ok_or(WebhookError::NotFound)?;
            Ok(view(&mut *work.store, webhook)?)
        })
    }

    /// A page of the deliveries of a webhook that are kept, first the latest.
    pub fn webhook_deliveries(
        &self,
        context: &Context,
        id: WebhookId,
        page: &Page,
    ) -> Result<Paged<Delivery>, WebhookError> {
        self.read(context, |work| {
            work.authorise(Permission::ManageWebhooks, Target::All)?;
            work.webhook(id)?.ok_or(WebhookError::NotFound)?;
            Ok(paged(work.webhook_deliveries(id)?, page, Delivery::place))
        })
    }

    /// Creates a webhook, which gets the events after its creation.
    pub fn create_webhook(&self, context: &Context, draft: WebhookDraft) -> Result<IssuedWebhook, WebhookError> {
        self.authorise(context, Permission::ManageWebhooks, On::All)?;
        let id = WebhookId(self.ids.next());
        let draft = draft.check(id, 0, context.now()).map_err(WebhookError::Invalid)?;
        self.destinations.check(&draft.url)?;
        let secret = self.new_webhook_secret()?;
        let secrets = SealedSecrets { current: self.seal_webhook_secret(id, &secret)?, former: None };
        // One after the other, so that they are counted.
        self.write(context, Turn::Alone, |work| {
            work.authorise(Permission::ManageWebhooks, Target::All)?;
            if work.webhooks()?.len() >= MOST_WEBHOOKS {
                return Err(WebhookError::TooMany);
            }
            let mut webhook = draft.clone();
            webhook.created_by = work.actor.username().map(str::to_owned);
            webhook.progress.position = work.event_head()?.sequence;
            work.insert_webhook(&webhook, &secrets)?;
            let view = view(&mut *work.store, webhook)?;
            Ok(Finish::Commit(IssuedWebhook { view, secret: secret.clone() }))
        })
    }

    /// Changes a webhook. Its position stays.
    pub fn change_webhook(
        &self,
        context: &Context,
        id: WebhookId,
        changes: &WebhookDraft,
    ) -> Result<WebhookView, WebhookError> {
        self.change_one_webhook(context, id, |work, webhook| {
            let wanted = changes.clone().apply(&webhook).map_err(WebhookError::Invalid)?;
            // One that is where it was stays there, if only to be disabled.
            if wanted.url != webhook.url {
                self.destinations.check(&wanted.url)?;
            }
            if wanted != webhook {
                work.update_webhook(&wanted)?;
            }
            Ok(Finish::Commit(view(&mut *work.store, wanted)?))
        })
    }

    /// Gives a webhook another secret. The one before it signs too for [`FORMER_SECRET_HOURS`].
    pub fn rotate_webhook(&self, context: &Context, id: WebhookId) -> Result<IssuedWebhook, WebhookError> {
        self.authorise(context, Permission::ManageWebhooks, On::All)?;
        let secret = self.new_webhook_secret()?;
        let current = self.seal_webhook_secret(id, &secret)?;
        self.change_one_webhook(context, id, |work, webhook| {
            let ends = i64::try_from(FORMER_SECRET_HOURS).unwrap_or_default() * HOUR;
            let until = Timestamp::from_milliseconds(work.store_clock()?.milliseconds().saturating_add(ends));
            let former = work.webhook_secrets(id)?.map(|secrets| (secrets.current, until));
            work.rotate_webhook_secret(id, &SealedSecrets { current: current.clone(), former })?;
            Ok(Finish::Commit(IssuedWebhook { view: view(&mut *work.store, webhook)?, secret: secret.clone() }))
        })
    }

    /// Deletes a webhook.
    pub fn delete_webhook(&self, context: &Context, id: WebhookId) -> Result<(), WebhookError> {
        self.change_one_webhook(context, id, |work, _| {
            work.delete_webhook(id)?;
            Ok(Finish::Commit(()))
        })
    }

    /// Does something with a webhook.
    pub fn act_on_webhook(&self, context: &Context, id: WebhookId, action: WebhookAction) -> Result<(), WebhookError> {
        if matches!(action, WebhookAction::Replay { .. }) {
            // Fails for who may not read the log.
            self.number_events(context)?;
        }
        let test = EventId(self.ids.next());
        self.change_one_webhook(context, id, |work, webhook| {
            let mut wanted = webhook.clone();
            match action {
                WebhookAction::Test => {
                    wanted.progress.test.get_or_insert(test);
                    work.update_webhook_progress(id, &wanted.progress)?;
                    return Ok(Finish::Commit(()));
                }
                WebhookAction::Enable => {
                    wanted.progress.enabled = true;
                    wanted.progress.forget_failures();
                }
                WebhookAction::Replay { after } => {
                    check_place(&mut *work.store, after)?;
                    (wanted.progress.position, wanted.progress.has_begun) = (after, true);
                    wanted.progress.forget_failures();
                }
            }
            if wanted != webhook {
                work.update_webhook(&wanted)?;
            }
            Ok(Finish::Commit(()))
        })
    }

    /// Runs `work` with the webhook that `id` names, for an actor who may manage it.
    fn change_one_webhook<T>(
        &self,
        context: &Context,
        id: WebhookId,
        mut work: impl FnMut(&mut Writing<'_>, Webhook) -> Result<Finish<T>, WebhookError>,
    ) -> Result<T, WebhookError> {
        self.write(context, Turn::Any, |unit| {
            unit.authorise(Permission::ManageWebhooks, Target::All)?;
            let webhook = unit.webhook_to_change(id)?.ok_or(WebhookError::NotFound)?;
            work(unit, webhook)
        })
    }
}

impl WebhookView {
    fn of(webhook: Webhook, last: u64) -> Self {
        Self { backlog: last.saturating_sub(webhook.progress.position), webhook }
    }
}

fn view<R: Reader + ?Sized>(store: &mut R, webhook: Webhook) -> Result<WebhookView, StoreError> {
    Ok(WebhookView::of(webhook, store.event_head()?.sequence))
}

/// Fails unless events after this place are there, or come next.
fn check_place<R: Reader + ?Sized>(store: &mut R, after: u64) -> Result<(), WebhookError> {
    let (last, pruned) = (store.event_head()?.sequence, store.event_checkpoint()?.sequence);
    if after > last {
        return Err(WebhookError::Beyond { last });
    }
    if after < pruned { Err(WebhookError::Pruned(pruned)) } else { Ok(()) }
}

/// The page of all items of a short listing, which are in its order.
fn paged<T>(mut items: Vec<T>, page: &Page, place: impl Fn(&T) -> Position) -> Paged<T> {
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let total = items.len() as u64;
    if let Some(position) = page.position() {
        items.retain(|item| position.precedes(&place(item)));
    }
    let shown = items.into_iter().skip(count(page.offset())).take(count(page.lookahead())).collect();
    Paged::new(page, total, shown, place)
}
