//! From which address a request comes, also through proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of whoever sent the request. What headers say of it counts only as far as proxies in `trusted` wrote it.
pub(crate) fn client_address(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = request.peer_addr()?.ip().to_canonical();
    Some(behind(peer, request.headers(), trusted))
}

/// What stands for the client where clients are counted: of IPv6, the network of 64 bits, which has as many addresses as it
/// likes.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

/// A proxy keeps one of the two headers and may pass the other one on as the client made it up: where they disagree, neither
/// is believed.
fn behind(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let listed = |name: HeaderName, address: fn(&str) -> Option<IpAddr>| {
        let values = headers.get_all(name).filter_map(|value| value.to_str().ok());
        let addresses: Vec<_> = values.flat_map(|value| split(value, ',')).map(|entry| address(&entry)).collect();
        (!addresses.is_empty()).then(|| first_untrusted(peer, &addresses, trusted))
    };
    match (listed(FORWARDED, forwarded_for), listed(X_FORWARDED_FOR, address)) {
        (Some(one), Some(other)) if one != other => peer,
        (Some(client), _) | (None, Some(client)) => client,
        (None, None) => peer,
    }
}

/// Each proxy adds the address that it was called from at the end, so from there on the first one that is no trusted proxy's
/// is the client's.
fn first_untrusted(peer: IpAddr, addresses: &[Option<IpAddr>], trusted: &[IpNet]) -> IpAddr {
    let mut client = peer;
    for address in addresses.iter().rev() {
        if !trusted.iter().any(|network| network.contains(&client)) {
            break;
        }
        let Some(address) = address else { break };
        client = *address;
    }
    client
}

/// The `for` parameter of an element of `Forwarded` (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let parameters = split(element, ';');
    let node = parameters.iter().filter_map(|parameter| parameter.split_once('='));
    let (_, node) = node.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    address(node.trim().trim_matches('"'))
}

/// An address, with or without a port, brackets and quotes.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

/// The parts between separators that stand in no quotes.
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

    use super::behind;

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
