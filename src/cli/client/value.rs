//! A metric's value as a person writes it: a decimal with optional sign, fraction and exponent, nothing else.

/// Reads a value.
///
/// # Errors
/// When it is no such decimal, or beyond the largest 64-bit float.
pub fn parse(text: &str) -> Result<f64, String> {
    let refused = || format!("{text:?} is no value: write a decimal number as 12000, -5, 0.5 or 1e3");
    if !is_decimal(text) {
        return Err(refused());
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(refused)
}

fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = text.split_once(['e', 'E']).map_or((text, None), |(left, right)| (left, Some(right)));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = |text: &str| text.strip_prefix(['+', '-']).unwrap_or(text).to_owned();
    let mantissa = unsigned(mantissa);
    let whole = match mantissa.split_once('.') {
        None => digits(&mantissa),
        Some((left, right)) => digits(&format!("{left}{right}")) && !right.is_empty(),
    };
    whole && exponent.is_none_or(|exponent| digits(&unsigned(exponent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn met_143_decimals_are_values_and_nothing_else_is() {
        for (text, value) in [("-5", -5.0), ("1e3", 1000.0), ("0", 0.0), ("+1.5", 1.5), (".5", 0.5), ("2E-2", 0.02)] {
            assert_eq!(parse(text), Ok(value), "{text}");
        }
        for text in ["0x10", "1,000", "nan", "inf", "", " 1", "1 ", "-", ".", "1.", "1e", "1e1.5", "1e400", "١", "--5"]
        {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
