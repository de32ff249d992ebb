//! JSON that is passed on stays the same.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{CodecError, Debug, Decode, Deserialize, Encode, Json, RawJson, Serialize, read, write};

/// Numbers that look random, the same ones each time.
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }
}

fn text<T>(value: &T) -> String
where
    Json: Encode<T>,
{
    let mut json = Vec::new();
    write(&Json, value, &mut json).expect("JSON can express it");
    String::from_utf8(json).expect("it is text")
}

fn back<T>(json: &str) -> Result<T, CodecError>
where
    Json: Decode<T>,
{
    read(&Json, json.as_bytes())
}

#[test]
fn a_million_random_floats_read_back_as_they_were() {
    let mut numbers = Numbers(1);
    for _ in 0..1_000 {
        let bits = numbers.by_ref().map(f64::from_bits).filter(|float| float.is_finite());
        let floats: Vec<f64> = bits.take(1_000).collect();
        let read: Vec<f64> = back(&text(&floats)).expect("they are JSON");
        let same = floats.iter().zip(&read).all(|(a, b)| a.to_bits() == b.to_bits());
        assert!(same && floats.len() == read.len());
    }
}

#[test]
fn literals_of_seventeen_digits_are_read_as_the_nearest_float() {
    let literals: Vec<String> = Numbers(2)
        .take(100_000)
        .map(|bits| {
            let digits = bits % 100_000_000_000_000_000;
            let exponent = i32::try_from((bits >> 57) % 100).expect("it is small") - 50;
            format!("{}.{:016}e{exponent}", digits / 10_000_000_000_000_000, digits % 10_000_000_000_000_000)
        })
        .chain(
            ["1.5777777777770001", "0.1", "2.2250738585072011e-308", "9007199254740993", "5e-324"]
                .map(Into::into),
        )
        .collect();
    let json = format!("[{}]", literals.join(","));
    let nearest: Vec<f64> = literals.iter().map(|literal| literal.parse().expect("a float")).collect();
    assert_eq!(back::<Vec<f64>>(&json).expect("JSON"), nearest);
    // By way of a double that would be rounded twice.
    let literals: Vec<String> =
        literals.iter().map(|literal| literal.replace("e3", "e-3").replace("e4", "e-4")).collect();
    let json = format!("[{}]", literals.join(","));
    let nearest: Vec<f32> = literals.iter().map(|literal| literal.parse().expect("a float")).collect();
    let finite = |json: &str| back::<Vec<f32>>(json).expect("JSON");
    let all = finite(&json);
    assert!(all.iter().zip(&nearest).all(|(a, b)| a.to_bits() == b.to_bits()));
    // Behind a value of no fixed type as well.
    let values: Vec<Value> = back(&json).expect("JSON");
    assert!(values.iter().zip(&literals).all(|(value, literal)| value.as_f64() == literal.parse().ok()));
}

#[test]
fn single_floats_read_back_as_they_were() {
    let floats: Vec<f32> = Numbers(3)
        .map(|bits| f32::from_bits((bits >> 32).try_into().expect("the upper half")))
        .filter(|f| f.is_finite())
        .take(200_000)
        .collect();
    assert_eq!(back::<Vec<f32>>(&text(&floats)).expect("JSON"), floats);
}

#[test]
fn integers_are_exact_up_to_the_limits_of_their_types_and_an_error_beyond() {
    fn whole<T: Debug + PartialEq + Serialize + for<'de> Deserialize<'de>>(all: &[T]) {
        for number in all {
            assert_eq!(&back::<T>(&text(number)).expect("it fits"), number);
        }
    }
    whole(&[u64::MAX, u64::MAX - 1, 1 << 53, (1 << 53) + 1, 0]);
    whole(&[i64::MIN, i64::MIN + 1, -(1 << 53) - 1, i64::MAX]);
    whole(&[u128::MAX, u128::from(u64::MAX) + 1, 327_267_367_867_168_100_000]);
    whole(&[i128::MIN, i128::from(i64::MIN) - 1, i128::MAX]);
    assert!(back::<u64>("18446744073709551616").is_err() && back::<i64>("-9223372036854775809").is_err());
    assert!(back::<u128>("340282366920938463463374607431768211456").is_err());
    assert!(back::<u64>("1e3").is_err() && back::<u64>("1.0").is_err(), "no float is taken for an integer");
    assert!(back::<f64>("1e400").is_err() && back::<f32>("1e39").is_err(), "nor anything for infinity");
}

#[derive(Serialize)]
struct Odd<T> {
    id: u32,
    odd: T,
}

