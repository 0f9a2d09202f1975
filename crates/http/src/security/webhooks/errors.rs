//! The errors of use cases about webhooks, as responses.

use guildhall_domain::directory::WebhookError;
use guildhall_domain::ports::DestinationError;
use guildhall_domain::webhook::MOST_WEBHOOKS;

use super::body;
use crate::respond::problem::Problem;

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::NotFound => Self::not_found("Webhook not found"),
            WebhookError::Invalid(fields) => Self::invalid(body::INVALID, &fields),
            WebhookError::Destination(refused) => Self::bad_request(match refused {
                DestinationError::NotEncrypted => "The URL must begin with https://".to_owned(),
                DestinationError::NotPublic(address) => {
                    format!("The URL must not lead to {address}, which is no public address")
                }
                DestinationError::Invalid => "The URL is not valid".to_owned(),
            }),
            WebhookError::TooMany => {
                Self::conflict(format!("There are {MOST_WEBHOOKS} webhooks, and there may be no more"))
            }
            WebhookError::Beyond { last } => Self::bad_request(format!(
                "The property 'after' must be at most {last}, the sequence of the last event"
            )),
            WebhookError::Pruned(last) => Self::gone(format!("Events up to {last} are gone")),
            WebhookError::Secrets(error) => Self::unexpected(error),
            WebhookError::Seal(error) => Self::unexpected(error),
            WebhookError::Refused(refused) => refused.into(),
        }
    }
}
