//! Lanes: thread pools for different kinds of work.

use std::io;
use std::net::IpAddr;
use std::num::NonZeroUsize;

use super::shares::{Share, ShareExhausted, Shares};
use super::workers::{Priority, Workers};
use crate::extract::client_address::network;
use crate::metrics::lanes::LaneMetrics;
use crate::respond::problem::Problem;

/// The kind of some work. No kind can occupy the threads of another, nor all connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Reads a few rows: checks, single items, readiness.
    Read,
    /// Changes a few rows.
    Write,
    /// Reads or changes many rows: listings, searches, bulk changes, many checks at once.
    Long,
    /// Searches that may make very many comparisons for every row. They run on the threads of `Long`, but only on few of them.
    Heavy,
    /// Hashes passwords.
    Password,
}

/// A search longer than this many bytes may make so many comparisons that it takes as long as hundreds of listings.
const HEAVY: usize = 1000;

/// Checks in a body longer than this many bytes are more than some dozens.
const MANY_CHECKS: usize = 4096;

impl Lane {
    /// Its name, as that of its threads.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Long | Self::Heavy => "long",
            Self::Password => "password",
        }
    }

    /// The lane of a search of so many bytes. The length decides, because the search is parsed in the lane.
    pub(crate) fn of_search(bytes: usize) -> Self {
        if bytes > HEAVY { Self::Heavy } else { Self::Long }
    }

    /// The lane of many checks in a body of so many bytes. Few checks together go where single ones do, so that they do not wait for
    /// listings; many go where they can neither take the threads of single ones nor more than half of the connections.
    pub(crate) fn of_checks(bytes: usize) -> Self {
        if bytes > MANY_CHECKS { Self::Long } else { Self::Read }
    }
}

/// The threads of every lane.
pub(crate) struct Lanes {
    read: Workers,
    write: Workers,
    long: Workers,
    password: Workers,
    password_shares: Shares<IpAddr>,
}

/// The resources that the threads of the lanes use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneSizes {
    /// The size of the connection pool.
    pub connections: NonZeroUsize,
    /// The most passwords that are hashed at one time.
    pub passwords: NonZeroUsize,
}

impl Default for LaneSizes {
    fn default() -> Self {
        Self { connections: NonZeroUsize::MIN, passwords: NonZeroUsize::MIN }
    }
}

/// The queue length of the lanes `Read` and `Write`.
pub(super) const SHORT_QUEUE: usize = 4096;
/// The queue length of the lane `Long`.
const LONG_QUEUE: usize = 256;
/// How many jobs in the queue of `Long` may be heavy.
const HEAVY_QUEUE: usize = 64;
/// The queue length of the lane `Password`.
const PASSWORD_QUEUE: usize = 64;
/// How many queued and running jobs of `Password` may be from one address.
const PASSWORD_SHARE: usize = PASSWORD_QUEUE / 4;

impl Lanes {
    /// Starts the threads. `Long` may use half of the connections, `Heavy` an eighth, each at least one.
    pub(crate) fn start(sizes: LaneSizes, metrics: &LaneMetrics) -> io::Result<Self> {
        use Priority::{Low, Normal};
        let part = |divisor: usize| NonZeroUsize::new(sizes.connections.get() / divisor).unwrap_or(NonZeroUsize::MIN);
        let start = |lane: Lane, threads, capacity, priority| {
            let name = lane.name();
            let metrics = metrics.of(name).map_err(io::Error::other)?;
            Workers::start(name, threads, capacity, priority, metrics)
        };
        Ok(Self {
            read: start(Lane::Read, sizes.connections, SHORT_QUEUE, Normal)?,
            write: start(Lane::Write, part(4), SHORT_QUEUE, Normal)?,
            long: start(Lane::Long, part(2), LONG_QUEUE, Low)?.with_heavy(part(8), HEAVY_QUEUE),
            password: start(Lane::Password, sizes.passwords, PASSWORD_QUEUE, Low)?,
            password_shares: Shares::new(PASSWORD_SHARE),
        })
    }

    /// A share of the lane's queue for a client at `address`, if shares are limited.
    pub(super) fn share(&self, lane: Lane, address: Option<IpAddr>) -> Result<Option<Share<IpAddr>>, ShareExhausted> {
        let address = address.filter(|_| lane == Lane::Password).map(network);
        let share = address.map(|address| self.password_shares.take(address)).transpose();
        share.inspect_err(|_| {
            self.password.refused();
        })
    }

    /// Fails if work of a client at `address` would be refused now, so that its body need not be awaited.
    pub(crate) fn check_room(&self, lane: Lane, address: Option<IpAddr>) -> Result<(), Problem> {
        self.share(lane, address).map_err(Problem::unavailable)?;
        self.workers(lane).check_room().map_err(Problem::unavailable)
    }

    /// The threads of `lane`.
    pub(super) fn workers(&self, lane: Lane) -> &Workers {
        match lane {
            Lane::Read => &self.read,
            Lane::Write => &self.write,
            Lane::Long | Lane::Heavy => &self.long,
            Lane::Password => &self.password,
        }
    }
}
