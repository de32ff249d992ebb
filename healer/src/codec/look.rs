//! The look of bytes that a codec could not read.

/// In words, with the mend; `None` where the bytes look like nothing that is known.
pub(super) fn of(bytes: &[u8], format: &str) -> Option<String> {
    let text = if format == "json" { json(bytes) } else { None };
    text.or_else(|| marked(bytes)).or_else(|| utf16_without_mark(bytes)).or_else(|| framed(bytes))
}

const OWN_CODEC: &str = "or read it with a codec of your own (`kafka::source(codec, topic)`)";

/// The first bytes of known formats, the words for them, and the advice for the producer.
const MARKS: [(&[u8], &str, &str); 20] = [
    (
        b"\xef\xbb\xbf",
        "begins with a byte order mark (EF BB BF)",
        "have its producer write UTF-8 without one",
    ),
    // Before UTF-16, whose mark is the beginning of this one.
    (b"\xff\xfe\0\0", "begins as UTF-32", UTF8),
    (b"\0\0\xfe\xff", "begins as UTF-32", UTF8),
    (b"\xff\xfe", "begins as UTF-16 (FF FE, little-endian)", UTF8),
    (b"\xfe\xff", "begins as UTF-16 (FE FF, big-endian)", UTF8),
    (b"\x1f\x8b", "begins as gzip (1F 8B)", COMPRESSION),
    (b"\x28\xb5\x2f\xfd", "begins as zstd (28 B5 2F FD)", COMPRESSION),
    (b"\x04\x22\x4d\x18", "begins as LZ4 (04 22 4D 18)", COMPRESSION),
    (b"\xff\x06\0\0sNaPpY", "begins as Snappy", COMPRESSION),
    (b"\x82SNAPPY\0", "begins as Snappy of Java", COMPRESSION),
    (b"\xfd7zXZ\0", "begins as xz", COMPRESSION),
    (b"BZh", "begins as bzip2", COMPRESSION),
    (b"PK\x03\x04", "begins as a zip file", COMPRESSION),
    (b"\x78\x9c", "begins as zlib (78 9C)", COMPRESSION),
    (b"\x78\xda", "begins as zlib (78 DA)", COMPRESSION),
    (b"\x78\x01", "begins as zlib (78 01)", COMPRESSION),
    (b"Obj\x01", "begins as an Avro file (4F 62 6A 01)", FORMAT),
    (b"\xc3\x01", "begins as a single Avro object (C3 01)", FORMAT),
    (b"PAR1", "begins as a Parquet file", FORMAT),
    (b"\xac\xed\0\x05", "begins as a serialized object of Java (AC ED 00 05)", FORMAT),
];

const UTF8: &str = "have its producer write UTF-8";
const COMPRESSION: &str = "let its producer's client compress (`compression.type`) instead of the value";
const FORMAT: &str = "have its producer write what is expected here";

fn marked(bytes: &[u8]) -> Option<String> {
    if bytes.is_empty() {
        return Some(
            "the value is empty: no bytes, which is a value all the same, while a tombstone is a record without one; have its \
             producer write what it means, or skip such records with the source's `on_error`"
                .to_owned(),
        );
    }
    let (_, look, mend) = MARKS.iter().find(|(mark, ..)| bytes.starts_with(mark))?;
    Some(format!("the value {look}: {mend}, {OWN_CODEC}"))
}

/// Every other byte of the beginning is zero, as in UTF-16 of letters.
fn utf16_without_mark(bytes: &[u8]) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let alternates = |zero: usize| pairs.iter().take(8).all(|pair| pair[zero] == 0 && pair[1 - zero] != 0);
    let is_text = pairs.len() >= 2 && rest.is_empty() && (alternates(0) || alternates(1));
    is_text.then(|| format!("the value looks like UTF-16 without a mark: {UTF8}, {OWN_CODEC}"))
}

