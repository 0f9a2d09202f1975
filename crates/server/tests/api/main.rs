//! Black-box tests: the program itself, through a socket, over both databases.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

/// Makes two tests of each function: one over SQLite, one over PostgreSQL.
macro_rules! on_both_databases {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                use crate::database::Kind;

                #[tokio::test]
                async fn on_sqlite() {
                    super::$name(Kind::Sqlite).await;
                }

                #[tokio::test]
                async fn on_postgres() {
                    super::$name(Kind::Postgres).await;
                }
            }
        )+
    };
}

/// Makes three tests of each function: one over SQLite, one over PostgreSQL, and one over SQLite with TLS.
macro_rules! on_both_databases_and_over_tls {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                use crate::app::Transport;
                use crate::database::Kind;

                #[tokio::test]
                async fn on_sqlite() {
                    super::$name(Kind::Sqlite, Transport::Plain).await;
                }

                #[tokio::test]
                async fn on_postgres() {
                    super::$name(Kind::Postgres, Transport::Plain).await;
                }

                #[tokio::test]
                async fn over_tls() {
                    super::$name(Kind::Sqlite, Transport::Tls).await;
                }
            }
        )+
    };
}

mod accounts;
mod actions;
mod administrators;
mod answer;
mod api_keys;
mod app;
mod as_of;
mod audit;
mod authentication;
mod authorisation;
mod blocked_key_file;
mod changes;
mod client;
mod collector;
mod command_line;
mod commands;
mod comparison;
mod configuration;
mod connections;
mod crash;
mod cursors;
mod database;
mod delegates;
mod due_flood;
mod dump;
mod endpoints;
mod errors;
mod events;
mod expectations;
mod faults;
mod foreign_issuer;
mod frames;
mod groups;
mod growth;
mod head;
mod healthcheck;
mod http2;
mod http2_deadlines;
mod idempotency;
mod issuer;
mod journeys;
mod key_rotation;
mod limits;
mod listings;
mod lockouts;
mod log;
mod management;
mod managers;
mod members;
mod members_patch;
mod membership_checks;
mod membership_dates;
mod membership_terms;
mod memory;
mod metrics;
mod million;
mod nesting;
mod official_clients;
mod outage;
mod password_flood;
mod passwords;
mod permissions;
mod pooling;
mod previews;
mod public_url;
mod published;
mod readme;
mod receiver;
mod refusals;
mod refused_texts;
mod rekey;
mod reload;
mod request_lines;
mod round_trips;
mod scrape;
mod secrets;
mod secure;
mod seed;
mod server;
mod shutdown;
mod sign_in;
mod signals;
mod signing_keys;
mod slow;
mod slow_searches;
mod socket;
mod spellings;
mod sqlite_memory;
mod start;
mod target;
mod telemetry_outage;
mod tls;
mod tls_files;
mod tls_listening;
mod tokens;
mod traces;
mod unix_socket;
mod versions;
mod volume;
mod waiting;
mod webhook_kills;
mod webhooks;
mod wildcards;

/// Writes a line that shows even if the test passes, when `println!` is swallowed.
fn tell(line: &str) {
    use std::io::Write;
    let mut output = std::io::stdout();
    writeln!(output, "{line}").unwrap();
}
