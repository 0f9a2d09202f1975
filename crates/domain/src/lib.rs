//! The directory of a service that keeps users, groups and who belongs to which.
//!
//! | Where | What |
//! |---|---|
//! | [`user`], [`group`], [`api_key`], [`external`], [`email_domain`], [`event`], [`idempotency_key`], [`identifier`], [`manager`], [`name`], [`custom`], [`number`], [`password`], [`secret`], [`time`], [`page`], [`position`], [`provenance`], [`record`], [`validation`], [`validity`], [`version`] | values that are valid once they exist (folder `model`) |
//! | [`search`] | listings: filter, order and page |
//! | [`access`] | actors, permissions and the policy |
//! | [`directory`] | the use cases |
//! | [`context`] | the call that a use case serves: actor, instant, origin |
//! | [`audit`] | what a use case notes for an audit log |
//! | [`ports`] | what the use cases need from outside: a store, tokens, password hashes, secrets, time and ids |
//! | `memory` (feature `memory`) | a store that keeps everything in memory |
//! | `contract` (feature `contract`) | the test suite that every store must pass |
//!
//! # Invariants
//!
//! * Groups form a directed acyclic graph; membership flows from a child to its parents.
//! * A use case runs in one unit of work: it changes everything it set out to change, or nothing.
//! * Permission is decided inside that same unit of work, before anything else is looked at.
//! * An identifier (username or email) names at most one user, a group name at most one group, in whatever spelling that reads the same.
//! * There is always at least one active System Administrator who stays one: no date ends their account or their membership.
//! * Nothing here reads a clock, draws a random number or waits for anything.

pub mod access;
pub mod audit;
pub mod context;
#[cfg(feature = "contract")]
pub mod contract;
pub mod directory;
#[cfg(feature = "memory")]
pub mod memory;
mod model;
pub mod ports;
pub mod search;

pub use model::{
    api_key, custom, email_domain, event, external, group, idempotency_key, identifier, manager, name, number, page,
    password, position, provenance, record, secret, time, user, validation, validity, version, webhook,
};

/// Compiles the examples of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
