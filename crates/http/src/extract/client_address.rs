//! The client address of a request, also through proxies.

use std::mem;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_PROTO};
use ipnet::IpNet;

use crate::server::transport::Peer;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client. `Forwarded` and `X-Forwarded-For` count only as far as proxies in `trusted` wrote them.
pub(crate) fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    address_of(Peer::of(request), request.headers(), trusted)
}

/// The client address of a request with these headers on a connection from `peer`. What a Unix socket brings is known by its headers alone.
pub(crate) fn address_of(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    behind(Writer::of(peer, trusted)?, headers, trusted)
}

/// Whether the client used HTTPS, according to the headers of trusted proxies. If they disagree, it did not.
pub(crate) fn comes_by_https(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let Some(peer) = Writer::of(peer, trusted).filter(|peer| peer.is_trusted) else {
        return false;
    };
    let elements = listed(headers, &FORWARDED);
    let addresses: Vec<_> = elements.iter().map(|element| forwarded_for(element)).collect();
    let hops = trusted_hops(peer, &addresses, trusted);
    // Each proxy appends an element, so the first trusted proxy's is this many from the end.
    let forwarded = elements.iter().rev().nth(hops.saturating_sub(1)).and_then(|element| parameter(element, "proto"));
    let schemes = listed(headers, &X_FORWARDED_PROTO);
    let is_https = |scheme: &String| scheme.trim().eq_ignore_ascii_case("https");
    match (forwarded, schemes.as_slice()) {
        (None, []) => false,
        (Some(scheme), schemes) => is_https(&scheme) && schemes.iter().all(is_https),
        (None, schemes) => schemes.iter().all(is_https),
    }
}

/// Whoever wrote the last entries of the forwarding headers.
#[derive(Clone, Copy)]
struct Writer {
    address: Option<IpAddr>,
    is_trusted: bool,
}

impl Writer {
    /// A Unix socket is opened only by those who may, so its other side is trusted as a proxy is.
    fn of(peer: Peer, trusted: &[IpNet]) -> Option<Self> {
        match peer {
            Peer::Address(address) => {
                let address = address.ip().to_canonical();
                Some(Self { address: Some(address), is_trusted: is_in(address, trusted) })
            }
            Peer::UnixSocket => Some(Self { address: None, is_trusted: true }),
            Peer::Unknown => None,
        }
    }
}

/// The key under which clients are counted: an IPv4 address, or the /64 network of an IPv6 address, because one client may have
/// all addresses of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// The client address behind `peer`. A proxy sets one of the two headers and may pass on the other as a client forged it: if
/// they disagree, neither counts.
fn behind(peer: Writer, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let said = |name: HeaderName, address: fn(&str) -> Option<IpAddr>| {
        let addresses: Vec<_> = listed(headers, &name).iter().map(|entry| address(entry)).collect();
        (!addresses.is_empty()).then(|| first_untrusted(peer, &addresses, trusted))
    };
    match (said(FORWARDED, forwarded_for), said(X_FORWARDED_FOR, address)) {
        (Some(one), Some(other)) if one != other => peer.address,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer.address,
    }
}

/// The last address that is not a trusted proxy's. Each proxy appends the address of its own client.
fn first_untrusted(peer: Writer, addresses: &[Option<IpAddr>], trusted: &[IpNet]) -> Option<IpAddr> {
    let hops = trusted_hops(peer, addresses, trusted);
    let client = hops.checked_sub(1).and_then(|last| addresses.iter().rev().nth(last).copied().flatten());
    client.or(peer.address)
}

/// How many addresses at the end of `addresses` were written by trusted proxies.
fn trusted_hops(peer: Writer, addresses: &[Option<IpAddr>], trusted: &[IpNet]) -> usize {
    let mut is_trusted = peer.is_trusted;
    let written = addresses
        .iter()
        .rev()
        .take_while(|address| address.is_some_and(|address| mem::replace(&mut is_trusted, is_in(address, trusted))));
    written.count()
}

fn is_in(address: IpAddr, networks: &[IpNet]) -> bool {
    networks.iter().any(|network| network.contains(&address))
}

/// The entries of a list header.
fn listed(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
    values.flat_map(|value| split(value, ',')).collect()
}

/// The `for` parameter of an element of `Forwarded` (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    address(&parameter(element, "for")?)
}

