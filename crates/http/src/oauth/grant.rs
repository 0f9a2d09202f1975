//! Parsing token requests (RFC 6749, and contract 2.1).

use std::collections::HashMap;
use std::iter;

use actix_web::http::header::{self, HeaderMap};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use guildhall_domain::access::Scopes;
use guildhall_domain::identifier::parse_guid;
use percent_encoding::percent_decode_str;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::extract::form::pairs;
use crate::respond::problem::Problem;

/// The largest form in bytes, several times what clients send.
pub(crate) const LONGEST_FORM: usize = 16 * 1024;

/// The credentials of a token request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Grant {
    /// The id and the secret of an API key.
    Client {
        id: String,
        secret: ClientSecret,
    },
    Password {
        username: String,
        password: String,
    },
    Refresh {
        token: String,
    },
}

/// The secret of a client. In HTTP Basic it is form-encoded (RFC 6749, section 2.3.1), but many clients send it as it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientSecret {
    decoded: String,
    /// The secret as it was sent, if that is another text.
    as_sent: Option<String>,
}

impl ClientSecret {
    /// The texts of which one must be the secret: one or two, whatever the secret is.
    pub(crate) fn readings(&self) -> impl Iterator<Item = &str> {
        iter::once(&self.decoded).chain(&self.as_sent).map(String::as_str)
    }
}

impl Grant {
    /// The username or the client id.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Client { id: name, .. } | Self::Password { username: name, .. } => Some(name),
            Self::Refresh { .. } => None,
        }
    }
}

/// A request for a token (RFC 6749, sections 4.3, 4.4 and 6).
#[derive(ToSchema)]
#[expect(dead_code, reason = "its fields only describe what `TokenRequest::read` reads")]
#[schema(examples(json!({ "grant_type": "password", "username": "t.durden@fightclub.com", "password": "F1ghtC1ub1234!" })))]
pub(crate) struct TokenForm {
    grant_type: GrantType,
    /// Separated by spaces. Without any, all; unknown ones are left out.
    scope: Option<String>,
    /// A username or an email address.
    username: Option<String>,
    #[schema(format = Password)]
    password: Option<String>,
    refresh_token: Option<String>,
    /// The id of an API key. It and the secret may come by HTTP Basic too.
    client_id: Option<Uuid>,
    #[schema(format = Password)]
    client_secret: Option<String>,
}

#[derive(ToSchema)]
#[expect(dead_code, reason = "only its description is used")]
#[schema(rename_all = "snake_case")]
enum GrantType {
    ClientCredentials,
    ContensisClassic,
    ContensisClassicRefreshToken,
    Password,
    RefreshToken,
}

/// A parsed token request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TokenRequest {
    pub(crate) grant: Grant,
    pub(crate) scopes: Scopes,
}

impl TokenRequest {
    /// Parses a form. The id and the secret of a client may be in `Authorization` instead.
    pub(crate) fn read(form: &[u8], headers: &HeaderMap) -> Result<Self, Problem> {
        let mut form = Form::read(form)?;
        let grant = match form.take("grant_type").as_deref() {
            Some("client_credentials") => client(&mut form, headers)?,
            Some("contensis_classic" | "password") => {
                Grant::Password { username: form.required("username")?, password: form.required("password")? }
            }
            Some("contensis_classic_refresh_token" | "refresh_token") => {
                Grant::Refresh { token: form.required("refresh_token")? }
            }
            _ => return Err(Problem::oauth("unsupported_grant_type")),
        };
        let scopes = form.take("scope").map_or_else(Scopes::all, |scope| Scopes::known_in(&scope));
        Ok(Self { grant, scopes })
    }
}

