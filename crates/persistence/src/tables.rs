//! The statements of each aggregate: the ports of the domain, implemented for a unit of work.
//!
//! | Where | What |
//! |---|---|
//! | `users`, `user_row`, `user_names` | users, their credentials, and the names that identify them |
//! | `groups`, `group_row` | groups and their own properties |
//! | `named` | what has one of many names |
//! | `memberships`, `present_row` | who is a direct or effective member of which group; the counts of members |
//! | `lookup` | questions that are asked together with the account of the caller: one statement each |
//! | `children`, `closure` | the edges between groups, and the table of all pairs that they connect |
//! | `api_keys`, `sessions`, `lockouts`, `identities` | API keys, refresh tokens, wrong passwords, links to external issuers |
//! | `effects` | what previews ask |
//! | `events` | the log of all changes |
//! | `webhooks` | receivers of events, and deliveries to them |
//! | `idempotency` | kept answers to requests with an idempotency key |
//! | `imports` | many users, groups and memberships at once |
//! | `managers` | who manages which groups |
//! | `past` | what ended, and who was deleted |
//! | `paths` | why a user is in a group |
//! | `validity`, `settling` | dates of memberships and edges, and what happens when they come |
//! | `custom_properties` | custom properties as JSON |

mod api_keys;
mod children;
mod closure;
mod custom_properties;
mod effects;
mod events;
mod group_row;
mod groups;
mod idempotency;
mod identities;
mod imports;
mod lockouts;
mod lookup;
mod managers;
mod memberships;
mod named;
mod past;
mod paths;
mod present_row;
mod sessions;
mod settling;
mod user_names;
mod user_row;
mod users;
mod validity;
mod webhooks;

pub(crate) use events::{Announced, has_new, number_some};
pub(crate) use group_row::{CompleteRow, USERS, groups_in_order};
pub(crate) use lookup::{
    GROUP_COLUMNS, GroupColumns, USER_COLUMNS, UserColumns, account, api_key_for, check, check_together, client,
    group_for, identities_for, user_for,
};
pub(crate) use user_row::{UserRow, users_in_order};
