//! Passwords, whose hashes Keycloak writes as JSON in texts.

use std::collections::BTreeMap;

use base64::Engine as _;
use serde::Deserialize;

use crate::notes::quoted;
use crate::passwords::{BASE64, pbkdf2};

/// A credential of a user. Versions before 8 wrote the parts of the hash into the credential itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credential {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "secretData")]
    secret: Option<String>,
    #[serde(rename = "credentialData")]
    data: Option<String>,
    /// The password itself, in files that were written by hand.
    value: Option<String>,
    hashed_salted_value: Option<String>,
    salt: Option<String>,
    hash_iterations: Option<i64>,
    algorithm: Option<String>,
}

#[derive(Deserialize)]
struct Secret {
    value: String,
    salt: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    hash_iterations: i64,
    algorithm: String,
    #[serde(default)]
    additional_parameters: BTreeMap<String, Vec<String>>,
}

impl Credential {
    pub(super) fn is_second_factor(&self) -> bool {
        self.kind.as_deref().is_some_and(|kind| kind != "password" && kind != "password-history")
    }

    /// The hash of the password, or why there is none that can be read; `None`: this is no password.
    pub(super) fn hash(self) -> Option<Result<String, String>> {
        if self.kind.as_deref() != Some("password") {
            return None;
        }
        Some(self.parts().and_then(|(secret, data)| text(&secret, &data)))
    }

    fn parts(self) -> Result<(Secret, Data), String> {
        let unreadable = |_| "the credential cannot be read".to_owned();
        if let (Some(secret), Some(data)) = (&self.secret, &self.data) {
            let secret = serde_json::from_str(secret).map_err(unreadable)?;
            return Ok((secret, serde_json::from_str(data).map_err(unreadable)?));
        }
        if self.value.is_some() {
            return Err("the password is not hashed".to_owned());
        }
        let (Some(value), Some(hash_iterations)) = (self.hashed_salted_value, self.hash_iterations) else {
            return Err("the export does not have the hash".to_owned());
        };
        // The oldest versions had one algorithm, which they did not name.
        let algorithm = self.algorithm.unwrap_or_else(|| "pbkdf2".to_owned());
        let additional_parameters = BTreeMap::new();
        Ok((Secret { value, salt: self.salt }, Data { hash_iterations, algorithm, additional_parameters }))
    }
}

/// The hash in the PHC string format.
fn text(secret: &Secret, data: &Data) -> Result<String, String> {
    match data.algorithm.as_str() {
        "pbkdf2-sha256" => pbkdf2_text("sha256", secret, data),
        "pbkdf2-sha512" => pbkdf2_text("sha512", secret, data),
        "pbkdf2" => Err("the hash is of PBKDF2 with SHA-1".to_owned()),
        "argon2" => argon2(secret, data).ok_or_else(|| "the hash of Argon2 cannot be read".to_owned()),
        // An extension of Keycloak; the value is the whole hash.
        "bcrypt" => Ok(secret.value.clone()),
        other => Err(format!("the hash is of the algorithm {}", quoted(other))),
    }
}

fn pbkdf2_text(digest: &str, secret: &Secret, data: &Data) -> Result<String, String> {
    let text = || {
        let (salt, hash) = (BASE64.decode(secret.salt.as_ref()?).ok()?, BASE64.decode(&secret.value).ok()?);
        Some(pbkdf2(digest, u32::try_from(data.hash_iterations).ok()?, &salt, &hash))
    };
    text().ok_or_else(|| "the hash of PBKDF2 cannot be read".to_owned())
}

fn argon2(secret: &Secret, data: &Data) -> Option<String> {
    let parameter = |name| data.additional_parameters.get(name)?.first().map(String::as_str);
    let number = |name| parameter(name)?.parse::<u32>().ok();
    let kind = parameter("type").filter(|kind| ["id", "i", "d"].contains(kind))?;
    let version = match parameter("version")? {
        "1.3" => 19,
        "1.0" => 16,
        _ => return None,
    };
    let (memory, parallelism) = (number("memory")?, number("parallelism")?);
    let iterations = u32::try_from(data.hash_iterations).ok()?;
    let recoded = |text: &str| BASE64.decode(text).ok().map(|bytes| BASE64.encode(bytes));
    let (salt, hash) = (recoded(secret.salt.as_ref()?)?, recoded(&secret.value)?);
    Some(format!("$argon2{kind}$v={version}$m={memory},t={iterations},p={parallelism}${salt}${hash}"))
}

