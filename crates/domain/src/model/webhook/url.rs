//! The URL of a webhook.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Where a webhook is sent its events: an absolute URL of `https` or `http`, without user information and fragment. Whether it may be sent anything there, the
/// port [`Destinations`](crate::ports::Destinations) says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl(String);

/// Why a text is no URL of a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookUrlError {
    /// There is none.
    #[error("The URL is required")]
    Missing,
    /// It is too long.
    #[error("The URL must have {} or fewer characters", WebhookUrl::LONGEST)]
    TooLong,
    /// It has another scheme, or none.
    #[error("The URL must begin with https://")]
    Scheme,
    /// It has characters that a URL has only in an escaped form.
    #[error("The URL contains invalid characters")]
    InvalidCharacters,
    /// It has a user name or a password, which would be shown to everybody who reads the webhook.
    #[error("The URL must not contain a user name or a password")]
    UserInformation,
    /// It has a fragment, which is never sent.
    #[error("The URL must not contain a fragment")]
    Fragment,
    /// Its host is neither a name nor an address.
    #[error("The host of the URL is not valid")]
    Host,
    /// Its port is none.
    #[error("The port of the URL is not valid")]
    Port,
}

impl WebhookUrl {
    /// The most characters.
    pub const LONGEST: usize = 2048;

    /// The URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A URL that was stored.
    #[must_use]
    pub fn stored(url: String) -> Self {
        Self(url)
    }

    /// Whether it is of `https`.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https:")
    }
}

impl TryFrom<String> for WebhookUrl {
    type Error = WebhookUrlError;

    fn try_from(text: String) -> Result<Self, WebhookUrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(WebhookUrlError::Missing);
        }
        if text.len() > Self::LONGEST {
            return Err(WebhookUrlError::TooLong);
        }
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte);
        if !text.bytes().all(is_allowed) {
            return Err(WebhookUrlError::InvalidCharacters);
        }
        let (scheme, rest) = text.split_once("://").ok_or(WebhookUrlError::Scheme)?;
        let scheme = scheme.to_ascii_lowercase();
        if !matches!(scheme.as_str(), "http" | "https") {
            return Err(WebhookUrlError::Scheme);
        }
        if rest.contains('#') {
            return Err(WebhookUrlError::Fragment);
        }
        let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(WebhookUrlError::UserInformation);
        }
        check_authority(authority)?;
        Ok(Self(format!("{scheme}://{authority}{path}")))
    }
}

fn check_authority(authority: &str) -> Result<(), WebhookUrlError> {
    let bracketed = authority.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    let (is_host, port) = if let Some((address, port)) = bracketed {
        (address.parse::<Ipv6Addr>().is_ok(), port)
    } else {
        let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
        (is_host(host), port)
    };
    if !is_host {
        return Err(WebhookUrlError::Host);
    }
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0);
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(()),
        Some(port) if is_port(port) => Ok(()),
        _ => Err(WebhookUrlError::Port),
    }
}

/// Whether it is a name or an IPv4 address. What resolvers take for an address in another form (`127.1`, `0x7f000001`, `2130706433`) is neither.
fn is_host(host: &str) -> bool {
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().next().is_some_and(|byte| byte.is_ascii_digit());
    name.len() <= 253
        && name.split('.').all(is_label)
        && (!is_number || (host.len() == name.len() && name.parse::<Ipv4Addr>().is_ok()))
}

impl fmt::Display for WebhookUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{WebhookUrl, WebhookUrlError as E};

    #[test]
    fn a_url_has_a_scheme_a_host_and_nothing_that_readers_could_misunderstand() {
        let long = format!("https://a.example/{}", "a".repeat(2048));
        for (text, expected) in [
            ("https://hooks.example.com/in?token=1", Ok("https://hooks.example.com/in?token=1")),
            (" HTTP://Hooks.example.com:8080 ", Ok("http://Hooks.example.com:8080")),
            ("https://192.0.2.1/", Ok("https://192.0.2.1/")),
            ("https://[2001:db8::1]:8443/x", Ok("https://[2001:db8::1]:8443/x")),
            ("https://xn--bcher-kva.example.", Ok("https://xn--bcher-kva.example.")),
            ("", Err(E::Missing)),
            (long.as_str(), Err(E::TooLong)),
            ("hooks.example.com", Err(E::Scheme)),
            ("ftp://hooks.example.com", Err(E::Scheme)),
            ("https://hooks.example.com/a b", Err(E::InvalidCharacters)),
            ("https://hooks.example.com/\r\nHost:x", Err(E::InvalidCharacters)),
            ("https://b\u{fc}cher.example", Err(E::InvalidCharacters)),
            ("https://hooks.example.com\\@127.0.0.1/", Err(E::InvalidCharacters)),
            ("https://user:password@hooks.example.com", Err(E::UserInformation)),
            ("https://hooks.example.com/#part", Err(E::Fragment)),
            ("https://", Err(E::Host)),
            ("https:///path", Err(E::Host)),
            ("https://a..example", Err(E::Host)),
            ("https://127.1/", Err(E::Host)),
            ("https://2130706433/", Err(E::Host)),
            ("https://0x7f.0.0.1/", Err(E::Host)),
            ("https://0x7f000001/", Err(E::Host)),
            ("https://0177.0.0.01/", Err(E::Host)),
            ("https://127.0.0.1./", Err(E::Host)),
            ("https://[::1/", Err(E::Host)),
            ("https://[fe80::1%25eth0]/", Err(E::Host)),
            ("https://hooks.example.com:0/", Err(E::Port)),
            ("https://hooks.example.com:65536/", Err(E::Port)),
            ("https://hooks.example.com:+1/", Err(E::Port)),
            ("https://[::1]x/", Err(E::Port)),
        ] {
            let url = WebhookUrl::try_from(text.to_owned());
            assert_eq!(url.as_ref().map(WebhookUrl::as_str), expected.as_ref().copied(), "{text}");
        }
    }
}
