//! What `userPassword` holds, as a text that a hash is accepted by.

use base64::Engine as _;

use crate::passwords::{BASE64, pbkdf2};

/// How many bytes 389 Directory Server gives the iterations, the salt and the hash.
const DIRECTORY_SERVER: [usize; 3] = [4, 64, 256];

/// The hash: in the PHC string format where the scheme is one that has such a string, otherwise as it is. A password that is not hashed
/// is refused here, so that it is shown to nobody.
pub(super) fn text(value: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(value).map_err(|_| "userPassword is not in UTF-8".to_owned())?;
    let scheme = text.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    let Some((scheme, hash)) = scheme else {
        let is_hash = text.starts_with("$argon2") || text.starts_with("$pbkdf2-");
        return if is_hash { Ok(text.to_owned()) } else { Err("userPassword is not hashed".to_owned()) };
    };
    let converted = match scheme.to_ascii_uppercase().as_str() {
        "CLEARTEXT" | "CLEAR" => return Err("userPassword is not hashed".to_owned()),
        "ARGON2" => Some(hash.to_owned()),
        "PBKDF2-SHA256" => modular("sha256", hash),
        "PBKDF2-SHA512" => modular("sha512", hash),
        "PBKDF2_SHA256" => binary(hash),
        _ => None,
    };
    Ok(converted.unwrap_or_else(|| text.to_owned()))
}

/// `iterations$salt$hash` of `pw-pbkdf2`, a module of `OpenLDAP`, in base64 that has dots in the place of `+`.
fn modular(digest: &str, hash: &str) -> Option<String> {
    let mut parts = hash.split('$');
    let (Some(iterations), Some(salt), Some(hash), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let decoded = |text: &str| BASE64.decode(text.replace('.', "+")).ok();
    Some(pbkdf2(digest, iterations.parse().ok()?, &decoded(salt)?, &decoded(hash)?))
}

/// 389 Directory Server and `FreeIPA`: iterations, salt and hash one behind the other.
fn binary(hash: &str) -> Option<String> {
    let bytes = BASE64.decode(hash).ok()?;
    let [iterations, salt, length] = DIRECTORY_SERVER;
    let (iterations, rest) = bytes.split_at_checked(iterations)?;
    let (salt, hash) = rest.split_at_checked(salt).filter(|(_, hash)| hash.len() == length)?;
    Some(pbkdf2("sha256", u32::from_be_bytes(iterations.try_into().ok()?), salt, hash))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::text;
    use crate::passwords::BASE64;

    #[test]
    fn schemes_that_have_a_string_are_written_as_it() {
        let old = [&10_000_u32.to_be_bytes()[..], &[1; 64], &[2; 256]].concat();
        let (salt, hash) = (BASE64.encode([1; 64]), BASE64.encode([2; 256]));
        for (value, expected) in [
            ("{SSHA512}abc=", "{SSHA512}abc=".to_owned()),
            ("{CRYPT}$6$salt$hash", "{CRYPT}$6$salt$hash".to_owned()),
            ("{ARGON2}$argon2id$v=19$m=1,t=2,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=1,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
            ("$argon2id$v=19$m=1,t=2,p=1$c2FsdA$aGFzaA", "$argon2id$v=19$m=1,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
            ("{PBKDF2-SHA512}10000$c2FsdA$./8", "$pbkdf2-sha512$i=10000,l=2$c2FsdA$+/8".to_owned()),
            ("{pbkdf2-sha256}10000$c2FsdA==$aGFzaA==", "$pbkdf2-sha256$i=10000,l=4$c2FsdA$aGFzaA".to_owned()),
            ("{PBKDF2-SHA256}ten$c2FsdA$aGFzaA", "{PBKDF2-SHA256}ten$c2FsdA$aGFzaA".to_owned()),
            (
                &format!("{{PBKDF2_SHA256}}{}", BASE64.encode(&old)),
                format!("$pbkdf2-sha256$i=10000,l=256${salt}${hash}"),
            ),
            ("{PBKDF2_SHA256}AAAA", "{PBKDF2_SHA256}AAAA".to_owned()),
        ] {
            assert_eq!(text(value.as_bytes()), Ok(expected), "{value}");
        }
    }

    #[test]
    fn a_password_that_is_not_hashed_is_not_shown() {
        for value in [&b"secret"[..], b"{CLEARTEXT}secret", b"{secret", b"\xff", b""] {
            let reason = text(value).expect_err("it is refused");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }
}
