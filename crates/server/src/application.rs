//! The service: built from settings, listening, run until it is told to stop.

use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use guildhall_auth::{Argon2Passwords, JwtTokens, RandomSecrets, TokenSettings, generate_password};
use guildhall_domain::access::Policy;
use guildhall_domain::api_key::ApiKeyId;
use guildhall_domain::directory::{CreateUserError, Directory, FirstAdministratorError, FirstApiKey};
use guildhall_domain::ports::{Clock as _, Seals};
use guildhall_domain::secret::Secret;
use guildhall_domain::time::Timestamp;
use guildhall_domain::user::LockoutPolicy;
use guildhall_http::{Api, ConnectionLimits, LaneSizes, Management, ServeOptions, TraceLinks};
use guildhall_persistence::{Database, DatabaseSettings, Workload};
use guildhall_webhooks::{Deliveries, DestinationRules};
use prometheus::Registry;
use tokio::runtime::Runtime;

use crate::issuers::issuers;
use crate::listening::Listening;
use crate::log_upkeep;
use crate::management_port;
use crate::metrics;
use crate::open_files;
use crate::output::write_in_time;
use crate::reload::{self, Reloadable};
use crate::settings::{Bootstrap, Events, Loaded, Settings};
use crate::signals::{self, StopSignals};
use crate::signing::KeySource;
use crate::system::{SystemClock, UuidV7, check_clock, clock_difference, operator};
use crate::telemetry::{Telemetry, TraceExport};

/// Runs the service until it is told to stop. `file` is the file of the settings, which is read again on SIGHUP.
pub(crate) fn serve(loaded: Loaded, file: Option<PathBuf>, telemetry: &Telemetry) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // Before anything that takes time, such as migrations.
    let reloads = runtime.block_on(async { signals::listen_to_others() })?;
    let registry = metrics::registry(telemetry)?;
    let management = Management::new(registry.clone(), Arc::new(UuidV7));
    let server = &loaded.settings.server;
    if let Some(port) = server.management_port {
        management_port::serve(&management, &server.management_host, port)?;
    }
    let traces = telemetry.traces().map(TraceExport::links);
    let application = Application::build(&loaded.settings, &registry)?.with_traces(traces);
    management.started(&application.api);
    let (limits, tokens) = (application.api.limits_handle(), Arc::clone(&application.tokens));
    let reloadable = Reloadable { loaded, file, level: telemetry.level(), limits, tokens };
    runtime.block_on(async { reload::on(reloads, reloadable) })?;
    application.run(&runtime, &management)
}

/// The service, with its listening socket.
struct Application {
    api: Api,
    directory: Directory<'static>,
    events: Events,
    rules: Arc<DestinationRules>,
    tokens: Arc<JwtTokens>,
    listening: Listening,
    options: ServeOptions,
}

impl Application {
    /// Opens and migrates the database, creates the first administrator if there are no users, and listens.
    pub(crate) fn build(settings: &Settings, registry: &Registry) -> Result<Self> {
        check_clock(SystemClock.now())?;
        let keys = KeySource::of(settings)?;
        let database = Database::connect(&database(settings)).context("database.url")?;
        database.register_metrics(registry)?;
        // After the folder of a SQLite file was created.
        keys.create_if_missing()?;
        let tokens = tokens(settings, &keys)?.with_metrics(registry)?.with_external_issuers(issuers(settings)?)?;
        for migration in database.migrate()? {
            tracing::info!(%migration, "ran the migration {migration}");
        }
        database.store().ready().context("database.url")?;
        compare_clocks(&database)?;
        let passwords = Argon2Passwords::new(password_slots()).with_metrics(registry)?;
        let (tokens, rules) = (Arc::new(tokens), Arc::new(settings.webhooks.rules()));
        let seals = Arc::clone(&tokens) as Arc<dyn Seals>;
        let directory = directory_with(&database, settings, keys.secrets()?, passwords)
            .with_webhooks(Arc::clone(&seals), Arc::clone(&rules) as _);
        directory.prepare(&operator())?;
        let listening = Listening::on(&settings.server)?;
        // Last, because a password that is printed before an error is soon forgotten.
        create_first_accounts(&directory, &settings.bootstrap)?;
        let lanes = LaneSizes {
            connections: NonZeroUsize::new(settings.database.pool_size as usize).unwrap_or(NonZeroUsize::MIN),
            passwords: password_slots(),
        };
        let at_once = database.store_at_once().map(|store| directory.clone().kept_by(store));
        let (limits, token_limits) = reload::limits(&settings.limits);
        let api = Api::new(
            directory.clone(),
            Arc::clone(&tokens) as _,
            seals,
            Arc::new(UuidV7),
            Arc::new(SystemClock),
            limits,
            lanes,
        )?
        .with_answers_at_once(at_once)
        .with_allowed_origins(settings.server.allowed_origins.clone())
        .with_trusted_proxies(settings.server.trusted_proxies.clone())
        .with_public_url(settings.server.public_url.clone())
        .with_path_prefix(settings.server.path_prefix()?)
        .with_token_limits(token_limits)
        .with_answer_keeping(settings.idempotency.keeping());
        let api = if database.answers_checks_together() { api.with_checks_together() } else { api };
        api.register_metrics(registry)?;
        let options = ServeOptions {
            workers: settings.server.workers,
            shutdown_timeout: settings.server.shutdown_timeout,
            connections: connections(settings),
        };
        Ok(Self { api, directory, events: settings.events, rules, tokens, listening, options })
    }

