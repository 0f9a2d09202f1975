//! Finding users and groups: filters and orders as SQL, and the choice of how a page is read.
//!
//! | Where | What |
//! |---|---|
//! | `fragment` | SQL that nothing but our own text can become, with values bound |
//! | `column` | where a field stands, and what a test of it is in SQL |
//! | `sets` | equalities of one field put together |
//! | `text` | what is looked for in texts, as the databases want it |
//! | `users`, `groups` | the fields of each |
//! | `page` | counting what is wanted, and reading one page of it |
//! | `truth` | orders by what is true or false |
//! | `way`, `slice` | how tables are gone through, and which part of a list is meant |
//! | `scope` | listings within a group or of a user |
//! | `subject` | of whom a listing of users is |
//! | `known` | what is remembered of large listings until they change |
//! | `upkeep` | the keys that searching needs, beside every user and group |

mod column;
mod fragment;
mod groups;
mod known;
mod page;
mod scope;
mod sets;
mod slice;
mod subject;
mod text;
mod truth;
pub(in crate::store) mod upkeep;
mod users;
mod way;

pub(in crate::store) use known::KnownListings;
pub(super) use scope::{all_groups, all_users, children, groups_of, members};
