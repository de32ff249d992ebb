//! The formats on bytes of their own and on bytes of anybody's.

mod exact;

use std::{collections::BTreeMap, fmt::Debug};

use proptest::{collection::vec, prelude::*};
use serde::{Deserialize, Serialize};

use super::{Bincode, Bytes, Codec, CodecContext, CodecError, Decode, Encode, Json, Part, RawJson, Text};

fn read<T, F: Decode<T>>(format: &F, bytes: &[u8]) -> Result<T, CodecError> {
    format.decode(bytes, &CodecContext::new("t", Part::Value))
}

fn write<T, F: Encode<T>>(format: &F, value: &T, into: &mut Vec<u8>) -> Result<(), CodecError> {
    format.encode(value, into, &CodecContext::new("t", Part::Value))
}

#[test]
fn bincode_refuses_a_length_that_is_longer_than_the_bytes() {
    let mut bytes = Vec::new();
    write(&Bincode, &vec![1_u8, 2, 3], &mut bytes).expect("encodes");
    assert_eq!(read::<Vec<u8>, _>(&Bincode, &bytes).expect("decodes"), [1, 2, 3]);
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(read::<Vec<u8>, _>(&Bincode, &bytes).is_err());
}

#[test]
fn text_that_is_not_utf8_is_an_error() {
    assert!(read(&Text, &[0xff]).is_err());
    assert_eq!(read(&Text, b"").expect("empty text is text"), "");
}

/// A bit of everything that records are made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Flight {
    carrier: String,
    number: u16,
    delay: Option<i64>,
    stops: Vec<Stop>,
    tags: BTreeMap<String, i64>,
    gate: (char, bool),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Stop {
    Airport(String),
    Sea { latitude: i32, longitude: i32 },
    Nowhere,
}

fn flight() -> impl Strategy<Value = Flight> {
    let stop = prop_oneof![
        ".{0,8}".prop_map(Stop::Airport),
        any::<(i32, i32)>().prop_map(|(latitude, longitude)| Stop::Sea { latitude, longitude }),
        Just(Stop::Nowhere),
    ];
    let tags = prop::collection::btree_map(".{0,8}", any::<i64>(), 0..5);
    (".{0,20}", any::<u16>(), any::<Option<i64>>(), vec(stop, 0..6), tags, any::<(char, bool)>()).prop_map(
        |(carrier, number, delay, stops, tags, gate)| Flight { carrier, number, delay, stops, tags, gate },
    )
}

/// Checks that a value reads back, also behind bytes that are there already, and gives its bytes.
fn round_trip<T: Debug + PartialEq, F: Decode<T> + Encode<T>>(format: &F, value: &T) -> Vec<u8> {
    let mut bytes = b"before".to_vec();
    write(format, value, &mut bytes).expect("encodes");
    let bytes = bytes.strip_prefix(b"before").expect("it appends").to_vec();
    assert_eq!(&read(format, &bytes).expect("decodes"), value);
    bytes
}

/// Foreign bytes are an error with a text, or a value that reads back.
fn foreign<T: Debug + PartialEq, F: Decode<T> + Encode<T>>(format: &F, bytes: &[u8]) {
    match read(format, bytes) {
        Ok(value) => drop(round_trip(format, &value)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_format_wrote_it_reads_back(flight in flight(), text in ".*", bytes in vec(any::<u8>(), 0..100)) {
        round_trip(&Bincode, &flight);
        round_trip(&Json, &flight);
        prop_assert_eq!(round_trip(&Text, &text), text.as_bytes());
        prop_assert_eq!(round_trip(&Bytes, &bytes), bytes);
    }

    #[test]
    fn bytes_with_something_missing_or_added_are_an_error(
        flight in flight(),
        cut in any::<prop::sample::Index>(),
        more in 1_u8..,
    ) {
        let mut binary = round_trip(&Bincode, &flight);
        let mut json = round_trip(&Json, &flight);
        prop_assert!(read::<Flight, _>(&Bincode, &binary[..cut.index(binary.len())]).is_err());
        prop_assert!(read::<Flight, _>(&Json, &json[..cut.index(json.len())]).is_err());
        binary.push(more);
        json.push(b'}');
        prop_assert!(read::<Flight, _>(&Bincode, &binary).is_err());
        prop_assert!(read::<Flight, _>(&Json, &json).is_err());
    }

    #[test]
    fn foreign_bytes_are_an_error_or_a_value(
        bytes in vec(prop_oneof![3 => Just(0_u8), 1 => 1_u8..4, 1 => any::<u8>()], 0..120),
        text in r#"[\[\]{}",:0-9a-z ]{0,60}"#,
    ) {
        foreign::<Flight, _>(&Bincode, &bytes);
        foreign::<Vec<Option<String>>, _>(&Bincode, &bytes);
        foreign::<String, _>(&Text, &bytes);
        foreign::<Vec<u8>, _>(&Bytes, &bytes);
        foreign::<Flight, _>(&Json, text.as_bytes());
        foreign::<serde_json::Value, _>(&Json, text.as_bytes());
        foreign::<RawJson, _>(&Json, text.as_bytes());
    }
}

#[test]
fn only_a_value_that_is_none_itself_is_no_value() {
    let none = |value: Option<Option<u32>>| Json.is_none(&value) && Bincode.is_none(&value);
    assert!(none(None));
    assert!(!none(Some(None)) && !none(Some(Some(1))));
    assert!(
        !Json.is_none(&()) && !Json.is_none(&serde_json::Value::Null) && !Json.is_none(&vec![None::<u32>])
    );
    assert!(!Encode::<String>::is_none(&Text, &String::new()));
}

#[test]
fn a_codec_knows_topic_part_and_headers() {
    struct Curious;
    impl Codec for Curious {
        fn format(&self) -> &'static str {
            "curious"
        }
    }
    impl Decode<String> for Curious {
        fn decode(&self, _: &[u8], of: &CodecContext<'_>) -> Result<String, CodecError> {
            let kind = of.headers().get("kind").map(String::from_utf8_lossy).unwrap_or_default();
            Ok(format!("{} {:?} {kind}", of.topic(), of.part()))
        }
    }
    let mut headers = crate::Headers::new();
    headers.push("kind", Some("refund"));
    let of = CodecContext::new("orders", Part::Key).with_headers(&headers);
    assert_eq!(Curious.decode(b"", &of).expect("it reads"), "orders Key refund");
    assert_eq!(read(&Curious, b"").expect("it reads"), "t Value ");
    assert_eq!(format!("{of:?}"), r#"CodecContext { topic: "orders", part: Key, .. }"#, "no data in logs");
}
