//! A cache of verified tokens, so that each signature is verified once.

use std::sync::Arc;

use guildhall_domain::external::ExternalIdentity;
use guildhall_domain::ports::Bearer;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use super::validity::Validity;
use crate::digest::sha256;

/// The most tokens in the cache.
const MAX_TOKENS: usize = 10_000;
/// The weight of a token with few claims: a little more than the bytes it takes in memory. `MAX_TOKENS` such tokens fill the
/// cache; of tokens with many claims fewer fit.
const MIN_WEIGHT: u64 = 1_600;
/// The memory that a string takes besides its own bytes.
const STRING_OVERHEAD: usize = 64;

/// Verified tokens, by their SHA-256. So a dump of the memory contains no tokens, and a token that differs in one bit is not
/// found.
pub(crate) struct TokenCache(Cache<[u8; 32], Arc<CachedToken>, CachedWeight>);

/// Whom a verified token stands for.
#[derive(Debug)]
pub(crate) struct CachedToken {
    pub(crate) bearer: Bearer,
    pub(crate) validity: Validity,
    /// The generation of keys by which it was verified.
    generation: u64,
    weight: u64,
}

#[derive(Clone)]
struct CachedWeight;

impl TokenCache {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(MAX_TOKENS, MAX_TOKENS as u64 * MIN_WEIGHT, CachedWeight))
    }

    /// Finds `token` if it was verified in this generation of keys. The caller must check that it is valid at present.
    pub(crate) fn find(&self, token: &str, generation: u64) -> Option<Arc<CachedToken>> {
        self.0.get(&sha256(token.as_bytes())).filter(|cached| cached.generation == generation)
    }

    /// Adds a token that was verified in this generation of keys. A token that is heavier than the cache is not added.
    pub(crate) fn insert(&self, token: &str, generation: u64, bearer: Bearer, validity: Validity) {
        let weight = weight(&bearer);
        self.0.insert(sha256(token.as_bytes()), Arc::new(CachedToken { bearer, validity, generation, weight }));
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Removes a token that has expired.
    pub(crate) fn remove(&self, token: &str) {
        self.0.remove(&sha256(token.as_bytes()));
    }
}

impl Weighter<[u8; 32], Arc<CachedToken>> for CachedWeight {
    fn weight(&self, _: &[u8; 32], cached: &Arc<CachedToken>) -> u64 {
        cached.weight
    }
}

fn weight(bearer: &Bearer) -> u64 {
    let Bearer::External(identity) = bearer else { return MIN_WEIGHT };
    let ExternalIdentity { subject, link_name, names, email, first_name, last_name, groups, .. } = &**identity;
    let texts = [link_name, email, first_name, last_name].into_iter().flatten().chain(names).chain([subject]);
    let bytes: usize = texts.chain(groups.iter().flatten()).map(|text| text.len() + STRING_OVERHEAD).sum();
    MIN_WEIGHT.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use guildhall_domain::access::Scopes;
    use guildhall_domain::external::{ExternalIdentity, Trust};
    use guildhall_domain::ports::Bearer;
    use guildhall_domain::time::Timestamp;

    use super::{MAX_TOKENS, MIN_WEIGHT, TokenCache};
    use crate::jwt::validity::Validity;

    const VALIDITY: Validity = Validity { not_before: 0, expires: 1 };

    fn in_groups(count: usize) -> Bearer {
        Bearer::External(Box::new(ExternalIdentity {
            provider: "elsewhere".to_owned(),
            issuer: "https://id.example".to_owned(),
            subject: "tyler".to_owned(),
            link_name: None,
            names: Vec::new(),
            email: None,
            first_name: None,
            last_name: None,
            groups: Some((0..count).map(|number| number.to_string()).collect::<BTreeSet<_>>()),
            scopes: Scopes::all(),
            issued: Timestamp::from_milliseconds(0),
            trust: Trust::default(),
        }))
    }

    #[test]
    fn memory_is_bounded_by_what_the_tokens_say() {
        for (groups, most) in [(0, MAX_TOKENS), (2_000, MAX_TOKENS / 80)] {
            let cache = TokenCache::new();
            for number in 0..2 * most {
                cache.insert(&number.to_string(), 0, in_groups(groups), VALIDITY);
            }
            let (kept, weight) = (cache.0.len(), cache.0.weight());
            assert!(most / 2 < kept && kept <= most, "{kept} with {groups} groups");
            assert!(weight <= MAX_TOKENS as u64 * MIN_WEIGHT, "{weight}");
        }
    }

    #[test]
    fn what_was_verified_in_one_key_generation_is_not_found_in_the_next() {
        let cache = TokenCache::new();
        cache.insert("a", 0, in_groups(0), VALIDITY);
        assert!(cache.find("a", 0).is_some());
        assert!(cache.find("a", 1).is_none());
        assert!(cache.find("b", 0).is_none());
        cache.remove("a");
        assert!(cache.find("a", 0).is_none());
    }
}
