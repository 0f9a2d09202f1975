//! The secrets of webhooks: made, sealed, and opened to sign.

use super::{Directory, Timestamp, WebhookError};
use crate::access::{Denied, Refused};
use crate::context::Context;
use crate::directory::unit_of_work::{Finish, Turn};
use crate::ports::{DestinationError, Destinations, SealError, Seals};
use crate::webhook::{SealedSecrets, WebhookId, WebhookSecret, WebhookUrl};

/// Keeps secrets as they are.
pub(in crate::directory) struct Unsealed;

impl Seals for Unsealed {
    fn seal(&self, plain: &[u8], _: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(plain.to_vec())
    }

    fn open(&self, sealed: &[u8], _: &[u8]) -> Option<Vec<u8>> {
        Some(sealed.to_vec())
    }
}

/// Lets webhooks be wherever what they are sent is encrypted.
pub(in crate::directory) struct HttpsAlone;

impl Destinations for HttpsAlone {
    fn check(&self, url: &WebhookUrl) -> Result<(), DestinationError> {
        if url.is_https() { Ok(()) } else { Err(DestinationError::NotEncrypted) }
    }
}

impl Directory<'_> {
    pub(super) fn new_webhook_secret(&self) -> Result<WebhookSecret, WebhookError> {
        let random = self.secrets.random()?;
        Ok(WebhookSecret(std::array::from_fn(|at| random[at])))
    }

    pub(super) fn seal_webhook_secret(&self, id: WebhookId, secret: &WebhookSecret) -> Result<Vec<u8>, SealError> {
        self.seals.seal(&secret.0, &binding(id))
    }

    /// The secrets that sign at this moment, first the present one. Those that cannot be opened are left out.
    pub(super) fn signing_secrets(&self, id: WebhookId, sealed: SealedSecrets, now: Timestamp) -> Vec<WebhookSecret> {
        let former = sealed.former.filter(|(_, until)| *until > now).map(|(former, _)| former);
        let all = [Some(sealed.current), former].into_iter().flatten();
        all.filter_map(|sealed| self.open_webhook_secret(id, &sealed)).collect()
    }

    fn open_webhook_secret(&self, id: WebhookId, sealed: &[u8]) -> Option<WebhookSecret> {
        self.seals.open(sealed, &binding(id))?.try_into().ok().map(WebhookSecret)
    }

    /// Seals the secrets of all webhooks anew, for an operator, so that they can be opened after the key that sealed them before is gone.
    pub fn reseal_webhook_secrets(&self, context: &Context) -> Result<(), WebhookError> {
        let webhooks = self.read(context, |work| Ok::<_, Refused>(work.webhooks()?))?;
        for webhook in webhooks {
            let id = webhook.id;
            self.write(context, Turn::Any, |work| {
                if !work.actor.is_operator() {
                    return Err(Denied::NotPermitted.into());
                }
                if work.webhook_to_change(id)?.is_none() {
                    return Ok(Finish::Rollback(()));
                }
                let Some(sealed) = work.webhook_secrets(id)? else { return Ok(Finish::Rollback(())) };
                let again = |sealed: &[u8]| match self.open_webhook_secret(id, sealed) {
                    Some(secret) => self.seal_webhook_secret(id, &secret),
                    None => Ok(sealed.to_vec()),
                };
                let former = match &sealed.former {
                    Some((former, until)) => Some((again(former)?, *until)),
                    None => None,
                };
                let resealed = SealedSecrets { current: again(&sealed.current)?, former };
                work.reseal_webhook_secrets(id, &resealed)?;
                Ok::<_, WebhookError>(Finish::Commit(()))
            })?;
        }
        Ok(())
    }
}

fn binding(id: WebhookId) -> Vec<u8> {
    format!("webhook {id}").into_bytes()
}
