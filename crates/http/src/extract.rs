//! What handlers take from a request: the caller, the body, parameters, conditions and addresses.

pub(crate) mod caller;
pub(crate) mod client_address;
pub(crate) mod conditional;
pub(crate) mod form;
pub(crate) mod idempotency_key;
pub(crate) mod path_parameters;
pub(crate) mod preferences;
pub(crate) mod public_url;
pub(crate) mod query;
pub(crate) mod request_body;
