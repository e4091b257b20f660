//! A panic tells where it happened and never what it says: its text may hold whatever the program had in hand. One that
//! is caught belongs to whoever caught it; every other one is a line of the log.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};

thread_local! {
    /// How many times over this thread is inside [`catch`].
    static CATCHING: Cell<u32> = const { Cell::new(0) };
    /// Where the newest panic happened that this thread caught.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// From now on panics of this process are logged by their place, in place of what the standard library prints.
pub fn install() {
    std::panic::set_hook(Box::new(note));
}

fn note(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(|| UNKNOWN.to_owned(), ToString::to_string);
    if CATCHING.get() > 0 {
        PLACE.set(Some(place));
    } else {
        tracing::error!("a thread panicked at {place}");
    }
}

const UNKNOWN: &str = "an unknown place";

/// Does something that must not panic and may. What it had borrowed to change is the caller's to mend.
///
/// # Errors
/// Where it panicked; the caller tells of it.
pub fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    CATCHING.set(CATCHING.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    CATCHING.set(CATCHING.get() - 1);
    outcome.map_err(|_what_it_says| PLACE.take().unwrap_or_else(|| UNKNOWN.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_that_is_caught_says_where_and_not_what() {
        install();
        assert_eq!(catch(|| 7), Ok(7));
        let place = catch(|| panic!("a secret")).map(|()| 0).expect_err("it panicked");
        assert!(place.contains("panics.rs:") && !place.contains("secret"), "{place}");
        assert_eq!(CATCHING.get(), 0);
    }
}
