//! The layers of settings: defaults, a file, the environment, and files that the environment names.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::fs::File as OpenFile;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use config::{Config, ConfigError, Environment, File, FileFormat, Map, Source as _, Value, ValueKind};

use super::{Mistake, Settings, shown};

/// Every key is in here with its default, but for those that are optional.
const DEFAULTS: &str = include_str!("../../../../config/default.toml");
const PREFIX: &str = "GUILDHALL_";
/// What ends the name of a variable that names a file with the value of a setting.
const FILE_SUFFIX: &str = "_FILE";
/// The most bytes of such a file.
const LARGEST_VALUE: u64 = 64 * 1024;

/// Settings, and where each comes from.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) settings: Settings,
    /// The values as they are written, by their keys. Secrets are among them.
    pub(super) values: BTreeMap<String, String>,
    sources: Sources,
}

/// Which layer a value comes from.
#[derive(Clone, Debug)]
struct Sources {
    file: Option<PathBuf>,
    in_file: BTreeSet<String>,
    variables: Variables,
}

/// The variables that are set, by the keys that they set.
type Variables = BTreeMap<String, Variable>;

#[derive(Clone, Debug)]
struct Variable {
    name: String,
    value: String,
    /// The file that has the value.
    file: Option<PathBuf>,
}

impl Loaded {
    /// Reads the settings from `file` and these variables.
    pub(super) fn read(file: Option<&Path>, environment: &HashMap<String, String>) -> Result<Self> {
        let variables = variables(environment, &keys_of_files()?)?;
        let mut config = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        let mut in_file = BTreeSet::new();
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            // Parsed by itself first, so that the error is surely about this file.
            let parsed = Config::builder().add_source(File::from_str(&text, FileFormat::Toml)).build();
            let parsed = parsed.map_err(|error| anyhow!("{}: {}", file.display(), without_excerpt(&error)))?;
            in_file = flat(parsed.collect()?).into_keys().collect();
            config = config.add_source(parsed);
        }
        let named = |(key, variable): (&String, &Variable)| {
            (format!("{PREFIX}{}", key.replace('.', "__")), variable.value.clone())
        };
        let source = Environment::with_prefix("GUILDHALL").prefix_separator("_").separator("__");
        let source = source.source(Some(variables.iter().map(named).collect()));
        let config = config.add_source(source).build().context("in the environment")?;
        let sources = Sources { file: file.map(Path::to_owned), in_file, variables };
        let values = flat(config.collect()?);
        let settings = Settings::from_config(config).map_err(|Mistake { key, reason }| {
            let source = sources.near(&key).map_or_else(String::new, |source| format!(" ({source})"));
            anyhow!("{key}: {reason}{source}")
        })?;
        settings.check()?;
        Ok(Self { settings, values, sources })
    }

    /// Where the value of `key` comes from, for people.
    pub(super) fn source_of(&self, key: &str) -> String {
        let file = || self.sources.in_file.contains(key).then_some(self.sources.file.as_deref()).flatten();
        match (self.sources.variables.get(key), file()) {
            (Some(Variable { name, file: Some(path), .. }), _) => format!("{name} = {}", path.display()),
            (Some(variable), _) => variable.name.clone(),
            (None, Some(file)) => file.display().to_string(),
            (None, None) => "default".to_owned(),
        }
    }
}

impl Sources {
    /// The variable that sets `key` or something below it, or else the file.
    fn near(&self, key: &str) -> Option<String> {
        let below = format!("{key}.");
        let mut variables = self.variables.iter();
        let variable =
            variables.find(|(set, _)| *set == key || set.starts_with(&below)).map(|(_, set)| set.name.clone());
        variable.or_else(|| self.file.as_ref().map(|file| file.display().to_string()))
    }
}

/// The environment variables of this program.
pub(super) fn environment() -> Result<HashMap<String, String>> {
    let own = env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with(PREFIX))?;
        Some((name, value))
    });
    own.map(|(name, value)| match value.into_string() {
        Ok(value) => Ok((name, value)),
        Err(_) => bail!("{name}: not UTF-8"),
    })
    .collect()
}

/// The keys whose value is itself the path of a file: `X_FILE` sets such a key and names no file with the value of `X`.
fn keys_of_files() -> Result<BTreeSet<String>> {
    let config = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml)).build()?;
    let defaults = Settings::from_config(config).map_err(|mistake| anyhow!("{}: {}", mistake.key, mistake.reason))?;
    Ok(shown::keys(&defaults)?.into_iter().filter(|key| key.ends_with("_file")).collect())
}

/// The variables that are not empty, with what the files have that they name.
fn variables(environment: &HashMap<String, String>, keys_of_files: &BTreeSet<String>) -> Result<Variables> {
    let (mut variables, mut named) = (Variables::new(), Vec::new());
    for (name, value) in environment.iter().filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty()) {
        let key = name.strip_prefix(PREFIX).unwrap_or(name).to_lowercase().replace("__", ".");
        match key.strip_suffix("_file").filter(|_| name.ends_with(FILE_SUFFIX) && !keys_of_files.contains(&key)) {
            Some(key) => named.push((key.to_owned(), name.clone(), PathBuf::from(value))),
            None => {
                variables.insert(key, Variable { name: name.clone(), value: value.clone(), file: None });
            }
        }
    }
    for (key, name, path) in named {
        if let Some(other) = variables.get(&key) {
            bail!("{} and {name} are both set, and only one can be", other.name);
        }
        let value = value_in(&path).with_context(|| format!("{name}: cannot read {}", path.display()))?;
        variables.insert(key, Variable { name, value, file: Some(path) });
    }
    Ok(variables)
}

/// The value in a file, without the end of its line.
fn value_in(path: &Path) -> Result<String> {
    let mut text = String::new();
    let read = OpenFile::open(path)?.take(LARGEST_VALUE + 1).read_to_string(&mut text)?;
    if read as u64 > LARGEST_VALUE {
        bail!("it has more than {LARGEST_VALUE} bytes");
    }
    let value = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if value.is_empty() {
        bail!("it is empty");
    }
    Ok(value.to_owned())
}

/// The values of a table, by their keys with dots between the levels.
fn flat(table: Map<String, Value>) -> BTreeMap<String, String> {
    let below = |(key, value): (String, Value)| match value.kind {
        ValueKind::Table(table) => {
            flat(table).into_iter().map(|(rest, value)| (format!("{key}.{rest}"), value)).collect()
        }
        kind => vec![(key, kind.to_string())],
    };
    table.into_iter().flat_map(below).collect()
}

/// The parser quotes the line that it cannot read, and a secret may stand there.
fn without_excerpt(error: &ConfigError) -> String {
    let text = error.to_string();
    text.lines().filter(|line| !line.contains('|')).collect::<Vec<_>>().join(": ")
}
