//! Personal values as the rules see them: ciphertext they can move but not read.
//!
//! Values are sealed at the edge, before a command exists, and opened at the edge, after a query. Events,
//! snapshots and read models hold only the sealed text, so destroying the subject's key erases all at once
//! (design section 3, invariant 7).

use std::fmt;

use serde::{Deserialize, Serialize};

/// Whose key seals a value: a random id that says nothing about the person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectId(pub String);

impl fmt::Display for SubjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A sealed personal value: `v1|<subject>|<context>|<base64url of nonce and ciphertext>`.
///
/// The context ([`crate::seal_context`]) is authenticated with the ciphertext and asked for by whoever reads the field,
/// so a value that was moved to another stream or field no longer opens there.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sealed(String);

impl Sealed {
    /// Puts the parts together. `context` must not contain `|`.
    #[must_use]
    pub fn from_parts(subject: &SubjectId, context: &str, sealed_base64: &str) -> Self {
        Self(format!("v1|{subject}|{context}|{sealed_base64}"))
    }

    /// Takes a stored text as it is. Whether it opens is found out when it is opened.
    #[must_use]
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The stored text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Subject, context and base64 body; `None` where the text has another form.
    #[must_use]
    pub fn parts(&self) -> Option<(&str, &str, &str)> {
        let mut parts = self.0.splitn(4, '|');
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some("v1"), Some(subject), Some(context), Some(body)) => Some((subject, context, body)),
            _ => None,
        }
    }

    /// The subject whose key opens it.
    #[must_use]
    pub fn subject(&self) -> Option<SubjectId> {
        self.parts().map(|(subject, _, _)| SubjectId(subject.to_owned()))
    }
}

/// The field a value is sealed for: `<stream type>/<stream id>/<field>`. [`crate::seal_context`] has them all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealContext(String);

/// Somewhere a sealed value may stand.
pub trait Admits {
    /// Whether a value that was sealed for this field belongs there.
    fn admits(&self, context: &str) -> bool;
}

impl Admits for SealContext {
    fn admits(&self, context: &str) -> bool {
        self.0 == context
    }
}

impl fmt::Display for SealContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SealContext {
    /// A field of a stream. What the program seals has a function of its own in [`crate::seal_context`].
    #[must_use]
    pub fn of(stream_type: &str, stream_id: impl fmt::Display, field: &str) -> Self {
        Self(format!("{stream_type}/{stream_id}/{field}"))
    }

    /// The text that is sealed with the value.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