/// The zero and the number that serializers of schema registries put before a value.
fn framed(bytes: &[u8]) -> Option<String> {
    let (&[0, a, b, c, d], inner) = bytes.split_first_chunk::<5>()? else { return None };
    let id = u32::from_be_bytes([a, b, c, d]);
    if id == 0 || inner.is_empty() {
        return None;
    }
    let schema = if matches!(inner[0], b'{' | b'[') { "JSON, it seems" } else { "Avro or Protobuf, mostly" };
    Some(format!(
        "the value begins with 00 {a:02X} {b:02X} {c:02X} {d:02X}, as the serializers of a schema registry write it: schema id {id}, \
         then the value ({schema}); read it with a codec of your own that takes these five bytes off (`kafka::source(codec, \
         topic)`), or have its producer write without a registry"
    ))
}

/// Looks that are told only where JSON is expected.
fn json(bytes: &[u8]) -> Option<String> {
    let text = bytes.trim_ascii();
    let look = match text {
        [] if !bytes.is_empty() => "the value is white space only".to_owned(),
        b"null" => "the value is `null`, which is a value, no tombstone: read an `Option<…>`".to_owned(),
        [b'"', .., b'"'] => {
            let inner: String = serde_json::from_slice(text).ok()?;
            let inner = inner.trim_start();
            if !inner.starts_with(['{', '[']) {
                return None;
            }
            "the value is a text that holds JSON, so it was encoded twice: have its producer encode once, or read a `String` and parse \
             that"
                .to_owned()
        }
        [b'<', ..] => format!("the value looks like XML: {FORMAT}, {OWN_CODEC}"),
        [b'{', rest @ ..] if rest.trim_ascii_start().starts_with(b"'") => {
            "the value has single quotes, as Python prints a dictionary: have its producer write JSON (`json.dumps`)".to_owned()
        }
        _ => return None,
    };
    Some(look)
}

#[cfg(test)]
mod tests {
    use super::of;

    /// The look of values, by the beginning of the words.
    #[test]
    fn bytes_that_are_no_json_say_what_they_look_like() {
        let utf16 = |text: &str| text.encode_utf16().collect::<Vec<_>>();
        let little: Vec<u8> = utf16(r#"{"id":1}"#).into_iter().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = utf16(r#"{"id":1}"#).into_iter().flat_map(u16::to_be_bytes).collect();
        let marked = [&b"\xff\xfe"[..], &little].concat();
        let cases: [(&[u8], &str); 16] = [
            (b"\0\0\0\0\x07\x02\x06", "schema id 7, then the value (Avro"),
            (b"\0\0\x01\x86\xa0{\"id\":1}", "schema id 100000, then the value (JSON"),
            (b"\xef\xbb\xbf{\"id\":1}", "byte order mark (EF BB BF)"),
            (b"\x1f\x8b\x08\0", "gzip"),
            (b"\x28\xb5\x2f\xfd\x20", "zstd"),
            (b"\x78\x9c\xab", "zlib"),
            (b"", "is empty"),
            (b" \n", "white space only"),
            (&marked, "UTF-16 (FF FE, little-endian)"),
            (&little, "UTF-16 without a mark"),
            (&big, "UTF-16 without a mark"),
            (b"Obj\x01\x04", "an Avro file"),
            (b"null", "no tombstone"),
            (br#""{\"id\":1}""#, "encoded twice"),
            (b"<order/>", "XML"),
            (b"{'id': 1}", "single quotes"),
        ];
        for (bytes, words) in cases {
            let look = of(bytes, "json").unwrap_or_default();
            assert!(look.contains(words), "{bytes:x?}: {look}");
        }
    }

    #[test]
    fn bytes_that_look_like_nothing_say_nothing() {
        for bytes in [&b"{\"id\":"[..], b"\0", b"\0\0\0\0\0\0\0", b"\"a text\"", b"x", b"12 34"] {
            assert_eq!(of(bytes, "json"), None, "{bytes:x?}");
        }
        // Looks of failed JSON are not told of another format's bytes.
        assert_eq!(of(b"null", "bincode"), None);
    }
}
