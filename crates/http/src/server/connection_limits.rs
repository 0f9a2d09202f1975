//! Connection limits: in total and per client address.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;
use tokio::sync::Notify;

use crate::extract::client_address::network;
use crate::work::shares::{Share, ShareExhausted, Shares};

/// How many connections beyond each of the two limits are kept for liveness checks. A new one evicts the oldest, so that idle
/// clients cannot occupy the reserve.
const RESERVE: usize = 32;
/// How many open connections keep their buffers while they are idle.
const CROWD: usize = 256;
/// How many accepted connections may be uncounted at one time.
const UNCOUNTED: usize = 128;

/// How many connections may be open at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// In total.
    pub total: usize,
    /// Per client address; for IPv6, per /64 network. Trusted proxies are not limited.
    pub per_address: usize,
}

impl ConnectionLimits {
    /// How many more connections than `total` may be open for a moment: the reserve, and those not yet counted.
    pub const SPARE: usize = 2 * RESERVE + UNCOUNTED;
}

/// The open connections, counted.
pub(crate) struct Connections {
    limits: ConnectionLimits,
    unlimited: Arc<[IpNet]>,
    shares: Shares<IpAddr>,
    counts: Mutex<Counts>,
    /// All that are open, including those beyond the limits.
    open: AtomicUsize,
}

#[derive(Default)]
struct Counts {
    total: usize,
    beyond_total: Reserve,
    beyond_address: Reserve,
}

/// Connections beyond a limit, oldest first.
type Reserve = VecDeque<Arc<Notify>>;

/// The slot of an open connection, released on drop.
pub(crate) struct Slot {
    connections: Arc<Connections>,
    place: Place,
    /// Notified when another connection takes the slot.
    evicted: Arc<Notify>,
}

enum Place {
    /// Within the limits, with a share of its address's limit where there is one.
    Counted {
        _share: Option<Share<IpAddr>>,
    },
    BeyondTotal,
    BeyondAddress,
}

impl Connections {
    /// No connections yet. Addresses in `unlimited` have no limit of their own.
    pub(crate) fn new(limits: ConnectionLimits, unlimited: Arc<[IpNet]>) -> Self {
        let (counts, open) = (Mutex::default(), AtomicUsize::new(0));
        Self { limits, unlimited, shares: Shares::new(limits.per_address), counts, open }
    }

    /// A slot for a connection from `address`, in the reserve if a limit is reached.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<IpAddr>) -> Slot {
        let address = address.map(|address| address.to_canonical());
        let address = address.filter(|address| !self.unlimited.iter().any(|net| net.contains(address))).map(network);
        let share = address.map(|address| self.shares.take(address)).transpose();
        let evicted = Arc::new(Notify::new());
        let mut counts = self.lock();
        let place = match share {
            Err(ShareExhausted) => {
                evict_oldest(&mut counts.beyond_address, &evicted);
                Place::BeyondAddress
            }
            Ok(_) if counts.total >= self.limits.total => {
                evict_oldest(&mut counts.beyond_total, &evicted);
                Place::BeyondTotal
            }
            Ok(share) => {
                counts.total += 1;
                Place::Counted { _share: share }
            }
        };
        drop(counts);
        self.open.fetch_add(1, Ordering::Relaxed);
        Slot { connections: Arc::clone(self), place, evicted }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn evict_oldest(reserve: &mut Reserve, newest: &Arc<Notify>) {
    if reserve.len() >= RESERVE
        && let Some(oldest) = reserve.pop_front()
    {
        oldest.notify_one();
    }
    reserve.push_back(Arc::clone(newest));
}

impl Slot {
    /// Whether the connection is beyond a limit.
    pub(crate) fn is_in_reserve(&self) -> bool {
        !matches!(self.place, Place::Counted { .. })
    }

    /// Whether so many connections are open that idle ones must not keep their buffers.
    pub(crate) fn is_in_crowd(&self) -> bool {
        self.connections.open.load(Ordering::Relaxed) > CROWD
    }

    /// Notified when another connection takes the slot.
    pub(crate) fn evicted(&self) -> Arc<Notify> {
        Arc::clone(&self.evicted)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.connections.open.fetch_sub(1, Ordering::Relaxed);
        let mut counts = self.connections.lock();
        match self.place {
            Place::BeyondTotal => counts.beyond_total.retain(|other| !Arc::ptr_eq(other, &self.evicted)),
            Place::BeyondAddress => counts.beyond_address.retain(|other| !Arc::ptr_eq(other, &self.evicted)),
            Place::Counted { .. } => counts.total -= 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{ConnectionLimits, Connections, RESERVE, Slot};

    fn in_reserve(slots: &[Slot]) -> usize {
        slots.iter().filter(|slot| slot.is_in_reserve()).count()
    }

    #[tokio::test]
    async fn beyond_each_limit_the_newest_have_a_place_in_the_reserve() {
        let limits = ConnectionLimits { total: 5, per_address: 2 };
        let connections = Arc::new(Connections::new(limits, ["10.0.0.0/8".parse().unwrap()].into()));
        let admit = |address: &str| connections.admit(Some(address.parse().unwrap()));
        let mut attacker: Vec<_> = (0..2 + RESERVE).map(|_| admit("192.0.2.1")).collect();
        assert_eq!(in_reserve(&attacker), RESERVE);
        let oldest = attacker[2].evicted();
        let newest = admit("192.0.2.1");
        oldest.notified().await;
        let proxy: Vec<_> = (0..3).map(|_| admit("::ffff:10.0.0.1")).collect();
        assert_eq!(in_reserve(&proxy), 0);
        let late: Vec<_> = (0..RESERVE).map(|_| admit("192.0.2.7")).collect();
        assert_eq!(in_reserve(&late), RESERVE);
        attacker.remove(0);
        assert!(!admit("192.0.2.7").is_in_reserve());
        drop((attacker, newest, proxy, late));
        let counts = connections.lock();
        assert_eq!((counts.total, counts.beyond_total.len(), counts.beyond_address.len()), (0, 0, 0));
        assert!(connections.shares.is_empty());
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let connections = Arc::new(Connections::new(ConnectionLimits { total: 9, per_address: 1 }, Arc::new([])));
        let slots = ["2001:db8::1", "2001:db8::2", "2001:db8:0:1::1"]
            .map(|address| connections.admit(Some(address.parse().unwrap())));
        assert_eq!(slots.each_ref().map(Slot::is_in_reserve), [false, true, false]);
    }
}