/// The value of the parameter `wanted` of an element of `Forwarded`.
fn parameter(element: &str, wanted: &str) -> Option<String> {
    let parameters = split(element, ';');
    let mut named = parameters.iter().filter_map(|parameter| parameter.split_once('='));
    let (_, value) = named.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// An address, with or without a port, brackets and quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// Splits at separators outside quotes.
fn split(text: &str, separator: char) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    for character in text.chars() {
        if character == separator && !is_quoted {
            parts.push(String::new());
            continue;
        }
        is_quoted ^= character == '"' && !is_escaped;
        is_escaped = is_quoted && character == '\\' && !is_escaped;
        if let Some(part) = parts.last_mut() {
            part.push(character);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{address_of, comes_by_https};
    use crate::server::transport::Peer;

    #[test]
    fn only_trusted_proxies_say_that_a_connection_is_encrypted() {
        const PROXY: &str = "10.0.0.1:5000";
        for (peer, headers, expected) in [
            (PROXY, &[][..], false),
            ("192.0.2.9:5000", &[("x-forwarded-proto", "https")], false),
            ("192.0.2.9:5000", &[("forwarded", "for=192.0.2.9;proto=https")], false),
            (PROXY, &[("x-forwarded-proto", "https")], true),
            (PROXY, &[("x-forwarded-proto", "HTTPS")], true),
            (PROXY, &[("x-forwarded-proto", "http")], false),
            (PROXY, &[("x-forwarded-proto", "https, http")], false),
            (PROXY, &[("forwarded", "for=198.51.100.7;proto=https")], true),
            (PROXY, &[("forwarded", "for=198.51.100.7;proto=http")], false),
            (PROXY, &[("forwarded", "for=6.6.6.6;proto=https, for=198.51.100.7;proto=http")], false),
            (PROXY, &[("forwarded", "for=198.51.100.7;proto=https, for=10.0.0.2;proto=http")], true),
            (PROXY, &[("forwarded", "proto=https")], true),
            (PROXY, &[("forwarded", "for=198.51.100.7;proto=http"), ("x-forwarded-proto", "https")], false),
            (PROXY, &[("forwarded", "for=198.51.100.7;proto=https"), ("x-forwarded-proto", "http")], false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            let is_https = comes_by_https(Peer::Address(peer.parse().unwrap()), &map, &trusted);
            assert_eq!(is_https, expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        const PEER: &str = "10.0.0.1";
        for (peer, headers, expected) in [
            (PEER, &[][..], PEER),
            ("192.0.2.9", &[("x-forwarded-for", "198.51.100.7")], "192.0.2.9"),
            (PEER, &[("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
            (PEER, &[("x-forwarded-for", "6.6.6.6, 198.51.100.7")], "198.51.100.7"),
            (PEER, &[("x-forwarded-for", "6.6.6.6, 198.51.100.7, 10.0.0.2")], "198.51.100.7"),
            (PEER, &[("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "10.0.0.3")], "198.51.100.7"),
            (PEER, &[("x-forwarded-for", "198.51.100.7:443")], "198.51.100.7"),
            (PEER, &[("x-forwarded-for", "2001:db8::1")], "2001:db8::1"),
            (PEER, &[("x-forwarded-for", "::ffff:198.51.100.7")], "198.51.100.7"),
            (PEER, &[("x-forwarded-for", "6.6.6.6, unknown")], PEER),
            (PEER, &[("x-forwarded-for", "10.0.0.2, 10.0.0.3")], "10.0.0.2"),
            (PEER, &[("forwarded", "for=198.51.100.7")], "198.51.100.7"),
            (PEER, &[("forwarded", "For=\"[2001:db8::1]:4711\";proto=https")], "2001:db8::1"),
            (PEER, &[("forwarded", "for=6.6.6.6, proto=http;for=198.51.100.7;by=\"a,b;for=7.7.7.7\"")], "198.51.100.7"),
            (PEER, &[("forwarded", "for=_hidden")], PEER),
            (PEER, &[("forwarded", "")], PEER),
            (PEER, &[("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "198.51.100.7")], PEER),
            (PEER, &[("forwarded", "for=198.51.100.7"), ("x-forwarded-for", "198.51.100.7")], "198.51.100.7"),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            let peer = Peer::Address(format!("{peer}:5000").parse().unwrap());
            let address = address_of(peer, &map, &trusted).unwrap();
            assert_eq!(address.to_string(), expected, "{peer:?} {headers:?}");
        }
    }

    #[test]
    fn the_other_side_of_a_unix_socket_is_believed_and_has_no_address_of_its_own() {
        for (headers, address, is_https) in [
            (&[][..], None, false),
            (&[("x-forwarded-for", "198.51.100.7")], Some("198.51.100.7"), false),
            (
                &[("x-forwarded-for", "6.6.6.6, 198.51.100.7"), ("x-forwarded-proto", "https")],
                Some("198.51.100.7"),
                true,
            ),
            (&[("x-forwarded-for", "198.51.100.7, 10.0.0.2")], Some("198.51.100.7"), false),
            (&[("forwarded", "for=198.51.100.7;proto=https")], Some("198.51.100.7"), true),
            (&[("forwarded", "for=6.6.6.6"), ("x-forwarded-for", "198.51.100.7")], None, false),
            (&[("x-forwarded-for", "unknown")], None, false),
        ] {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(address_of(Peer::UnixSocket, &map, &trusted), expected, "{headers:?}");
            assert_eq!(comes_by_https(Peer::UnixSocket, &map, &trusted), is_https, "{headers:?}");
            assert_eq!(address_of(Peer::Unknown, &map, &trusted), None, "{headers:?}");
            assert!(!comes_by_https(Peer::Unknown, &map, &trusted), "{headers:?}");
        }
    }
}
