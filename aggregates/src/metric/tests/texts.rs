//! Slugs, titles, numbers and times, held against the tables of the specification.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::super::{number, slug as slugs, timestamp};
use super::*;

#[test]
fn met_070_slugs_and_titles_are_as_the_table_lists() {
    let table = [
        ("Weekly Revenue", "weekly_revenue", "Weekly Revenue"),
        ("  MRR (USD) ", "mrr_usd", "Mrr Usd"),
        ("weekly--revenue__", "weekly_revenue", "Weekly Revenue"),
        ("ünïcode KPI", "n_code_kpi", "N Code Kpi"),
        ("ARR-2026/Q1", "arr_2026_q1", "Arr 2026 Q1"),
        ("İstanbul", "i_stanbul", "I Stanbul"),
        ("Éclair", "clair", "Clair"),
        ("\u{a0}\u{2003}Key\u{3000}", "key", "Key"),
        ("a/b", "a_b", "A B"),
        ("9 lives", "9_lives", "9 Lives"),
        ("\u{212a}elvin", "kelvin", "Kelvin"),
        ("!!!", "", ""),
        ("日本", "", ""),
        ("", "", ""),
    ];
    for (key, slug_expected, title_expected) in table {
        assert_eq!(slug(key), slug_expected, "slug of {key:?}");
        assert_eq!(title(slug_expected), title_expected, "title of {slug_expected:?}");
    }
}

#[test]
fn a_slug_is_valid_up_to_100_characters() {
    assert!(slugs::is_valid(&"a".repeat(100)));
    assert!(!slugs::is_valid(&"a".repeat(101)));
    for text in ["", "_a", "a_", "a__b", "A", "a-b", "é"] {
        assert!(!slugs::is_valid(text), "{text:?}");
    }
}

#[test]
fn numbers_print_as_ecmascript_prints_them() {
    let table = [
        (12_000.0, "12000"),
        (4.5, "4.5"),
        (0.1, "0.1"),
        (1e-7, "1e-7"),
        (1e-6, "0.000001"),
        (1e21, "1e+21"),
        (1e20, "100000000000000000000"),
        (-5.0, "-5"),
        (0.0, "0"),
        (-0.0, "0"),
        (9_007_199_254_740_993.0, "9007199254740992"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
    ];
    for (value, text) in table {
        assert_eq!(number::text(value), text);
    }
}

#[test]
fn percents_round_half_up_on_the_exact_binary_value() {
    let table = [
        (0.625, "63"),
        (0.505, "51"),
        (0.574_999_999_999_999_9, "57"),
        (0.5, "50"),
        (0.005, "1"),
        (0.015, "2"),
        (0.025, "3"),
        (0.0, "0"),
        (1e21, "1e+23"),
        (9_999_999.0, "999999900"),
        (f64::INFINITY, "Infinity"),
    ];
    for (growth, text) in table {
        assert_eq!(number::percent(growth), text, "{growth}");
    }
}

proptest! {
    /// Adding a half before flooring would round 0.49999999999999994 up; the fraction alone decides here.
    #[test]
    fn percents_agree_with_exact_half_up(percent in 0.0_f64..4e15) {
        let below = percent.floor();
        let rounded = if percent - below >= 0.5 { below + 1.0 } else { below };
        let text = ryu_js::Buffer::new().format_to_fixed(percent, 0).to_owned();
        prop_assert_eq!(text, format!("{rounded:.0}"));
    }

    #[test]
    fn a_slug_of_a_slug_is_itself(text in ".{0,60}") {
        let once = slug(&text);
        prop_assert_eq!(slug(&once), once.clone());
        prop_assert!(once.is_empty() || once.len() > slugs::SLUG_CHARACTERS_MAX || slugs::is_valid(&once));
    }

    #[test]
    fn whatever_text_comes_reading_it_as_a_time_does_not_panic(text in "[0-9TZ :.+é-]{0,40}") {
        if let Ok(instant) = timestamp::parse(&text) {
            let stored = serde_json::to_string(&instant).unwrap();
            prop_assert_eq!(serde_json::from_str::<DateTime<Utc>>(&stored).unwrap(), instant);
        }
    }
}

#[test]
fn times_of_the_grammar_are_read() {
    let table = [
        ("2026", "2026-01-01T00:00:00Z"),
        ("2026-06", "2026-06-01T00:00:00Z"),
        ("2026-06-08", "2026-06-08T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z"),
        ("2026-06-08T16:00", "2026-06-08T16:00:00Z"),
        ("2026-06-08 16:00", "2026-06-08T16:00:00Z"),
        ("2026-06-08T16:00Z", "2026-06-08T16:00:00Z"),
        ("2026-06-08T18:00:00+02:00", "2026-06-08T16:00:00Z"),
        ("2026-06-08 10:30:00-05:30", "2026-06-08T16:00:00Z"),
        ("2026-06-08T16:00:59.5Z", "2026-06-08T16:00:59.5Z"),
        ("2026-06-08T16:00:00.123456", "2026-06-08T16:00:00.123456Z"),
        ("2026-06-08T16:00:00.123456999Z", "2026-06-08T16:00:00.123456Z"),
        ("2026-06-08T16:00:00.1234569991111Z", "2026-06-08T16:00:00.123456Z"),
        ("2026-06-08T23:59:59-00:00", "2026-06-08T23:59:59Z"),
        ("0001-01-01T00:00+23:59", "0000-12-31T00:01:00Z"),
    ];
    for (text, instant) in table {
        let expected: DateTime<Utc> = instant.parse().unwrap();
        assert_eq!(timestamp::parse(text), Ok(expected), "{text}");
    }
}

#[test]
fn times_outside_the_grammar_are_refused() {
    let refused = [
        "",
        " ",
        "20",
        "20266",
        "2026-6",
        "2026-06-8",
        "2026-13",
        "2026-00",
        "2026-02-30",
        "2025-02-29",
        "2026-W23",
        "2026-W23-1",
        "2026-159",
        "20260608",
        "2026/06/08",
        "2026-06-08T",
        "2026-06-08T16",
        "2026-06-08T24:00",
        "2026-06-08T16:60",
        "2026-06-08T16:00:60Z",
        "2026-06-08T16:00.5Z",
        "2026-06-08T16:00:00.Z",
        "2026-06-08T16:00:00,5Z",
        "2026-06-08T16:00:00+0200",
        "2026-06-08T16:00:00+02",
        "2026-06-08T16:00:00+24:00",
        "2026-06-08T16:00:00+02:60",
        "2026-06-08T16:00:00ZZ",
        "2026-06-08t16:00:00z",
        "2026-06-08  16:00",
        " 2026-06-08",
        "2026-06-08 ",
        "2026-06-08Z",
        "2026-06T16:00",
        "2026T16:00",
        "+2026-06-08",
        "-2026",
        "next Tuesday",
        "June 8, 2026",
        "1780000000",
        "２０２６",
        "2026-06-08T16:00:00+é:00",
        "+1:00",
        "2026-06-08T1é:00",
        "2026-06-08T16:00:00.11111111111111111111111111111111111111111111111Z",
    ];
    for text in refused {
        assert_eq!(timestamp::parse(text), Err(timestamp::InvalidTimestamp), "{text:?}");
    }
}