fn client(form: &mut Form, headers: &HeaderMap) -> Result<Grant, Problem> {
    let Some((id, secret)) = basic(headers)? else {
        let (id, decoded) = (form.required("client_id")?, form.required("client_secret")?);
        return Ok(Grant::Client { id, secret: ClientSecret { decoded, as_sent: None } });
    };
    let is_other = |other: String| other != id && parse_guid(&other).is_none_or(|other| parse_guid(&id) != Some(other));
    let contradicts = form.take("client_id").is_some_and(is_other) || form.take("client_secret").is_some();
    if contradicts { Err(Problem::oauth("invalid_request")) } else { Ok(Grant::Client { id, secret }) }
}

/// The id and the secret of a client in HTTP Basic, each form-encoded (RFC 6749, section 2.3.1) or as it is. An id is a GUID in one
/// of both readings at most, so that a client is one account, however it sends its id.
fn basic(headers: &HeaderMap) -> Result<Option<(String, ClientSecret)>, Problem> {
    let Some(header) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let credentials = header.to_str().ok().and_then(|text| text.trim().split_once(' '));
    let Some((_, encoded)) = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic")) else {
        return Ok(None);
    };
    let decoded = STANDARD.decode(encoded.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let pair = decoded.as_deref().and_then(|text| text.split_once(':'));
    let (id, secret) = pair.ok_or_else(|| Problem::oauth("invalid_request"))?;
    let id = if parse_guid(id).is_some() { id.to_owned() } else { form_decoded(id) };
    let decoded = form_decoded(secret);
    let as_sent = (decoded != secret).then(|| secret.to_owned());
    Ok(Some((id, ClientSecret { decoded, as_sent })))
}

/// The text that a form has as `encoded`. Unlike in a form, `&` and `=` stand for themselves.
fn form_decoded(encoded: &str) -> String {
    percent_decode_str(&encoded.replace('+', " ")).decode_utf8_lossy().into_owned()
}

/// The parameters of a form. An empty one counts as absent, and none may be repeated (RFC 6749, section 3.2).
struct Form(HashMap<String, String>);

impl Form {
    fn read(form: &[u8]) -> Result<Self, Problem> {
        let mut parameters = HashMap::new();
        for pair in pairs(form) {
            let (Some(name), Some(value)) = pair else { return Err(Problem::oauth("invalid_request")) };
            if !value.is_empty() && parameters.insert(name, value).is_some() {
                return Err(Problem::oauth("invalid_request"));
            }
        }
        Ok(Self(parameters))
    }

    fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    fn required(&mut self, name: &str) -> Result<String, Problem> {
        self.take(name).ok_or_else(|| Problem::oauth("invalid_request"))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use guildhall_domain::access::Scopes;

    use super::{ClientSecret, Grant, TokenRequest};

    fn read(form: &str, authorization: Option<&str>) -> Result<TokenRequest, String> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        TokenRequest::read(form.as_bytes(), &headers).map_err(|problem| problem.to_string())
    }

    fn client(id: &str, secret: &str) -> Grant {
        read_as(id, secret, None)
    }

    /// A client whose secret can be read in two ways.
    fn read_as(id: &str, decoded: &str, as_sent: Option<&str>) -> Grant {
        let secret = ClientSecret { decoded: decoded.to_owned(), as_sent: as_sent.map(str::to_owned) };
        Grant::Client { id: id.to_owned(), secret }
    }

    #[test]
    fn every_grant_is_read_by_both_of_its_names() {
        let password = Grant::Password { username: "a b".to_owned(), password: "c+d".to_owned() };
        for (form, expected) in [
            ("scope=openid&grant_type=contensis_classic&username=a+b&password=c%2Bd", &password),
            ("grant_type=password&username=a%20b&password=c%2Bd&scope=openid+nonsense", &password),
            (
                "scope=openid&grant_type=contensis_classic_refresh_token&refresh_token=t",
                &Grant::Refresh { token: "t".to_owned() },
            ),
            ("refresh_token=t&grant_type=refresh_token&scope=openid", &Grant::Refresh { token: "t".to_owned() }),
        ] {
            let request = read(form, None).unwrap();
            assert_eq!((&request.grant, &request.scopes), (expected, &Scopes::known_in("openid")), "{form}");
        }
        assert_eq!(read("grant_type=refresh_token&refresh_token=t", None).unwrap().scopes, Scopes::all());
    }