#[cfg(test)]
mod tests {
    use super::Credential;

    /// The `JSON` of a credential; its apostrophes are quotes.
    fn hash(json: &str) -> Option<Result<String, String>> {
        serde_json::from_str::<Credential>(&json.replace('\'', "\"")).expect("it is a credential").hash()
    }

    fn password(secret: &str, data: &str) -> Result<String, String> {
        let nested = |text: &str| text.replace('\'', "\\\"");
        let json = "{'type': 'password', 'secretData': 'SECRET', 'credentialData': 'DATA'}".replace('\'', "\"");
        let json = json.replace("SECRET", &nested(secret)).replace("DATA", &nested(data));
        serde_json::from_str::<Credential>(&json).expect("it is a credential").hash().expect("it is a password")
    }

    #[test]
    fn hashes_are_written_in_the_phc_format() {
        let secret = "{'value': 'aGFzaA==', 'salt': 'c2FsdA==', 'additionalParameters': {}}";
        for (data, expected) in [
            (
                "{'hashIterations': 27500, 'algorithm': 'pbkdf2-sha256', 'additionalParameters': {}}",
                "$pbkdf2-sha256$i=27500,l=4$c2FsdA$aGFzaA",
            ),
            ("{'hashIterations': 210000, 'algorithm': 'pbkdf2-sha512'}", "$pbkdf2-sha512$i=210000,l=4$c2FsdA$aGFzaA"),
            (
                "{'hashIterations': 5, 'algorithm': 'argon2', 'additionalParameters': {'hashLength': ['32'], 'memory': ['7168'], 'type': ['id'], 'version': ['1.3'], 'parallelism': ['1']}}",
                "$argon2id$v=19$m=7168,t=5,p=1$c2FsdA$aGFzaA",
            ),
        ] {
            assert_eq!(password(secret, data), Ok(expected.to_owned()), "{data}");
        }
        let bcrypt = "{'value': '$2a$10$abc', 'salt': ''}";
        assert_eq!(password(bcrypt, "{'hashIterations': -1, 'algorithm': 'bcrypt'}"), Ok("$2a$10$abc".to_owned()));
        let old = "{'type': 'password', 'hashedSaltedValue': 'aGFzaA==', 'salt': 'c2FsdA==', 'hashIterations': 20000, 'algorithm': 'pbkdf2-sha256'}";
        assert_eq!(hash(old), Some(Ok("$pbkdf2-sha256$i=20000,l=4$c2FsdA$aGFzaA".to_owned())));
    }

    #[test]
    fn other_credentials_say_why_there_is_no_hash() {
        let secret = "{'value': 'aGFzaA==', 'salt': 'c2FsdA=='}";
        for (secret, data, reason) in [
            (secret, "{'hashIterations': 20000, 'algorithm': 'pbkdf2'}", "the hash is of PBKDF2 with SHA-1"),
            (secret, "{'hashIterations': 1, 'algorithm': 'md5'}", "the hash is of the algorithm \"md5\""),
            (secret, "{'hashIterations': -1, 'algorithm': 'pbkdf2-sha256'}", "the hash of PBKDF2 cannot be read"),
            (secret, "{'hashIterations': 5, 'algorithm': 'argon2'}", "the hash of Argon2 cannot be read"),
            (
                "{'value': 'aGFzaA=='}",
                "{'hashIterations': 1, 'algorithm': 'pbkdf2-sha512'}",
                "the hash of PBKDF2 cannot be read",
            ),
            ("secret", "{}", "the credential cannot be read"),
        ] {
            assert_eq!(password(secret, data), Err(reason.to_owned()), "{data}");
        }
        assert_eq!(hash("{'type': 'password', 'value': 'secret'}"), Some(Err("the password is not hashed".to_owned())));
        assert_eq!(hash("{'type': 'password'}"), Some(Err("the export does not have the hash".to_owned())));
        assert_eq!(hash("{'type': 'otp', 'secretData': '{}', 'credentialData': '{}'}"), None);
    }
}
