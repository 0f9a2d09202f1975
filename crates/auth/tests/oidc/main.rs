//! Tokens of external issuers, whose keys are fetched from real servers on this machine.

#![expect(clippy::unwrap_used, reason = "a test stops at what it does not expect, in its helpers too")]

mod availability;
mod claims;
mod fetching;
mod forgery;
mod keys;
mod provider;
mod server;
mod settings;
