//! Argon2 in the PHC string format. The hashes that this service makes are of Argon2id.

use argon2::password_hash::phc::{self, Output, ParamsString, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;

use super::{lower_than, within};
use crate::passwords::foreign::{RefusedHash, Weakness};

/// The memory of one hash. This and the next two parameters are what OWASP recommends for Argon2id (Password Storage Cheat
/// Sheet).
pub(in crate::passwords) const MEMORY_KIB: u32 = 19_456;
const ITERATIONS: u32 = 2;
const PARALLELISM: u32 = 1;
/// RFC 9106, section 3.1.
pub(in crate::passwords) const SALT_BYTES: usize = 16;
/// The most memory for verifying a stored hash that has other parameters: the second recommendation of RFC 9106.
const MAX_MEMORY_KIB: u32 = 65_536;
/// The most memory that all iterations write together, which takes about a second: 16 iterations of the most memory, and more of
/// less.
const MAX_WRITTEN_KIB: u32 = 16 * MAX_MEMORY_KIB;
/// What all iterations write with the lightest parameters that OWASP recommends: 7 MiB and five iterations.
const RECOMMENDED_WRITTEN_KIB: u32 = 5 * 7_168;

const NAME: &str = "Argon2";
const MEMORY: &str = "memory in KiB";
const WRITTEN: &str = "memory in KiB times the number of iterations";

/// A hash by Argon2.
pub(in crate::passwords) struct Argon2Hash {
    argon2: Argon2<'static>,
    algorithm: Algorithm,
    version: Version,
    salt: Salt,
    output: Output,
    text: String,
}

/// A hash by Argon2 could not be computed.
#[derive(Debug, thiserror::Error)]
pub(in crate::passwords) enum Failed {
    #[error("there is no memory for the hash")]
    Memory(#[from] std::collections::TryReserveError),
    #[error("the hash could not be computed")]
    Argon2(#[from] argon2::Error),
    #[error("the hash could not be written")]
    Phc(#[from] phc::Error),
    #[error("the parameters of the hash could not be written")]
    Params(#[from] argon2::password_hash::Error),
}

impl Argon2Hash {
    /// Hashes `password` with the parameters of this service.
    pub(in crate::passwords) fn text_of(
        password: &[u8],
        salt: &[u8; SALT_BYTES],
        memory: &mut Vec<Block>,
    ) -> Result<String, Failed> {
        let params = Params::new(MEMORY_KIB, ITERATIONS, PARALLELISM, None)?;
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        fill(&argon2, password, salt, &mut output, memory)?;
        let hash = phc::PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        };
        Ok(hash.to_string())
    }

    pub(super) fn parse(text: &str) -> Result<Self, RefusedHash> {
        let malformed = RefusedHash::Malformed(NAME);
        let hash = phc::PasswordHash::new(text).map_err(|_| malformed)?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|_| malformed)?;
        // Argon2 wrote no version before version 19.
        let version = hash.version.map_or(Ok(Version::V0x10), Version::try_from).map_err(|_| malformed)?;
        let params = Params::try_from(&hash).map_err(|_| malformed)?;
        let (Some(salt), Some(output)) = (hash.salt, hash.hash) else { return Err(malformed) };
        // The key of a hash with a key identifier is not known here.
        if salt.len() < argon2::MIN_SALT_LEN || !params.keyid().is_empty() {
            return Err(malformed);
        }
        within(MEMORY, params.m_cost(), Params::MIN_M_COST..=MAX_MEMORY_KIB)?;
        within(WRITTEN, written(&params), Params::MIN_M_COST..=MAX_WRITTEN_KIB)?;
        let argon2 = Argon2::new(algorithm, version, params);
        Ok(Self { argon2, algorithm, version, salt, output, text: text.to_owned() })
    }

    pub(super) fn text(&self) -> String {
        self.text.clone()
    }

    pub(super) fn weakness(&self) -> Option<Weakness> {
        lower_than(WRITTEN, written(self.argon2.params()), RECOMMENDED_WRITTEN_KIB)
    }

    pub(super) fn matches(&self, password: &[u8], memory: &mut Vec<Block>) -> Result<bool, Failed> {
        let mut output = vec![0; self.output.len()];
        fill(&self.argon2, password, &self.salt, &mut output, memory)?;
        Ok(verify_slices_are_equal(&output, self.output.as_bytes()).is_ok())
    }

    /// Whether it is at least as strong as a hash that is made now.
    pub(super) fn is_current(&self) -> bool {
        let params = self.argon2.params();
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && params.m_cost() >= MEMORY_KIB
            && params.t_cost() >= ITERATIONS
            && self.salt.len() >= SALT_BYTES
            && self.output.len() >= Params::DEFAULT_OUTPUT_LEN
    }
}

/// The memory in KiB that all iterations write together.
fn written(params: &Params) -> u32 {
    params.m_cost().saturating_mul(params.t_cost())
}

/// Fills `output` with the hash of `password`. `memory` is what a slot reuses; a hash that takes more than those that are made here
/// takes it from elsewhere.
fn fill(
    argon2: &Argon2<'_>,
    password: &[u8],
    salt: &[u8],
    output: &mut [u8],
    memory: &mut Vec<Block>,
) -> Result<(), Failed> {
    let blocks = argon2.params().block_count();
    let mut more = Vec::new();
    let memory = if blocks <= MEMORY_KIB as usize { memory } else { &mut more };
    let wanted = blocks.max(MEMORY_KIB as usize);
    memory.try_reserve_exact(wanted.saturating_sub(memory.len()))?;
    memory.resize(wanted, Block::new());
    Ok(argon2.hash_password_into_with_memory(password, salt, output, memory)?)
}
