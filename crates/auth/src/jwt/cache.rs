//! Tokens that were verified, so that each signature is looked at once.

use std::sync::Arc;

use guildhall_domain::foreign::ForeignIdentity;
use guildhall_domain::ports::Bearer;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::jwt::validity::Validity;
use crate::secrets::sha256;

/// The most tokens that are remembered.
const MOST: usize = 10_000;
/// What a token weighs that says little, in bytes, and a little more than it takes. So `MOST` of them fit, and fewer where they
/// say much.
const LEAST_WEIGHT: u64 = 1_600;
/// What a text takes beyond its own bytes.
const PER_TEXT: usize = 64;

/// Valid tokens, by their SHA-256: nobody who reads the memory finds a token there, and a token that differs in one bit is
/// another one.
pub(crate) struct Remembered(Cache<[u8; 32], Arc<Known>, Weight>);

/// What a valid token says.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) bearer: Bearer,
    pub(crate) validity: Validity,
    /// The era in which it was verified.
    era: u64,
    weight: u64,
}

#[derive(Clone)]
struct Weight;

impl Remembered {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(MOST, MOST as u64 * LEAST_WEIGHT, Weight))
    }

    /// What `token` says, if it was verified in this era. Whether now is its time is for the caller to check.
    pub(crate) fn find(&self, token: &str, era: u64) -> Option<Arc<Known>> {
        self.0.get(&sha256(token.as_bytes())).filter(|known| known.era == era)
    }

    /// Keeps what a token says that was verified in this era. One that says too much is not kept.
    pub(crate) fn keep(&self, token: &str, era: u64, bearer: Bearer, validity: Validity) {
        let weight = weight(&bearer);
        self.0.insert(sha256(token.as_bytes()), Arc::new(Known { bearer, validity, era, weight }));
    }

    /// Forgets a token whose time is over.
    pub(crate) fn forget(&self, token: &str) {
        self.0.remove(&sha256(token.as_bytes()));
    }
}

impl Weighter<[u8; 32], Arc<Known>> for Weight {
    fn weight(&self, _: &[u8; 32], known: &Arc<Known>) -> u64 {
        known.weight
    }
}

fn weight(bearer: &Bearer) -> u64 {
    let Bearer::Foreign(identity) = bearer else { return LEAST_WEIGHT };
    let ForeignIdentity { subject, link_name, names, email, first_name, last_name, groups, .. } = &**identity;
    let texts = [link_name, email, first_name, last_name].into_iter().flatten().chain(names).chain([subject]);
    let bytes: usize = texts.chain(groups.iter().flatten()).map(|text| text.len() + PER_TEXT).sum();
    LEAST_WEIGHT.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use guildhall_domain::access::Scopes;
    use guildhall_domain::foreign::{ForeignIdentity, Trust};
    use guildhall_domain::ports::Bearer;
    use guildhall_domain::time::Timestamp;

    use super::{LEAST_WEIGHT, MOST, Remembered};
    use crate::jwt::validity::Validity;

    const VALIDITY: Validity = Validity { not_before: 0, expires: 1 };

    fn in_groups(count: usize) -> Bearer {
        Bearer::Foreign(Box::new(ForeignIdentity {
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
        for (groups, most) in [(0, MOST), (2_000, MOST / 80)] {
            let remembered = Remembered::new();
            for number in 0..2 * most {
                remembered.keep(&number.to_string(), 0, in_groups(groups), VALIDITY);
            }
            let (kept, weight) = (remembered.0.len(), remembered.0.weight());
            assert!(most / 2 < kept && kept <= most, "{kept} with {groups} groups");
            assert!(weight <= MOST as u64 * LEAST_WEIGHT, "{weight}");
        }
    }

    #[test]
    fn what_was_verified_in_one_era_is_not_found_in_the_next() {
        let remembered = Remembered::new();
        remembered.keep("a", 0, in_groups(0), VALIDITY);
        assert!(remembered.find("a", 0).is_some());
        assert!(remembered.find("a", 1).is_none());
        assert!(remembered.find("b", 0).is_none());
        remembered.forget("a");
        assert!(remembered.find("a", 0).is_none());
    }
}
