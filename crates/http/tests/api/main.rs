//! The API as a client sees it, over the real directory in memory.

#![expect(clippy::unwrap_used, reason = "clippy knows a test by its attribute, and its helpers have none")]

mod access;
mod api_keys;
mod at_once;
mod children;
mod conventions;
mod crowd;
mod groups;
mod head;
mod health;
mod listings;
mod logs;
mod managers;
mod members;
mod membership_checks;
mod membership_dates;
mod membership_listings;
mod openapi;
mod order;
mod path_prefix;
mod paths;
mod refused_bodies;
mod refused_fields;
mod refused_parameters;
mod refused_values;
mod search_costs;
mod search_faults;
mod searches;
mod server;
mod sockets;
mod store;
mod switches;
mod together;
mod tokens;
mod users;
mod world;
mod zenql;
