//! An issuer's keys, which a thread of their own fetches.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use guildhall_domain::ports::Clock;

use super::fetch::{FetchError, Source};
use super::key_set::KeySet;
use super::schedule::Schedule;
use super::settings::ForeignIssuer;
use crate::error_chain::chain;
use crate::jwt::error::Refusal;
use crate::keys::generation::Era;

/// The keys of an issuer. Asking for them never waits for the network.
pub(crate) struct IssuerKeys(Arc<Shared>);

/// What those who ask share with the thread that fetches.
struct Shared {
    name: String,
    state: Mutex<State>,
    /// That the thread may have something to do.
    changed: Condvar,
    era: Arc<Era>,
    clock: Arc<dyn Clock>,
}

struct State {
    /// The keys as of the last fetch that brought some. They stay while fetches fail, however long that is.
    keys: Option<Arc<KeySet>>,
    schedule: Schedule,
    is_stopped: bool,
}

impl IssuerKeys {
    /// From now on they are fetched, until this is dropped.
    pub(crate) fn start(settings: &ForeignIssuer, era: Arc<Era>, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let state = State { keys: None, schedule: Schedule::default(), is_stopped: false };
        let (name, state) = (settings.name.clone(), Mutex::new(state));
        let shared = Arc::new(Shared { name, state, changed: Condvar::new(), era, clock });
        let source = Source::of(settings);
        let worker = Arc::clone(&shared);
        thread::Builder::new().name(format!("keys of {}", settings.name)).spawn(move || work(&worker, source))?;
        Ok(Self(shared))
    }

    /// The keys of the last fetch that brought some. Wakes the thread where a fetch is due: its own sleep goes by another clock,
    /// which stands still while a machine does.
    pub(crate) fn known(&self, now: i64) -> Result<Arc<KeySet>, Refusal> {
        let state = self.0.lock();
        if state.schedule.is_due(now) {
            self.0.changed.notify_one();
        }
        match &state.keys {
            Some(keys) => Ok(Arc::clone(keys)),
            None if state.schedule.is_pending(now) => Err(Refusal::KeysPending),
            None => Err(Refusal::NoKeys),
        }
    }

    /// Asks for a fetch, for a token that names an unknown key, and says whether one is to be expected.
    pub(crate) fn ask(&self, now: i64) -> bool {
        let is_pending = self.0.lock().schedule.ask(now);
        if is_pending {
            self.0.changed.notify_one();
        }
        is_pending
    }
}

impl Drop for IssuerKeys {
    /// Ends the thread, at the latest when its fetch has ended. Nobody waits for that.
    fn drop(&mut self) {
        self.0.lock().is_stopped = true;
        self.0.changed.notify_one();
    }
}

impl Shared {
    /// A poisoned lock is no reason to fail: what is behind it is always whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> i64 {
        self.clock.now().milliseconds()
    }

    /// Waits until a fetch is due, or returns `None` when there is to be no other one.
    fn next(&self) -> Option<()> {
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
            let pause = state.schedule.pause(now);
            (state, _) = self.changed.wait_timeout(state, pause).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what a fetch has brought.
    fn take(&self, fetched: Result<KeySet, FetchError>) {
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
                    self.era.end();
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
                let error = chain(&error);
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

fn work(shared: &Shared, mut source: Source) {
    while shared.next().is_some() {
        shared.take(source.fetch());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Condvar, Mutex};

    use guildhall_domain::ports::Clock;
    use guildhall_domain::time::Timestamp;

    use super::{KeySet, Schedule, Shared, State};
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
        let state = State { keys: None, schedule: Schedule::default(), is_stopped: false };
        let shared = Shared {
            name: "elsewhere".to_owned(),
            state: Mutex::new(state),
            changed: Condvar::new(),
            era: Arc::default(),
            clock: Arc::new(Epoch),
        };
        let set = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#;
        let succeed = |set: &str| shared.take(Ok(KeySet::parse(set.as_bytes()).unwrap()));
        let fail = || shared.take(Err(FetchError::Status { url: "http://x.test/keys".to_owned(), status: 500 }));
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