    /// Joins requests to traces that are exported.
    fn with_traces(self, traces: Option<Arc<dyn TraceLinks>>) -> Self {
        Self { api: self.api.with_traces(traces), ..self }
    }

    /// Answers requests until SIGTERM or SIGINT, and then finishes those that are being answered. A second signal ends it at once.
    fn run(self, runtime: &Runtime, management: &Management) -> Result<()> {
        runtime.block_on(async {
            let mut signals = StopSignals::listen()?;
            let Listening { listener, url, socket, .. } = self.listening;
            // Removed when the service has stopped.
            let _socket = socket;
            self.directory.tell_started(&operator(), env!("CARGO_PKG_VERSION"))?;
            log_upkeep::keep(&self.directory, self.events);
            let deliveries = Deliveries::start(self.directory, &self.rules, Arc::new(SystemClock), Arc::new(UuidV7))?;
            let server = guildhall_http::serve(self.api, listener, self.options)?;
            let handle = server.handle();
            let mut server = pin!(server);
            tracing::info!(address = url.address(), "listening on {url}");
            tokio::select! {
                ended = &mut server => return Ok(ended?),
                name = signals.next() => tracing::info!("{name}: finishing the requests that are being answered"),
            }
            management.stopping();
            deliveries.stop();
            let stopped = handle.stop(true);
            tokio::select! {
                ended = &mut server => ended?,
                name = signals.next() => bail!("{name} again: requests were cut off"),
            }
            stopped.await;
            // Nothing else runs any more that could wait for it.
            deliveries.finish();
            tracing::info!("stopped");
            Ok(())
        })
    }
}

/// Warns if the clock of the database's server shows another time, because one of both is wrong.
fn compare_clocks(database: &Database) -> Result<()> {
    if let Some(theirs) = database.server_time().context("database.url")?
        && let Some(line) = clock_difference(SystemClock.now(), Timestamp::from_milliseconds(theirs))
    {
        tracing::warn!("{line}");
    }
    Ok(())
}

/// How many connections there may be: as many as the settings say, if that many files may be open.
fn connections(settings: &Settings) -> ConnectionLimits {
    let wanted = settings.server.max_connections;
    let files = open_files::raise_limit();
    let total = open_files::connections_within(files, wanted, settings.database.pool_size);
    if total < wanted {
        tracing::warn!(
            total,
            files,
            "serving at most {total} connections instead of server.max_connections = {wanted}: only {files} files may be open"
        );
    }
    ConnectionLimits { total, per_address: settings.server.max_connections_per_address }
}

/// The settings of the database adapter.
pub(crate) fn database(settings: &Settings) -> DatabaseSettings {
    let timeout = Some(settings.database.statement_timeout).filter(|seconds| *seconds > 0);
    DatabaseSettings {
        url: settings.database.url.reveal().to_owned(),
        pool_size: settings.database.pool_size,
        statement_timeout: timeout.map(Duration::from_secs),
        prepared_statements: settings.database.prepared_statements,
        workload: Workload::Service,
    }
}

