//! The public base URL of the service.

use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::Api;
use crate::extract::client_address::comes_by_https;
use crate::server::connection::Connection;
use crate::server::transport::Peer;

/// The base URL for the client of `request`, without a slash at its end: the configured one, otherwise the local address of the
/// connection with the path prefix. `Host` is used only if it names that address, because clients can forge it.
pub(crate) fn public_url(api: &Api, request: &HttpRequest) -> String {
    if let Some(url) = &api.public_url {
        return url.to_string();
    }
    let connection = Connection::of(request);
    let peer = Peer::of(request);
    let is_tls = connection.as_ref().is_some_and(Connection::is_tls);
    let is_https = is_tls || comes_by_https(peer, request.headers(), &api.trusted_proxies);
    let scheme = if is_https { "https" } else { "http" };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let own_port = if is_tls { 443 } else { 80 };
    match (peer, connection.as_ref().and_then(Connection::local)) {
        (_, Some(local)) => format!("{scheme}://{}{}", authority(local, host, own_port), api.path_prefix),
        // A Unix socket has no name that a URL could have.
        (Peer::UnixSocket, None) => format!("{scheme}://localhost{}", api.path_prefix),
        (_, None) => format!("{scheme}://{}{}", request.app_config().host(), api.path_prefix),
    }
}

/// `host`, if it names `local`; otherwise `local` itself. `implied` is the port that a URL need not say.
fn authority(local: SocketAddr, host: Option<&str>, implied: u16) -> String {
    let own = SocketAddr::new(local.ip().to_canonical(), local.port());
    host.filter(|host| names(host, own, implied)).map_or_else(|| own.to_string(), str::to_ascii_lowercase)
}

/// Whether `host` is the address `own`, or `localhost` with its port if `own` is a loopback address.
fn names(host: &str, own: SocketAddr, implied: u16) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().ok()),
        _ => (host, Some(implied)),
    };
    let bare = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    let is_own = bare.parse::<IpAddr>().is_ok_and(|address| address.to_canonical() == own.ip());
    port == Some(own.port()) && (is_own || (own.ip().is_loopback() && name.eq_ignore_ascii_case("localhost")))
}

#[cfg(test)]
mod tests {
    use super::authority;

    #[test]
    fn a_host_is_shown_only_if_it_is_ours() {
        assert_eq!(authority("127.0.0.1:443".parse().unwrap(), Some("localhost"), 443), "localhost");
        assert_eq!(authority("127.0.0.1:80".parse().unwrap(), Some("localhost"), 443), "127.0.0.1:80");
        for (local, host, expected) in [
            ("127.0.0.1:8080", None, "127.0.0.1:8080"),
            ("127.0.0.1:8080", Some("127.0.0.1:8080"), "127.0.0.1:8080"),
            ("127.0.0.1:8080", Some("LocalHost:8080"), "localhost:8080"),
            ("127.0.0.1:8080", Some("localhost:8081"), "127.0.0.1:8080"),
            ("127.0.0.1:8080", Some("localhost"), "127.0.0.1:8080"),
            ("127.0.0.1:80", Some("localhost"), "localhost"),
            ("[::1]:8080", Some("localhost:8080"), "localhost:8080"),
            ("[::1]:8080", Some("[::1]:8080"), "[::1]:8080"),
            ("[::1]:80", Some("[::1]"), "[::1]"),
            ("[::ffff:192.0.2.1]:8080", Some("192.0.2.1:8080"), "192.0.2.1:8080"),
            ("192.0.2.1:8080", Some("localhost:8080"), "192.0.2.1:8080"),
            ("192.0.2.1:8080", Some("evil.example:8080"), "192.0.2.1:8080"),
            ("192.0.2.1:8080", Some("192.0.2.1:8080.evil.example"), "192.0.2.1:8080"),
            ("192.0.2.1:8080", Some("192.0.2.1:8080@evil.example"), "192.0.2.1:8080"),
            ("192.0.2.1:8080", Some("evil.example/192.0.2.1:8080"), "192.0.2.1:8080"),
            ("192.0.2.1:8080", Some(""), "192.0.2.1:8080"),
        ] {
            assert_eq!(authority(local.parse().unwrap(), host, 80), expected, "{local} {host:?}");
        }
    }
}
