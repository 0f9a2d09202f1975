//! Where webhooks may be.

use std::net::IpAddr;

use guildhall_domain::ports::{DestinationError, Destinations};
use guildhall_domain::webhook::WebhookUrl;
use http::Uri;
use ipnet::IpNet;

use crate::addresses::{canonical, is_public};

/// Where webhooks may be: at public addresses, and in networks that are allowed.
#[derive(Clone, Debug, Default)]
pub struct DestinationRules {
    /// Whether what is sent need not be encrypted.
    pub allow_http: bool,
    /// Networks that are not public, and to which it may be sent all the same.
    pub allowed_networks: Vec<IpNet>,
}

impl DestinationRules {
    /// Whether anything may be sent to this address.
    #[must_use]
    pub fn permits(&self, address: IpAddr) -> bool {
        let canonical = canonical(address);
        is_public(address) || self.allowed_networks.iter().any(|network| network.contains(&canonical))
    }
}

impl Destinations for DestinationRules {
    fn check(&self, url: &WebhookUrl) -> Result<(), DestinationError> {
        if !self.allow_http && !url.is_https() {
            return Err(DestinationError::NotEncrypted);
        }
        // Read as it is read when it is sent to.
        let uri: Uri = url.as_str().parse().map_err(|_| DestinationError::Invalid)?;
        let host = uri.host().ok_or(DestinationError::Invalid)?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        match bare.parse::<IpAddr>() {
            Ok(address) if !self.permits(address) => Err(DestinationError::NotPublic(address)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rules: &DestinationRules, url: &str) -> Result<(), DestinationError> {
        rules.check(&WebhookUrl::try_from(url.to_owned()).expect("a URL"))
    }

    #[test]
    fn addresses_in_urls_are_public_or_allowed() {
        let strict = DestinationRules::default();
        for (url, refused) in [
            ("https://hooks.example/", None),
            ("https://8.8.8.8/", None),
            ("https://127.0.0.1:8443/", Some("127.0.0.1")),
            ("https://[::1]/", Some("::1")),
            ("https://[::ffff:10.0.0.1]/", Some("::ffff:10.0.0.1")),
            ("https://169.254.169.254/latest", Some("169.254.169.254")),
            // Where it leads is looked at when it is resolved.
            ("https://localhost/", None),
        ] {
            let expected = refused.map(|address| DestinationError::NotPublic(address.parse().expect("an address")));
            assert_eq!(check(&strict, url), expected.map_or(Ok(()), Err), "{url}");
        }
        assert_eq!(check(&strict, "http://hooks.example/"), Err(DestinationError::NotEncrypted));
        let networks = ["10.1.0.0/16", "fd00::/8"].map(|network| network.parse().expect("a network"));
        let open = DestinationRules { allow_http: true, allowed_networks: networks.to_vec() };
        for (url, is_allowed) in [
            ("http://10.1.2.3/", true),
            ("http://[::ffff:10.1.2.3]/", true),
            ("http://[64:ff9b::10.1.2.3]/", true),
            ("http://[fd12::1]/", true),
            ("http://10.2.2.3/", false),
            ("http://[fe80::1]/", false),
        ] {
            assert_eq!(check(&open, url).is_ok(), is_allowed, "{url}");
        }
    }
}
