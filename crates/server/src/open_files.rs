//! How many files the process may have open, and so how many connections it can serve.

use guildhall_http::ConnectionLimits;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open beside connections of clients and of the database: the log, sockets that listen, what wakes threads, requests to
/// issuers, and some to spare.
const OTHERS: usize = 64;
/// What a connection to the database may have open: for SQLite, the file, its log and temporary files.
const PER_DATABASE_CONNECTION: usize = 4;
/// The fewest connections with which the service starts.
const FEWEST: usize = 16;

/// Raises the soft limit of open files to the hard limit. Returns the limit in effect.
pub(crate) fn raise_limit() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let limit = if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current };
    limit.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// The number of connections, at most `wanted`, that `files` suffice for beside a database pool of `pool_size`.
pub(crate) fn connections_within(files: usize, wanted: usize, pool_size: u32) -> usize {
    let database = usize::try_from(pool_size).unwrap_or(usize::MAX).saturating_mul(PER_DATABASE_CONNECTION);
    let others = database.saturating_add(OTHERS + ConnectionLimits::SPARE);
    wanted.min(files.saturating_sub(others)).max(FEWEST)
}

#[cfg(test)]
mod tests {
    use super::connections_within;

    #[test]
    fn there_are_never_more_connections_than_files() {
        assert_eq!(connections_within(1_048_576, 4096, 10), 4096);
        assert_eq!(connections_within(usize::MAX, 4096, 10), 4096);
        let few = connections_within(1024, 4096, 10);
        assert!((600..1024).contains(&few), "{few}");
        assert_eq!(connections_within(1024, 4096, 100), few - 90 * 4);
        assert_eq!(connections_within(100, 4096, u32::MAX), 16);
    }
}
