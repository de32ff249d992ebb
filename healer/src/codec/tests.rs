//! The formats on bytes of their own and on bytes of anybody's.

use std::{collections::BTreeMap, fmt::Debug};

use proptest::{collection::vec, prelude::*};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Bincode, Bytes, Decode, Encode, Json, Text};

#[test]
fn bincode_refuses_a_length_that_is_longer_than_the_bytes() {
    let mut bytes = Vec::new();
    Bincode.encode(&vec![1_u8, 2, 3], &mut bytes).expect("encodes");
    assert_eq!(Decode::<Vec<u8>>::decode(&Bincode, &bytes).expect("decodes"), [1, 2, 3]);
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(Decode::<Vec<u8>>::decode(&Bincode, &bytes).is_err());
}

#[test]
fn text_that_is_not_utf8_is_an_error() {
    assert!(Text.decode(&[0xff]).is_err());
    assert_eq!(Text.decode(b"").expect("empty text is text"), "");
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

/// A value that reads back, also behind bytes that are there already, and what its bytes are.
fn round_trip<T: Debug + PartialEq, F: Decode<T> + Encode<T>>(format: &F, value: &T) -> Vec<u8> {
    let mut bytes = b"before".to_vec();
    format.encode(value, &mut bytes).expect("encodes");
    let bytes = bytes.strip_prefix(b"before").expect("it appends").to_vec();
    assert_eq!(&format.decode(&bytes).expect("decodes"), value);
    bytes
}

/// Foreign bytes are an error with a text, or a value that reads back.
fn foreign<T, F>(format: &F, bytes: &[u8])
where
    T: Debug + PartialEq + Serialize + DeserializeOwned,
    F: Decode<T> + Encode<T>,
{
    match format.decode(bytes) {
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
        prop_assert!(Decode::<Flight>::decode(&Bincode, &binary[..cut.index(binary.len())]).is_err());
        prop_assert!(Decode::<Flight>::decode(&Json, &json[..cut.index(json.len())]).is_err());
        binary.push(more);
        json.push(b'}');
        prop_assert!(Decode::<Flight>::decode(&Bincode, &binary).is_err());
        prop_assert!(Decode::<Flight>::decode(&Json, &json).is_err());
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
    }
}
