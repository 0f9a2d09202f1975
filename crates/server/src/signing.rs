//! The source of the keys that sign and verify access tokens.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use guildhall_auth::{JwtTokens, KeyFile, KeyFileError, KeyRotation, KeySet, RandomSecrets, TokenSettings};
use guildhall_domain::ports::Clock;
use guildhall_persistence::DatabaseSettings;

use crate::settings::{Secret, Settings};

/// The source of the key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// A shared secret, and the former one.
    Secret { current: Secret, previous: Option<Secret> },
    /// The file that `auth.signing_key_file` names.
    File(PathBuf),
    /// A file beside the SQLite file.
    Beside(PathBuf),
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
                    Some(path) => Ok(Self::Beside(path.with_extension("key.pem"))),
                    // Instances on several machines would each make a key of their own, and refuse each other's tokens.
                    None => bail!("with PostgreSQL, auth.signing_key_file or auth.hs256_secret must be set"),
                }
            }
        }
    }

    /// Creates the key file if there is none, and logs it: whoever expected another file to be there must see it. The folder of the
    /// file must exist.
    pub(crate) fn create_if_missing(&self) -> Result<()> {
        let Some(path) = self.file() else { return Ok(()) };
        let file = KeyFile::load_or_generate(path).map_err(|error| self.explained(error))?;
        if file.is_new() {
            let (key, file) = (file.key_set().signing_id(), path.display());
            tracing::warn!(
                key,
                %file,
                "created the signing key {key} in {file}, where there was none; all instances that serve this database need this file"
            );
        }
        Ok(())
    }

    /// Creates the key file, which must not exist.
    pub(crate) fn generate(&self) -> Result<KeyFile> {
        match self.file() {
            Some(path) => generate(path),
            None => bail!("auth.hs256_secret signs, and needs no key file"),
        }
    }

    /// The token port with these keys. A key file must exist ([`create_if_missing`](Self::create_if_missing)).
    pub(crate) fn tokens(&self, settings: TokenSettings, clock: Arc<dyn Clock>) -> Result<JwtTokens> {
        match self {
            Self::Secret { current, previous } => {
                let keys = KeySet::from_secrets(current.reveal(), previous.iter().map(Secret::reveal));
                Ok(JwtTokens::new(settings, keys.context("auth.hs256_secret")?, clock))
            }
            Self::File(file) | Self::Beside(file) => Ok(JwtTokens::from_file(settings, self.load(file)?, clock)?),
        }
    }

    /// The secrets port, whose keyed digests use the signing key. A key file must exist.
    pub(crate) fn secrets(&self) -> Result<RandomSecrets> {
        match self {
            Self::Secret { current, .. } => {
                Ok(RandomSecrets::keyed_by(&KeySet::from_secrets(current.reveal(), []).context("auth.hs256_secret")?))
            }
            Self::File(file) | Self::Beside(file) => Ok(RandomSecrets::keyed_by(self.load(file)?.key_set())),
        }
    }

    /// Fails if the key cannot be used. It changes nothing: a key beside a SQLite file, which the first start creates, may
    /// be missing; a file that a setting names may not.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::Secret { current, previous } => {
                let keys = KeySet::from_secrets(current.reveal(), previous.iter().map(Secret::reveal));
                keys.map(drop).context("auth.hs256_secret")
            }
            Self::Beside(file) if !file.exists() => Ok(()),
            Self::File(file) | Self::Beside(file) => self.load(file).map(drop),
        }
    }

    /// Adds a new signing key to the file, before the others.
    pub(crate) fn rotate(&self) -> Result<KeyRotation> {
        match self {
            Self::Secret { .. } => {
                bail!("auth.hs256_secret signs: set it to another one, and auth.hs256_previous_secret to this one")
            }
            Self::File(file) | Self::Beside(file) => KeyFile::rotate(file).map_err(|error| self.explained(error)),
        }
    }

    fn file(&self) -> Option<&Path> {
        match self {
            Self::Secret { .. } => None,
            Self::File(file) | Self::Beside(file) => Some(file),
        }
    }

    fn load(&self, file: &Path) -> Result<KeyFile> {
        KeyFile::load(file).map_err(|error| self.explained(error))
    }

    /// The error with the setting that names the file, and what to do where there is no file.
    fn explained(&self, error: KeyFileError) -> anyhow::Error {
        let is_missing = match &error {
            KeyFileError::Read { path, .. } | KeyFileError::Write { path, .. } => {
                matches!(path.try_exists(), Ok(false))
            }
            _ => false,
        };
        let mut error = anyhow::Error::new(error);
        if is_missing {
            error =
                error.context("there is no signing key: `guildhall keys generate FILE` creates one where it can write");
        }
        match self {
            Self::File(_) => error.context("auth.signing_key_file"),
            _ => error,
        }
    }
}

/// Creates a key file at `path`, where there must be none.
pub(crate) fn generate(path: &Path) -> Result<KeyFile> {
    KeyFile::generate(path).map_err(|error| {
        let is_there = matches!(error, KeyFileError::Exists { .. });
        let error = anyhow::Error::new(error);
        if is_there { error.context("it is left alone; `guildhall keys rotate` puts a new key into it") } else { error }
    })
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
        let generated = |path: &str| Ok(KeySource::Beside(PathBuf::from(path)));
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
