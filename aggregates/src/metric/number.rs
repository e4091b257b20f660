//! Numbers as text, the way ECMAScript prints them: alert summaries are compared with other implementations
//! character by character (spec/metrics.md section 7.3).

/// `String(value)`: `12000`, `4.5`, `1e-7`, `1e+21`. Takes finite and other values alike.
#[must_use]
pub fn text(value: f64) -> String {
    ryu_js::Buffer::new().format(value).to_owned()
}

/// `(growth * 100).toFixed(0)`: whole percent, half up on the exact binary value, without the sign `%`.
#[must_use]
pub fn percent(growth: f64) -> String {
    ryu_js::Buffer::new().format_to_fixed(growth * 100.0, 0).to_owned()
}

/// The value as it is stored: −0 becomes 0, everything else stays.
#[must_use]
pub fn stored(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value }
}
