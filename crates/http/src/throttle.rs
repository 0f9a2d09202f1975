//! How often somebody may try to sign in.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use governor::clock::{Clock as _, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::problem::Problem;

/// After how many requests those are forgotten who have not come for a while.
const SWEEP: u32 = 10_000;
/// The bits of an IPv6 address that tell one network from another: a network has as many addresses as it likes.
const IPV6_NETWORK: u128 = !(u64::MAX as u128);

/// How many requests for tokens are answered in a minute; none is any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenLimits {
    /// From one address; from one network of 64 bits, where the address is IPv6.
    pub per_address: Option<NonZeroU32>,
    /// For one username, email address or client id, whether it is known or not.
    pub per_account: Option<NonZeroU32>,
}

/// Counts requests for tokens.
pub(crate) struct Throttle {
    addresses: Option<Limiter<IpAddr>>,
    accounts: Option<Limiter<String>>,
}

impl Throttle {
    pub(crate) fn new(limits: TokenLimits) -> Self {
        Self { addresses: limits.per_address.map(Limiter::new), accounts: limits.per_account.map(Limiter::new) }
    }

    /// Fails if too many requests come from this address.
    pub(crate) fn admit_address(&self, address: Option<IpAddr>) -> Result<(), Problem> {
        match (&self.addresses, address) {
            (Some(limiter), Some(address)) => limiter.admit(&network(address)),
            _ => Ok(()),
        }
    }

    /// Fails if too many requests are for this account.
    pub(crate) fn admit_account(&self, account: &str) -> Result<(), Problem> {
        self.accounts.as_ref().map_or(Ok(()), |limiter| limiter.admit(&account.to_owned()))
    }
}

struct Limiter<K: Clone + Hash + Eq> {
    limiter: RateLimiter<K, HashMapStateStore<K>, DefaultClock>,
    requests: AtomicU32,
}

impl<K: Clone + Hash + Eq> Limiter<K> {
    fn new(per_minute: NonZeroU32) -> Self {
        Self { limiter: RateLimiter::hashmap(Quota::per_minute(per_minute)), requests: AtomicU32::new(0) }
    }

    fn admit(&self, key: &K) -> Result<(), Problem> {
        if self.requests.fetch_add(1, Ordering::Relaxed) % SWEEP == SWEEP - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        self.limiter.check_key(key).map_err(|refused| {
            let wait = refused.wait_time_from(DefaultClock::default().now());
            Problem::slow_down(wait.as_secs() + 1)
        })
    }
}

/// What counts as one address: of IPv6, the network of 64 bits.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & IPV6_NETWORK)),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::{Limiter, SWEEP, Throttle, TokenLimits};

    #[test]
    fn each_network_and_each_account_has_its_own_count() {
        let limits = TokenLimits { per_address: NonZeroU32::new(2), per_account: NonZeroU32::new(1) };
        let throttle = Throttle::new(limits);
        let admits = |address: &str| throttle.admit_address(Some(address.parse().unwrap())).is_ok();
        assert_eq!(["192.0.2.1"; 3].map(admits), [true, true, false]);
        assert!(admits("192.0.2.2"));
        assert_eq!(
            ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::3"].map(admits),
            [true, true, false, true]
        );
        assert!(throttle.admit_address(None).is_ok());
        assert_eq!(["tyler", "tyler", "marla"].map(|name| throttle.admit_account(name).is_ok()), [true, false, true]);
        let anything_goes = Throttle::new(TokenLimits::default());
        assert!((0..1000).all(|_| anything_goes.admit_account("tyler").is_ok()));
    }

    #[test]
    fn those_who_stay_away_are_forgotten() {
        let limiter = Limiter::new(NonZeroU32::MAX);
        for name in 0..SWEEP * 3 {
            assert!(limiter.admit(&name).is_ok());
        }
        assert!(limiter.limiter.len() < usize::try_from(SWEEP).unwrap() * 2, "{}", limiter.limiter.len());
    }
}
