//! Limits of bodies and of failed sign-ins, which can be changed while requests are answered.

use std::sync::{Arc, PoisonError, RwLock};

use crate::oauth::throttle::{Throttle, TokenLimits};

/// The largest bodies; larger ones are answered with 413.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most ids in a bulk request.
    pub bulk_ids: usize,
    /// The most bytes in the body of a bulk request, or of one with many checks.
    pub bulk_bytes: usize,
    /// The most bytes in any other body.
    pub body_bytes: usize,
}

/// The limits in effect. Clones share them.
#[derive(Clone)]
pub struct LimitsHandle(Arc<RwLock<InEffect>>);

struct InEffect {
    limits: Limits,
    token_limits: TokenLimits,
    throttle: Arc<Throttle>,
}

impl LimitsHandle {
    pub(crate) fn new(limits: Limits, token_limits: TokenLimits) -> Self {
        let throttle = Arc::new(Throttle::new(token_limits));
        Self(Arc::new(RwLock::new(InEffect { limits, token_limits, throttle })))
    }

    /// Puts other limits into effect, from the next request on. Failed sign-ins that were counted are forgotten only if their limits change.
    pub fn set(&self, limits: Limits, token_limits: TokenLimits) {
        let mut current = self.0.write().unwrap_or_else(PoisonError::into_inner);
        current.limits = limits;
        if current.token_limits != token_limits {
            current.token_limits = token_limits;
            current.throttle = Arc::new(Throttle::new(token_limits));
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        self.0.read().unwrap_or_else(PoisonError::into_inner).limits
    }

    pub(crate) fn throttle(&self) -> Arc<Throttle> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).throttle)
    }
}
