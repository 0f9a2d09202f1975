//! The checks of a token's header.

const MEDIA_TYPE_PREFIX: &str = "application/";

/// Whether a `typ` header is that of an access token: `JWT` or `at+jwt` (RFC 7519, section 5.1, and RFC 9068, section 2.1).
pub(crate) fn is_access_token_type(typ: &str) -> bool {
    let subtype = match typ.split_at_checked(MEDIA_TYPE_PREFIX.len()) {
        Some((prefix, rest)) if prefix.eq_ignore_ascii_case(MEDIA_TYPE_PREFIX) => rest,
        _ => typ,
    };
    subtype.eq_ignore_ascii_case("JWT") || subtype.eq_ignore_ascii_case("at+jwt")
}
