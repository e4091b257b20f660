//! The append-only, hash-chained store. It knows no business word: payloads are text to it.
//!
//! Personal values: [`keyring`] (whose key seals what), [`master_key`] (the key outside the database), [`seal`]
//! (the cryptography).

mod key_table;
pub mod keyring;
pub mod master_key;
pub mod seal;

pub use keyring::{ClaimDigest, KeyRing, KeyRingError, SubjectAlias};
pub use master_key::{KeyFileError, KeySource, MasterKey};
pub use seal::SealError;
