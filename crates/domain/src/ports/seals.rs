//! Seals what clients or the store keep.

/// Seals what others keep for the service, clients or the store: they can neither read it nor make it.
pub trait Seals: Send + Sync {
    /// `plain`, sealed. It can be opened only with the same `binding`, which is not part of it, by any instance of the service.
    fn seal(&self, plain: &[u8], binding: &[u8]) -> Result<Vec<u8>, SealError>;
    /// What was sealed; `None` if it was not sealed by this service with this binding, or its key is no more there.
    fn open(&self, sealed: &[u8], binding: &[u8]) -> Option<Vec<u8>>;
}

/// Something could not be sealed. It is not the caller's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("bytes could not be sealed")]
pub struct SealError;