/// The same for a program that moves many rows and does nothing else.
pub(crate) fn bulk_database(settings: &Settings) -> DatabaseSettings {
    DatabaseSettings { workload: Workload::Bulk, ..database(settings) }
}

/// How many passwords are hashed at one time. A hash keeps a processor busy, so more would only take memory; and one processor is
/// left to everybody who does not sign in.
fn password_slots() -> NonZeroUsize {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(processors - 1).unwrap_or(NonZeroUsize::MIN)
}

/// The directory in `database`.
pub(crate) fn directory(database: &Database, settings: &Settings, secrets: RandomSecrets) -> Directory<'static> {
    directory_with(database, settings, secrets, Argon2Passwords::new(password_slots()))
}

/// The same, with these `passwords`.
fn directory_with(
    database: &Database,
    settings: &Settings,
    secrets: RandomSecrets,
    passwords: Argon2Passwords,
) -> Directory<'static> {
    let policy = Policy {
        delegated_administration: settings.authorization.delegated_administration,
        lockout: LockoutPolicy {
            threshold: NonZeroU32::new(settings.auth.lockout_threshold).unwrap_or(NonZeroU32::MIN),
            duration: settings.auth.lockout_duration,
        },
        dates_per_caller: settings.authorization.dates_per_caller.into(),
    };
    Directory::new(database.store(), Arc::new(passwords), Arc::new(secrets), Arc::new(UuidV7)).with_policy(policy)
}

/// Access tokens, signed with the key from `keys`.
pub(crate) fn tokens(settings: &Settings, keys: &KeySource) -> Result<JwtTokens> {
    let claims = TokenSettings {
        issuer: settings.auth.issuer.clone(),
        audience: settings.auth.audience.clone(),
        lifetime: settings.auth.access_token_ttl,
    };
    keys.tokens(claims, Arc::new(SystemClock))
}

fn create_first_accounts(directory: &Directory, settings: &Bootstrap) -> Result<()> {
    let username = settings.admin_username.as_str();
    let api_key = settings
        .client_id
        .zip(settings.client_secret.as_ref())
        .map(|(id, secret)| FirstApiKey { id: ApiKeyId(id), secret: Secret::given(secret.reveal().to_owned()) });
    let create = |password: &str| {
        match directory.create_first_accounts(&operator(), username, password, api_key.as_ref()) {
            Err(FirstAdministratorError::User(CreateUserError::UsernameTaken(_))) => {
                // The service is of use to others meanwhile.
                tracing::error!(
                    username,
                    "nobody administers for good, and '{username}' is a user who does not: set another \
                     bootstrap.admin_username, or add somebody to System Administrators by `guildhall group add-users`"
                );
                Ok(None)
            }
            created => created.map_err(in_settings),
        }
    };
    let Some(chosen) = &settings.admin_password else {
        let password = generate_password()?;
        if create(&password)?.is_some() {
            // Not through the log, which is kept and read by others.
            let line = format!("Created the administrator '{username}' with the password: {password}  (shown once)\n");
            if let Err(error) = write_in_time(io::stdout(), line) {
                // The account is there, and an operator gets in without the password.
                tracing::error!(
                    username,
                    %error,
                    "cannot print the password of '{username}': set another with a token of `guildhall token`"
                );
            }
        }
        return Ok(());
    };
    if create(chosen.reveal())?.is_some() {
        tracing::info!(username, "created the administrator '{username}'");
    }
    Ok(())
}

/// Names the invalid settings.
fn in_settings(error: FirstAdministratorError) -> anyhow::Error {
    let FirstAdministratorError::User(CreateUserError::Invalid(fields)) = error else {
        return anyhow::Error::new(error).context("cannot create the first administrator");
    };
    let named = fields.into_iter().map(|invalid| match invalid.field.as_str() {
        "username" => format!("bootstrap.admin_username: {}", invalid.message),
        "credentials.password" => format!("bootstrap.admin_password: {}", invalid.message),
        field => format!("bootstrap, {field}: {}", invalid.message),
    });
    anyhow::Error::msg(named.collect::<Vec<_>>().join("; "))
}
