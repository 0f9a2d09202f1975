//! Discovery of the issuer and of its public keys (OpenID Connect Discovery 1.0, RFC 7517).

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use guildhall_domain::access::KNOWN_SCOPES;
use guildhall_domain::ports::PublicKey;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Api;
use crate::extract::public_url::public_url;
use crate::respond::json::{PreparedResponse, json};
use crate::respond::problem::Problem;
use crate::routes::Route;

/// The routes of discovery.
pub(crate) fn routes() -> Vec<Route> {
    vec![Route::new(__path_configuration, configuration), Route::new(__path_keys, keys)]
}

/// What there is to know about an issuer of tokens.
#[derive(Serialize, ToSchema)]
#[schema(as = Issuer)]
pub(crate) struct IssuerBody {
    /// What tokens say in `iss`.
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    grant_types_supported: [&'static str; 5],
    token_endpoint_auth_methods_supported: [&'static str; 2],
    scopes_supported: &'static [&'static str],
    /// The algorithms that access tokens are signed with; none where the keys are secret.
    access_token_signing_alg_values_supported: Vec<&'static str>,
    response_types_supported: [&'static str; 0],
    subject_types_supported: [&'static str; 1],
}

/// Keys by which tokens are verified.
#[derive(Serialize, ToSchema)]
#[schema(as = Keys)]
pub(crate) struct KeysBody {
    keys: Vec<KeyBody>,
}

/// A public key (RFC 7517).
#[derive(Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyBody {
    kid: String,
    alg: &'static str,
    r#use: &'static str,
    /// `OKP`, `EC` or `RSA`; what else there is depends on it.
    #[schema(required = true, nullable = false, value_type = String)]
    kty: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crv: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    y: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    e: Option<String>,
}

impl From<PublicKey> for KeyBody {
    fn from(key: PublicKey) -> Self {
        let mut parameters: BTreeMap<_, _> = key.parameters.into_iter().collect();
        let mut take = |name: &str| parameters.remove(name);
        Self {
            kid: key.id,
            alg: key.algorithm,
            r#use: "sig",
            kty: take("kty"),
            crv: take("crv"),
            x: take("x"),
            y: take("y"),
            n: take("n"),
            e: take("e"),
        }
    }
}

/// Says who issues access tokens here, and how.
#[utoipa::path(
    get,
    path = "/authenticate/.well-known/openid-configuration",
    tag = "Tokens",
    operation_id = "readIssuer",
    responses((status = 200, description = "The issuer.", body = IssuerBody))
)]
async fn configuration(api: Data<Api>, request: HttpRequest) -> Result<PreparedResponse, Problem> {
    let issuer = api.tokens.issuer().to_owned();
    let place = if issuer.starts_with("http://") || issuer.starts_with("https://") {
        issuer.trim_end_matches('/').to_owned()
    } else {
        format!("{}/authenticate", public_url(&api, &request))
    };
    let mut algorithms: Vec<_> = api.tokens.public_keys().iter().map(|key| key.algorithm).collect();
    algorithms.dedup();
    let body = IssuerBody {
        token_endpoint: format!("{place}/connect/token"),
        jwks_uri: format!("{place}/.well-known/openid-configuration/jwks"),
        grant_types_supported: [
            "client_credentials",
            "password",
            "refresh_token",
            "contensis_classic",
            "contensis_classic_refresh_token",
        ],
        token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic"],
        scopes_supported: &KNOWN_SCOPES,
        access_token_signing_alg_values_supported: algorithms,
        response_types_supported: [],
        subject_types_supported: ["public"],
        issuer,
    };
    json(StatusCode::OK, &body)
}

/// Shows the public keys by which access tokens are verified, the one that signs first.
#[utoipa::path(
    get,
    path = "/authenticate/.well-known/openid-configuration/jwks",
    tag = "Tokens",
    operation_id = "readKeys",
    responses((status = 200, description = "The keys.", body = KeysBody))
)]
async fn keys(api: Data<Api>) -> Result<PreparedResponse, Problem> {
    json(StatusCode::OK, &KeysBody { keys: api.tokens.public_keys().into_iter().map(KeyBody::from).collect() })
}
