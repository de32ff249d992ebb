//! Reading: a row by its key, and rows by pages.

use super::{KEYS, TABLES, all, get, keys, put, put_keys, scan, write};
use crate::store::{KeyRange, PageLimit, Store, Table};

pub(super) const RULES: &[fn(&dyn Store)] = &[
    is_empty_at_first,
    gives_the_bytes_back,
    keeps_tables_apart,
    scans_in_the_order_of_bytes,
    goes_on_behind_each_page,
    ends_where_a_range_ends,
    takes_large_rows,
];

fn is_empty_at_first(store: &dyn Store) {
    for table in TABLES {
        let page = scan(store, table, &KeyRange::all(), PageLimit::default());
        assert!(page.rows.is_empty() && !page.more, "a new store has no rows");
        assert_eq!(get(store, table, b"a"), None, "a new store has no rows");
    }
}

fn gives_the_bytes_back(store: &dyn Store) {
    for value in [&b""[..], b"\0", b"\xff\xfe", b"text"] {
        put(store, Table::State, &[(b"key", value)]);
        assert_eq!(
            get(store, Table::State, b"key").as_deref(),
            Some(value),
            "the last value of a row counts"
        );
    }
    assert_eq!(get(store, Table::State, b"ke"), None, "no key stands for another");
    assert_eq!(get(store, Table::State, b"key\0"), None, "no key stands for another");
}

fn keeps_tables_apart(store: &dyn Store) {
    for table in TABLES {
        put(store, table, &[(b"key", table.name().as_bytes())]);
    }
    for table in TABLES {
        let name = table.name().as_bytes();
        assert_eq!(get(store, table, b"key").as_deref(), Some(name), "tables are apart");
        let rows = all(store, table, &KeyRange::all(), PageLimit::default());
        assert_eq!(rows, [(b"key".to_vec(), name.to_vec())], "a scan stays in its table");
    }
    write(store, |batch| batch.remove(Table::Checkpoint, b"key".to_vec()));
    write(store, |batch| batch.remove_range(Table::Ledger, KeyRange::all()));
    let left = TABLES.map(|table| get(store, table, b"key").is_some());
    assert_eq!(left, [false, false, true], "a removal stays in its table");
}

fn scans_in_the_order_of_bytes(store: &dyn Store) {
    put_keys(store, Table::State);
    let rows = all(store, Table::State, &KeyRange::all(), PageLimit::default());
    assert_eq!(keys(&rows), KEYS, "rows come ascending by the bytes of their keys");
    assert!(rows.iter().all(|(key, value)| key == value), "each row has its own value");
}

fn goes_on_behind_each_page(store: &dyn Store) {
    put_keys(store, Table::State);
    for limit in [
        PageLimit::new(1, 1 << 20),
        PageLimit::new(2, 1 << 20),
        PageLimit::new(KEYS.len(), 1 << 20),
        PageLimit::new(100, 0),
        PageLimit::new(100, 5),
    ] {
        let rows = all(store, Table::State, &KeyRange::all(), limit);
        assert_eq!(keys(&rows), KEYS, "each row is on one page, however small pages are ({limit:?})");
    }
    let first = scan(store, Table::State, &KeyRange::all(), PageLimit::new(3, 1 << 20));
    assert_eq!(keys(&first.rows), KEYS[..3], "a page is as full as it may be");
    assert!(first.more, "a page says that there are more rows");
    let whole = scan(store, Table::State, &KeyRange::all(), PageLimit::default());
    assert_eq!(keys(&whole.rows), KEYS, "a page is as full as it may be");
}

fn ends_where_a_range_ends(store: &dyn Store) {
    put_keys(store, Table::State);
    put(store, Table::Ledger, &[(b"b", b"of another table")]);
    let of = |range: &KeyRange| {
        let rows = all(store, Table::State, range, PageLimit::new(1, 0));
        rows.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    for (start, first) in KEYS.iter().enumerate() {
        for (end, behind) in KEYS.iter().enumerate() {
            let range = KeyRange::new(*first, behind.to_vec());
            let wanted = KEYS.get(start..end).unwrap_or_default();
            assert_eq!(of(&range), wanted, "a range has its start and not its end ({range:?})");
        }
        assert_eq!(of(&KeyRange::new(*first, None)), KEYS[start..], "a range without an end");
    }
    for prefix in [&b"a"[..], b"\0", b"\xff", b"a\xff", b"c", b""] {
        let wanted: Vec<_> = KEYS.iter().filter(|key| key.starts_with(prefix)).copied().collect();
        assert_eq!(of(&KeyRange::prefix(prefix)), wanted, "the keys that begin with {prefix:?}");
    }
}

fn takes_large_rows(store: &dyn Store) {
    let large = vec![b'x'; 16 << 20];
    put(store, Table::Checkpoint, &[(b"a", b"small"), (b"b", &large), (b"c", b"small")]);
    assert_eq!(get(store, Table::Checkpoint, b"b"), Some(large), "a row may have 16 MiB");
    let rows = all(store, Table::Checkpoint, &KeyRange::all(), PageLimit::new(100, 1_000));
    assert_eq!(keys(&rows), [b"a", b"b", b"c"], "a row that is larger than a page is one by itself");
}
