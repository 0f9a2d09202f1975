//! Delivers events to webhooks.
//!
//! | Where | What |
//! |---|---|
//! | `addresses` | which addresses are public |
//! | `rules` | where webhooks may be |
//! | `resolver` | refuses addresses at the moment of connecting |
//! | `signature` | Standard Webhooks |
//! | `sender` | one attempt: a request over HTTP |
//! | `deliveries` | the threads: what is due, and what follows |

mod addresses;
mod deliveries;
mod resolver;
mod retry_after;
mod rules;
mod sender;
mod signature;

pub use deliveries::Deliveries;
pub use rules::DestinationRules;
