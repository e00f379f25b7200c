//! JSON from strangers: bounded in size and depth.

use super::Object;
use crate::encoding::{base64_decode, base64_encode};
use crate::limits::MAX_PAYMENT_JSON_DEPTH;
use http::HeaderValue;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Number, Value};

/// The object in `bytes`, if they are one within the bounds. Of a name that occurs
/// twice the last value counts, as in JavaScript.
pub(super) fn object(bytes: &[u8], max_bytes: usize, max_depth: usize) -> Option<Object> {
    if bytes.len() > max_bytes || depth(bytes) > max_depth {
        return None;
    }
    match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// The object in a header value: base64 of JSON.
pub(super) fn object_in_header(value: &str, max_bytes: usize) -> Option<Object> {
    if value.len() > max_bytes {
        return None;
    }
    object(&base64_decode(value)?, max_bytes, MAX_PAYMENT_JSON_DEPTH)
}

/// Base64 of JSON.
pub(super) fn to_header(value: &impl Serialize) -> Option<HeaderValue> {
    let json = serde_json::to_vec(value).ok()?;
    HeaderValue::try_from(base64_encode(json)).ok()
}

/// How deeply brackets are nested at most, where the text is JSON.
fn depth(bytes: &[u8]) -> usize {
    let (mut deepest, mut open) = (0, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// A whole number, also where it is written with a fraction of zero: to JavaScript
/// `60.0` is `60`.
pub(super) fn whole_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let number = Number::deserialize(deserializer)?;
    let whole = |number: &Number| {
        let value = number.as_f64().filter(|value| value.fract() == 0.0)?;
        // Without a sign, a fraction or an exponent, if it is in range.
        format!("{value:.0}").parse().ok()
    };
    let value = number.as_u64().or_else(|| whole(&number));
    value.ok_or_else(|| D::Error::custom("a whole number of seconds is expected"))
}

/// Whether two values are the same to JavaScript: numbers by value (`1` is `1.0`),
/// objects whatever the order of their fields.
pub(super) fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(l, r)| same(l, r))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(name, value)| right.get(name).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Whether `actual` says everything that `expected` says, and says it alike; objects
/// may say more, at every depth.
pub(super) fn contains(actual: &Value, expected: &Value) -> bool {
    match (expected, actual) {
        (Value::Object(expected), Value::Object(actual)) => object_contains(actual, expected),
        (Value::Object(_), _) => false,
        _ => same(expected, actual),
    }
}

/// [`contains`] for objects.
pub(super) fn object_contains(actual: &Object, expected: &Object) -> bool {
    expected
        .iter()
        .all(|(name, value)| actual.get(name).is_some_and(|other| contains(other, value)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed assumption is a failed test")]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn depth_counts_brackets_outside_of_text() {
        for (text, expected) in [
            ("", 0),
            ("{}", 1),
            (r#"{"a":[1,{"b":2}],"c":{}}"#, 3),
            (r#"{"a":"[[[{{{"}"#, 1),
            (r#"{"a":"\"[[["}"#, 1),
            (r#"{"a\\":[[]]}"#, 3),
            ("]]]]{", 1),
        ] {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn objects_are_bounded_in_size_and_depth() {
        let deepest = r#"{"a":[[1]]}"#;
        assert!(object(deepest.as_bytes(), 11, 3).is_some());
        assert!(object(deepest.as_bytes(), 11, 2).is_none());
        assert!(object(deepest.as_bytes(), 10, 3).is_none());
        for text in ["[]", "1", "", "{", "{}{}", "null"] {
            assert!(object(text.as_bytes(), 100, 10).is_none(), "{text}");
        }
    }

    #[test]
    fn sameness_is_that_of_javascript() {
        assert!(same(
            &json!({"a": 1, "b": [1.5]}),
            &json!({"b": [1.5], "a": 1.0})
        ));
        for (left, right) in [
            (json!({"a": 1}), json!({"a": 1, "b": null})),
            (json!([1, 2]), json!([2, 1])),
            (json!("1"), json!(1)),
            (json!(null), json!(false)),
        ] {
            assert!(!same(&left, &right), "{left} {right}");
        }
    }

    #[test]
    fn more_may_be_said_in_objects_but_not_in_arrays() {
        let expected = json!({"a": {"b": 1}, "c": [1]});
        assert!(contains(
            &json!({"a": {"b": 1, "x": 0}, "c": [1], "y": 0}),
            &expected
        ));
        for actual in [
            json!({"a": {"b": 2}, "c": [1]}),
            json!({"a": {"b": 1}}),
            json!({"a": {"b": 1}, "c": [1, 2]}),
            json!({"a": [], "c": [1]}),
            json!(null),
        ] {
            assert!(!contains(&actual, &expected), "{actual}");
        }
    }
}
