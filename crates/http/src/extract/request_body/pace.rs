//! How fast a body must come.

use std::time::Duration;

use tokio::time::Instant;

/// The timeout for the first byte, and the time added for each byte received: a minimum rate of 1 KiB a second.
const FIRST_BYTE_TIME: Duration = Duration::from_secs(10);
const TIME_PER_BYTE: Duration = Duration::from_nanos(1_000_000_000 / 1024);
/// The longest pause between two parts of a body.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// The rate of a body, without the overhead of chunks.
pub(super) struct Pace {
    begun: Instant,
    last: Instant,
    allowed: Duration,
}

impl Pace {
    /// That of a body that is awaited from this moment on.
    pub(super) fn begin() -> Self {
        let now = Instant::now();
        Self { begun: now, last: now, allowed: FIRST_BYTE_TIME }
    }

    /// Counts bytes that have come.
    pub(super) fn has_received(&mut self, bytes: usize) {
        self.last = Instant::now();
        self.allowed += TIME_PER_BYTE.saturating_mul(u32::try_from(bytes).unwrap_or(u32::MAX));
    }

    /// When the next part is due.
    pub(super) fn deadline(&self) -> Instant {
        (self.begun + self.allowed).min(self.last + MAX_PAUSE)
    }
}