#[derive(Serialize)]
#[serde(tag = "kind")]
enum Tagged {
    Inner { speed: f64 },
}

#[derive(Serialize)]
struct Flat {
    id: u32,
    #[serde(flatten)]
    rest: HashMap<String, f32>,
}

/// The key of a map: the standard library has none for floats.
struct Keyed(f64);

impl Serialize for Keyed {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, 1)])
    }
}

#[test]
fn what_is_no_number_in_json_is_an_error_wherever_it_stands() {
    fn refused<T: Serialize>(value: T) {
        let mut json = Vec::new();
        let error = write(&Json, &value, &mut json).expect_err("there is no number for it").to_string();
        assert!(error.contains("JSON has no number for") && error.contains("Option"), "{error}");
    }
    for float in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        refused(float);
        refused(Some(float));
        refused(vec![1.0, float]);
        refused((1, float));
        refused(Odd { id: 1, odd: float });
        refused(Odd { id: 1, odd: vec![Odd { id: 2, odd: Some([float]) }] });
        refused(Tagged::Inner { speed: float });
        refused(BTreeMap::from([("a", float)]));
        refused(Result::<f64, ()>::Ok(float));
        #[expect(clippy::cast_possible_truncation, reason = "it stays what it is")]
        let single = float as f32;
        refused(single);
        refused(std::num::Wrapping(single));
        refused(Flat { id: 1, rest: HashMap::from([("a".to_owned(), single)]) });
    }
    refused(Keyed(f64::NAN));
    assert_eq!(text(&Keyed(1.5)), r#"{"1.5":1}"#);
    let no_text = write(&Json, &BTreeMap::from([((1, 2), 3)]), &mut Vec::new());
    assert!(no_text.expect_err("no key").to_string().contains("key must be a string"));
}

/// Passes through a pipeline in any of its shapes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Unit,
    New(Box<Option<Shape>>),
    Tuple(i8, char, bool),
    Struct { bytes: Vec<u8>, text: String, nothing: (), map: BTreeMap<u64, f32> },
}

#[test]
fn what_json_can_express_is_written_as_serde_json_does() {
    let map = BTreeMap::from([(1, 0.1), (2, f32::MIN_POSITIVE)]);
    let inner = Shape::Struct { bytes: vec![0, 255], text: "\u{1}\"é".to_owned(), nothing: (), map };
    let all = vec![
        Shape::Unit,
        Shape::New(Box::new(Some(inner))),
        Shape::Tuple(-1, 'ß', true),
        Shape::New(Box::new(None)),
    ];
    let json = text(&all);
    assert_eq!(json, serde_json::to_string(&all).expect("JSON"));
    assert_eq!(back::<Vec<Shape>>(&json).expect("JSON"), all);
    let value: Value = back(r#"{"b":[1,-2,3.5,null,"x",{"c":{}}],"a":true}"#).expect("JSON");
    assert_eq!(text(&value), value.to_string());
}

#[test]
fn a_raw_text_stays_as_it_came_and_must_be_one_whole_json_text() {
    for json in
        [r#" {"z":327267367867168100000, "a":1.50,"a":-0,"u":"\ud800\u0041"} "#, "1e999", "\"\"", "\n[ ]\r\t"]
    {
        let raw: RawJson = back(json).expect("it is JSON");
        assert_eq!((raw.as_str(), text(&raw).as_str()), (json, json));
    }
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(text(&back::<RawJson>(&deep).expect("it is JSON")), deep);
    for no_json in [
        "",
        " ",
        "{",
        "[1]]",
        "{} {}",
        "{'a':1}",
        "NaN",
        "01",
        "\"\u{1}\"",
        "\u{feff}1",
        "nul",
        "[1,]",
        "\"\\x\"",
    ] {
        assert!(back::<RawJson>(no_json).is_err(), "{no_json:?}");
    }
    assert!(read::<RawJson, _>(&Json, b"\"\xff\"").is_err(), "JSON is UTF-8");
    let raw: RawJson = back(r#"{"name":"Zoë","cents":12}"#).expect("JSON");
    let (name, cents): (&str, u8) = {
        #[derive(Deserialize)]
        struct Order<'a> {
            name: &'a str,
            cents: u8,
        }
        let Order { name, cents } = raw.parse().expect("an order");
        (name, cents)
    };
    assert_eq!((name, cents), ("Zoë", 12));
    assert!(raw.parse::<u8>().is_err());
    assert_eq!(RawJson::of(&[1, 2]).expect("JSON").into_string(), "[1,2]");
    assert!(RawJson::of(&f64::NAN).is_err());
}
