//! What a founder tells of himself and his company: free text, so it is sealed under his key like his name. Applications
//! from before that hold it in clear, and an append-only record keeps it so (docs/decisions/0010).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::sealed::Sealed;

/// A JSON object, sealed as its text, or in clear where it was recorded before narratives were sealed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Narrative {
    /// The text of the object, sealed under the founder's subject.
    Sealed(Sealed),
    /// The object as it was given.
    Clear(Map<String, Value>),
}