    #[test]
    fn a_client_says_who_it_is_in_the_form_or_in_the_header() {
        let grant = |form, header| read(form, header).map(|request| request.grant);
        let (form, bare) =
            ("grant_type=client_credentials&client_id=i&client_secret=s", "grant_type=client_credentials");
        assert_eq!(grant(form, None), Ok(client("i", "s")));
        assert_eq!(grant(form, Some("Bearer x")), Ok(client("i", "s")));
        assert_eq!(grant(bare, Some("Basic aTpz")), Ok(client("i", "s")));
        assert_eq!(grant("grant_type=client_credentials&client_id=i", Some("bAsIc aTpz")), Ok(client("i", "s")));
        for (form, header) in [
            (bare, None),
            (form, Some("Basic aTpz")),
            ("grant_type=client_credentials&client_id=other", Some("Basic aTpz")),
            (bare, Some("Basic nonsense!")),
            (bare, Some("Basic aXM=")),
            ("grant_type=client_credentials&client_id=i&client_secret=", None),
        ] {
            assert_eq!(grant(form, header), Err("invalid_request".to_owned()), "{form} {header:?}");
        }
    }

    #[test]
    fn credentials_in_the_header_are_read_encoded_and_as_they_are() {
        const ID: &str = "f0a3e1d2-75b4-4f0e-9d5e-3b1c8a6f2e10";
        let bare = "grant_type=client_credentials";
        let upper = ID.to_uppercase();
        for (id, secret, expected) in [
            (ID, "plain-secret", client(ID, "plain-secret")),
            (ID, "a%2Bb", read_as(ID, "a+b", Some("a%2Bb"))),
            (ID, "a+b", read_as(ID, "a b", Some("a+b"))),
            (ID, "100%", client(ID, "100%")),
            (ID, "a:b:c", client(ID, "a:b:c")),
            (ID, "a%3Ab", read_as(ID, "a:b", Some("a%3Ab"))),
            (ID, "a&b=c", client(ID, "a&b=c")),
            (ID, "%zz%25", read_as(ID, "%zz%", Some("%zz%25"))),
            (ID, "%ff", read_as(ID, "\u{fffd}", Some("%ff"))),
            (ID, "", client(ID, "")),
            (&upper, "s", client(&upper, "s")),
            (&format!("{{{ID}}}"), "s", client(&format!("{{{ID}}}"), "s")),
            (&format!("%7B{ID}%7D"), "s", client(&format!("{{{ID}}}"), "s")),
            (&ID.replace('-', "%2D"), "s", client(ID, "s")),
            ("a%3Ab", "s", client("a:b", "s")),
        ] {
            let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
            let grant = |form: &str| read(form, Some(&header)).map(|request| request.grant);
            assert_eq!(grant(bare).as_ref(), Ok(&expected), "{id} {secret}");
            let spelled = format!("{bare}&client_id={upper}");
            let same = if id.starts_with('a') { Err("invalid_request".to_owned()) } else { Ok(expected) };
            assert_eq!(grant(&spelled), same, "{id} {secret}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (form, expected) in [
            ("", "unsupported_grant_type"),
            ("scope=openid", "unsupported_grant_type"),
            ("grant_type=authorization_code&code=x", "unsupported_grant_type"),
            ("{\"grant_type\":\"password\"}", "unsupported_grant_type"),
            ("grant_type=password&username=a", "invalid_request"),
            ("grant_type=password&username=a&password=", "invalid_request"),
            ("grant_type=password&username=a&password=b&username=c", "invalid_request"),
            ("grant_type=refresh_token", "invalid_request"),
        ] {
            assert_eq!(read(form, None), Err(expected.to_owned()), "{form}");
        }
    }
}
