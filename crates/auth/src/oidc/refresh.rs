//! The background thread that refreshes an issuer's key set.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use guildhall_domain::ports::Clock;

use super::fetch::{FetchError, KeySetFetcher};
use super::key_set::IssuerKeySet;
use super::schedule::RefreshSchedule;
use super::settings::ExternalIssuer;
use crate::error_chain::error_chain;
use crate::jwt::error::VerificationError;
use crate::keys::generation::KeyGeneration;

/// The current key set of an issuer. Reading it never waits for the network.
pub(crate) struct KeySetRefresher(Arc<Shared>);

/// The data shared with the background thread.
struct Shared {
    /// The issuer's name in this installation.
    name: String,
    state: Mutex<State>,
    /// Wakes the thread to check whether a fetch is due or it must stop.
    wake: Condvar,
    generation: Arc<KeyGeneration>,
    clock: Arc<dyn Clock>,
}

struct State {
    /// The key set of the last fetch that succeeded. It stays in use while fetches fail, however long that is.
    keys: Option<Arc<IssuerKeySet>>,
    schedule: RefreshSchedule,
    is_stopped: bool,
}

impl KeySetRefresher {
    /// Starts the thread. It ends after this is dropped.
    pub(crate) fn start(
        settings: &ExternalIssuer,
        generation: Arc<KeyGeneration>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let state = State { keys: None, schedule: RefreshSchedule::default(), is_stopped: false };
        let (name, state) = (settings.name.clone(), Mutex::new(state));
        let shared = Arc::new(Shared { name, state, wake: Condvar::new(), generation, clock });
        let fetcher = KeySetFetcher::new(settings);
        let worker = Arc::clone(&shared);
        thread::Builder::new().name(format!("keys of {}", settings.name)).spawn(move || run(&worker, fetcher))?;
        Ok(Self(shared))
    }

    /// The key set of the last fetch that succeeded. Wakes the thread if a fetch is due, because the clock that the thread
    /// sleeps by stops while the machine is suspended.
    pub(crate) fn current(&self, now: i64) -> Result<Arc<IssuerKeySet>, VerificationError> {
        let state = self.0.lock();
        if state.schedule.is_due(now) {
            self.0.wake.notify_one();
        }
        match &state.keys {
            Some(keys) => Ok(Arc::clone(keys)),
            None if state.schedule.is_pending(now) => Err(VerificationError::KeysPending),
            None => Err(VerificationError::NoKeys),
        }
    }

    /// Requests a fetch because a token names an unknown key. Returns whether a fetch is pending.
    pub(crate) fn request_refresh(&self, now: i64) -> bool {
        let is_pending = self.0.lock().schedule.request(now);
        if is_pending {
            self.0.wake.notify_one();
        }
        is_pending
    }
}

impl Drop for KeySetRefresher {
    /// Stops the thread without waiting for it. A fetch that is running ends first.
    fn drop(&mut self) {
        self.0.lock().is_stopped = true;
        self.0.wake.notify_one();
    }
}

impl Shared {
    /// Poisoning is ignored: no panic can leave the state inconsistent.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().milliseconds()
    }

    /// Waits until a fetch is due. Returns `None` when the thread must stop.
    fn wait_until_due(&self) -> Option<()> {
        let mut state = self.lock();
        loop {
            let now = self.now();
            if state.is_stopped {
                return None;
            }
            if state.schedule.is_due(now) {
                state.schedule.start();
                return Some(());
            }
            let delay = state.schedule.delay(now);
            (state, _) = self.wake.wait_timeout(state, delay).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Stores the result of a fetch.
    fn update(&self, fetched: Result<IssuerKeySet, FetchError>) {
        let now = self.now();
        let mut state = self.lock();
        let was_failing = state.schedule.is_failing();
        let name = &self.name;
        match fetched {
            Ok(keys) => {
                state.schedule.succeed(now);
                let is_same = state.keys.as_deref() == Some(&keys);
                if !is_same {
                    let count = keys.len();
                    state.keys = Some(Arc::new(keys));
                    self.generation.advance();
                    if count == 0 {
                        tracing::warn!(issuer = %name, "the issuer {name} has no key to verify tokens with");
                    } else {
                        tracing::info!(issuer = %name, count, "fetched the keys of the issuer {name}: {count}");
                    }
                } else if was_failing {
                    tracing::info!(issuer = %name, "the keys of the issuer {name} can be fetched again");
                }
            }
            Err(error) => {
                state.schedule.fail(now);
                let error = error_chain(&error);
                let kept = state.keys.as_ref().map_or(0, |keys| keys.len());
                if was_failing {
                    tracing::debug!(issuer = %name, error, "the keys of the issuer {name} cannot be fetched yet");
                } else {
                    tracing::warn!(
                        issuer = %name,
                        error,
                        "the keys of the issuer {name} cannot be fetched; {kept} of before stay in use"
                    );
                }
            }
        }
    }
}

fn run(shared: &Shared, mut fetcher: KeySetFetcher) {
    while shared.wait_until_due().is_some() {
        shared.update(fetcher.fetch());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};

    use guildhall_domain::ports::Clock;
    use guildhall_domain::time::Timestamp;

    use super::{IssuerKeySet, RefreshSchedule, Shared, State};
    use crate::log_lines::LogLines;
    use crate::oidc::fetch::FetchError;

    struct Epoch;

    impl Clock for Epoch {
        fn now(&self) -> Timestamp {
            Timestamp::from_milliseconds(0)
        }
    }

    #[test]
    fn the_log_says_once_that_keys_cannot_be_fetched_and_once_that_they_can_again() {
        let state = State { keys: None, schedule: RefreshSchedule::default(), is_stopped: false };
        let shared = Shared {
            name: "elsewhere".to_owned(),
            state: Mutex::new(state),
            wake: Condvar::new(),
            generation: Arc::default(),
            clock: Arc::new(Epoch),
        };
        let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;
        let succeed = |set: &str| shared.update(Ok(IssuerKeySet::parse(set.as_bytes()).unwrap()));
        let fail = || shared.update(Err(FetchError::Status { url: "http://x.test/keys".to_owned(), status: 500 }));
        for (step, expected) in [
            (&(|| succeed(set)) as &dyn Fn(), vec!["INFO fetched the keys of the issuer elsewhere: 1"]),
            (&|| succeed(set), vec![]),
            (&fail, vec!["WARN the keys of the issuer elsewhere cannot be fetched; 1 of before stay in use"]),
            (&fail, vec![]),
            (&|| succeed(set), vec!["INFO the keys of the issuer elsewhere can be fetched again"]),
            (&|| succeed(r#"{"keys":[]}"#), vec!["WARN the issuer elsewhere has no key to verify tokens with"]),
        ] {
            assert_eq!(LogLines::of(step), expected);
        }
    }
}
