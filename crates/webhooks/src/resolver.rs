//! Names to addresses. What may not be sent to is refused here, at the moment of connecting: a name may have led elsewhere before.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::rules::DestinationRules;

/// Resolves names by another resolver, and leaves out the addresses that the rules do not permit.
#[derive(Debug)]
pub(crate) struct GuardedResolver<R> {
    pub(crate) names: R,
    pub(crate) rules: Arc<DestinationRules>,
}

/// The host has no address that may be sent to.
#[derive(Debug)]
struct NotPermitted(IpAddr);

impl std::fmt::Display for NotPermitted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "the host leads to {}, which is no public address", self.0)
    }
}

impl std::error::Error for NotPermitted {}

impl<R: Resolver> Resolver for GuardedResolver<R> {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.names.resolve(uri, config, timeout)?;
        let mut permitted = self.empty();
        for address in found.iter().filter(|address| self.rules.permits(address.ip())) {
            permitted.push(*address);
        }
        match found.first() {
            Some(first) if permitted.is_empty() => {
                Err(io::Error::new(io::ErrorKind::PermissionDenied, NotPermitted(first.ip())).into())
            }
            _ => Ok(permitted),
        }
    }
}
