//! The source of the keys that sign and verify access tokens.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use guildhall_auth::{JwtTokens, KeyFile, KeyRotation, KeySet, RandomSecrets, TokenSettings};
use guildhall_domain::ports::Clock;
use guildhall_persistence::DatabaseSettings;

use crate::settings::{Secret, Settings};

/// The source of the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A shared secret, and the former one.
    Secret { current: Secret, previous: Option<Secret> },
    /// A file that must exist.
    File(PathBuf),
    /// A file beside the SQLite file, generated at the first start.
    Generated(PathBuf),
}

impl KeySource {
    pub(crate) fn of(settings: &Settings) -> Result<Self> {
        match (&settings.auth.hs256_secret, &settings.auth.signing_key_file) {
            (Some(_), Some(_)) => {
                bail!("auth.hs256_secret and auth.signing_key_file are both set, and only one can be")
            }
            (Some(secret), None) => {
                Ok(Self::Secret { current: secret.clone(), previous: settings.auth.hs256_previous_secret.clone() })
            }
            (None, Some(file)) => Ok(Self::File(file.clone())),
            (None, None) => {
                match DatabaseSettings::sqlite_file(settings.database.url.reveal()).context("database.url")? {
                    Some(path) => Ok(Self::Generated(path.with_extension("key.pem"))),
                    // Instances on several machines would each make a key of their own, and refuse each other's tokens.
                    None => bail!("with PostgreSQL, auth.signing_key_file or auth.hs256_secret must be set"),
                }
            }
        }
    }

    /// The token port with these keys. The folder of the SQLite file must exist.
    pub(crate) fn tokens(&self, settings: TokenSettings, clock: Arc<dyn Clock>) -> Result<JwtTokens> {
        let file = match self {
            Self::Secret { current, previous } => {
                let keys = KeySet::from_secrets(current.reveal(), previous.iter().map(Secret::reveal));
                return Ok(JwtTokens::new(settings, keys.context("auth.hs256_secret")?, clock));
            }
            Self::File(file) => KeyFile::load(file).context("auth.signing_key_file")?,
            Self::Generated(file) => KeyFile::load_or_generate(file)?,
        };
        Ok(JwtTokens::from_file(settings, file, clock)?)
    }

    /// The secrets port, whose keyed digests use the signing key. A generated key file must exist already ([`tokens`](Self::tokens)).
    pub(crate) fn secrets(&self) -> Result<RandomSecrets> {
        match self {
            Self::Secret { current, .. } => {
                Ok(RandomSecrets::keyed_by(&KeySet::from_secrets(current.reveal(), []).context("auth.hs256_secret")?))
            }
            Self::File(file) | Self::Generated(file) => Ok(RandomSecrets::keyed_by(KeyFile::load(file)?.key_set())),
        }
    }

    /// Fails if the key cannot be used. It changes nothing: a key that would be made at the first start may be missing.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Secret { current, previous } => {
                let keys = KeySet::from_secrets(current.reveal(), previous.iter().map(Secret::reveal));
                keys.map(drop).context("auth.hs256_secret")
            }
            Self::File(file) => KeyFile::load(file).map(drop).context("auth.signing_key_file"),
            Self::Generated(file) if file.exists() => Ok(KeyFile::load(file).map(drop)?),
            Self::Generated(_) => Ok(()),
        }
    }

    /// Adds a new signing key to the file, before the others.
    pub(crate) fn rotate(&self) -> Result<KeyRotation> {
        match self {
            Self::Secret { .. } => {
                bail!("auth.hs256_secret signs: set it to another one, and auth.hs256_previous_secret to this one")
            }
            Self::File(file) | Self::Generated(file) => Ok(KeyFile::rotate(file)?),
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
        assert_eq!(source(&[(url, "sqlite:///var/my%20data/g.db")]), generated("/var/my data/g.key.pem"));
        assert_eq!(source(&[(file, "k.pem")]), Ok(KeySource::File(PathBuf::from("k.pem"))));
        assert!(matches!(
            source(&[(secret, "s"), (url, "postgres://h/d")]),
            Ok(KeySource::Secret { previous: None, .. })
        ));
        for variables in [[(file, "k.pem"), (secret, "s")], [(url, "postgres://h/d"), (file, "")]] {
            let error = source(&variables).unwrap_err();
            assert!(error.contains("auth.signing_key_file") && error.contains("auth.hs256_secret"), "{error}");
        }
    }
}
