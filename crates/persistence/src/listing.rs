//! Listings of users and groups: filters and orders as SQL, and the choice of how a page is read.
//!
//! | Where | What |
//! |---|---|
//! | `users`, `groups` | the listings: of everything, within a group, of a user |
//! | `memberships` | the listings of memberships and edges with their dates |
//! | `user_scope` | whose listing it is: of all users, or of the members of a group |
//! | `user_fields`, `group_fields` | where the fields of each are stored |
//! | `filter_sql` | a filter as a condition in SQL |
//! | `plan` | counts what matches, and reads one page of it |
//! | `cache` | totals of large listings, and where their pages begin, until they change |
//! | `index_rows`, `backfill` | the rows that searches need, beside those of users and groups |
//! | `search_rows` | whether they are as they should be |

mod backfill;
mod cache;
mod filter_sql;
mod group_fields;
mod groups;
pub(crate) mod index_rows;
mod memberships;
mod plan;
pub(crate) mod search_rows;
mod user_fields;
mod user_scope;
mod users;

pub(crate) use backfill::{BACKFILL_LIMIT, backfill, is_backfilled, note_backfilled};
pub(crate) use cache::ListingCache;
pub(crate) use groups::{all_groups, children, groups_of, managed_groups};
pub(crate) use memberships::{edges_of_group, memberships_of_group, memberships_of_user};
pub(crate) use plan::CHECK_COST;
pub(crate) use users::{all_users, members};
