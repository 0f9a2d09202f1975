//! Settings of webhooks.

use guildhall_webhooks::DestinationRules;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::values;

#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, expecting = "a table")]
pub(crate) struct Webhooks {
    /// Whether what is sent need not be encrypted.
    pub(crate) allow_http: bool,
    /// Networks that are not public, and to which events may be sent all the same.
    #[serde(deserialize_with = "values::networks", serialize_with = "values::as_texts")]
    pub(crate) allowed_networks: Vec<IpNet>,
}

impl Webhooks {
    /// Where webhooks may be.
    pub(crate) fn rules(&self) -> DestinationRules {
        DestinationRules { allow_http: self.allow_http, allowed_networks: self.allowed_networks.clone() }
    }
}
