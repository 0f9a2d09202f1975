//! The client address of a request, also through proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_PROTO};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client. `Forwarded` and `X-Forwarded-For` count only as far as proxies in `trusted` wrote them.
pub(crate) fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    Some(address_of(request.peer_addr()?, request.headers(), trusted))
}

/// The client address of a request with these headers on a connection from `peer`.
pub(crate) fn address_of(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    behind(peer.ip().to_canonical(), headers, trusted)
}

/// Whether the client used HTTPS, according to the headers of trusted proxies. If they disagree, it did not.
pub(crate) fn comes_by_https(peer: Option<SocketAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let Some(peer) = peer.map(|peer| peer.ip().to_canonical()).filter(|peer| is_in(*peer, trusted)) else {
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
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let said = |name: HeaderName, address: fn(&str) -> Option<IpAddr>| {
        let addresses: Vec<_> = listed(headers, &name).iter().map(|entry| address(entry)).collect();
        (!addresses.is_empty()).then(|| first_untrusted(peer, &addresses, trusted))
    };
    match (said(FORWARDED, forwarded_for), said(X_FORWARDED_FOR, address)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

/// The last address that is not a trusted proxy's. Each proxy appends the address of its own client.
fn first_untrusted(peer: IpAddr, addresses: &[Option<IpAddr>], trusted: &[IpNet]) -> IpAddr {
    let hops = trusted_hops(peer, addresses, trusted);
    let client = hops.checked_sub(1).and_then(|last| addresses.iter().rev().nth(last).copied().flatten());
    client.unwrap_or(peer)
}

/// How many addresses at the end of `addresses` were written by trusted proxies.
fn trusted_hops(peer: IpAddr, addresses: &[Option<IpAddr>], trusted: &[IpNet]) -> usize {
    let mut writer = peer;
    let written = addresses.iter().rev().take_while(|address| {
        let is_trusted = is_in(writer, trusted);
        address.is_some_and(|address| {
            writer = address;
            is_trusted
        })
    });
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

    use super::{behind, comes_by_https};

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
            let is_https = comes_by_https(Some(peer.parse().unwrap()), &map, &trusted);
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
            let address = behind(peer.parse().unwrap(), &map, &trusted);
            assert_eq!(address.to_string(), expected, "{peer} {headers:?}");
        }
    }
}
