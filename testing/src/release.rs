//! What a release may not hold. `cargo xtask test` compiles this file as a release would and expects the refusal.

#[cfg(not(debug_assertions))]
compile_error!(
    "muniment-testing wipes its store for whoever has the daemon token: it is built for tests only, never in a release"
);
