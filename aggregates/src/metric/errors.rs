//! Every way a metric refuses, with the reason code the wire speaks (spec/metrics.md section 2.3).

use thiserror::Error;

use crate::decider::Refuse;

/// Why a metric said no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MetricRefusal {
    /// The stream has no metric yet.
    #[error("there is no such metric")]
    NotDefined,
    /// The stream has a metric already.
    #[error("the metric is defined already")]
    AlreadyDefined,
    /// The key is empty, too long, or not a slug.
    #[error("the metric key must be a slug of 1 to 100 characters")]
    InvalidKey,
    /// A value is not a finite number.
    #[error("value must be a finite number")]
    InvalidValue,
    /// A time is not as section 6.3 wants it, or too far ahead.
    #[error("timestamp is no ISO 8601 calendar time, or more than 366 days ahead")]
    InvalidTimestamp,
    /// An idempotency key is empty, too long, or has control characters.
    #[error("the idempotency key must have 1 to 255 characters and no control character")]
    InvalidIdempotencyKey,
    /// A batch is empty or too large, or names a key twice.
    #[error("a batch has 1 to 1,000 points, and no idempotency key twice")]
    InvalidBatch,
    /// A field is out of its bounds.
    #[error("{field} is out of its bounds")]
    InvalidField {
        /// Which field.
        field: &'static str,
    },
    /// A new rule lacks what its type has no default for.
    #[error("{field} is needed for a new rule of this type")]
    MissingField {
        /// Which field.
        field: &'static str,
    },
    /// The metric never raised this alert.
    #[error("there is no such alert")]
    AlertNotFound,
}

impl Refuse for MetricRefusal {
    fn reason(&self) -> &'static str {
        match self {
            Self::NotDefined => "metric_not_found",
            Self::AlreadyDefined => "metric_exists",
            Self::InvalidKey => "invalid_metric_key",
            Self::InvalidValue => "invalid_value",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::InvalidIdempotencyKey => "invalid_idempotency_key",
            Self::InvalidBatch => "invalid_batch",
            Self::InvalidField { .. } => "invalid_field",
            Self::MissingField { .. } => "missing_field",
            Self::AlertNotFound => "alert_not_found",
        }
    }
}
