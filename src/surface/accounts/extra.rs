//! Methods that a program built on this library mounts on the dispatcher beside the table's. `muniment` itself mounts
//! none; the test-support program does (docs/integrate/conformance.md).

use std::future::Future;
use std::pin::Pin;

use serde_json::{Map, Value};

use super::caller::Caller;
use super::failure::ApiFailure;
use crate::surface::Surface;

/// What such a method will answer.
pub type ExtraAnswer<'a> = Pin<Box<dyn Future<Output = Result<Value, ApiFailure>> + 'a>>;

/// Further methods. They pass no gate but those they hold themselves, and are in no listing.
pub trait ExtraMethods: Send + Sync {
    /// Calls one; `None` where there is no such method.
    fn call<'a>(
        &'a self,
        surface: &'a Surface,
        caller: Option<&'a Caller>,
        method: &'a str,
        params: Map<String, Value>,
    ) -> Option<ExtraAnswer<'a>>;
}
