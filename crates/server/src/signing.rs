//! Where the key comes from that signs access tokens.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use guildhall_auth::SigningKey;

use crate::settings::{Secret, Settings};

/// Where the key comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A shared secret.
    Secret(Secret),
    /// A file that must be there.
    File(PathBuf),
    /// A file beside the SQLite file, made at the first start.
    Generated(PathBuf),
}

impl KeySource {
    pub(crate) fn of(settings: &Settings) -> Result<Self> {
        match (&settings.auth.hs256_secret, &settings.auth.signing_key_file) {
            (Some(_), Some(_)) => {
                bail!("auth.hs256_secret and auth.signing_key_file are both set, and only one can be")
            }
            (Some(secret), None) => Ok(Self::Secret(secret.clone())),
            (None, Some(file)) => Ok(Self::File(file.clone())),
            (None, None) => match settings.database.url.reveal().strip_prefix("sqlite://") {
                Some(path) => Ok(Self::Generated(Path::new(path).with_extension("key.pem"))),
                // Instances on several machines would each make a key of their own, and refuse each other's tokens.
                None => bail!("with PostgreSQL, auth.signing_key_file or auth.hs256_secret must be set"),
            },
        }
    }

    /// The key itself. The SQLite file's folder must be there.
    pub(crate) fn key(&self) -> Result<SigningKey> {
        match self {
            Self::Secret(secret) => SigningKey::from_secret(secret.reveal()).context("auth.hs256_secret"),
            Self::File(file) => SigningKey::load(file).context("auth.signing_key_file"),
            Self::Generated(file) => Ok(SigningKey::load_or_generate(file)?),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::KeySource;
    use crate::settings::Settings;

    fn source(variables: &[(&str, &str)]) -> Result<KeySource, String> {
        let settings = Settings::from_variables(variables).unwrap();
        KeySource::of(&settings).map_err(|error| error.to_string())
    }

    #[test]
    fn the_key_is_generated_only_where_there_is_one_place_for_it() {
        let (url, file, secret) =
            ("GUILDHALL_DATABASE__URL", "GUILDHALL_AUTH__SIGNING_KEY_FILE", "GUILDHALL_AUTH__HS256_SECRET");
        let generated = |path: &str| Ok(KeySource::Generated(PathBuf::from(path)));
        assert_eq!(source(&[]), generated("data/guildhall.key.pem"));
        assert_eq!(source(&[(url, "sqlite:///var/lib/g/g.db")]), generated("/var/lib/g/g.key.pem"));
        assert_eq!(source(&[(file, "k.pem")]), Ok(KeySource::File(PathBuf::from("k.pem"))));
        assert!(matches!(source(&[(secret, "s"), (url, "postgres://h/d")]), Ok(KeySource::Secret(_))));
        for variables in [[(file, "k.pem"), (secret, "s")], [(url, "postgres://h/d"), (file, "")]] {
            let error = source(&variables).unwrap_err();
            assert!(error.contains("auth.signing_key_file") && error.contains("auth.hs256_secret"), "{error}");
        }
    }
}
