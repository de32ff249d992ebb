//! Rows by pages: no table is ever in memory as a whole.

use super::{KeyRange, Row, Store, StoreError, Table};

/// How much a page holds at most.
///
/// A row that is larger than the bytes of a page is a page by itself, so that a reader always comes further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    rows: usize,
    bytes: usize,
}

impl PageLimit {
    /// At most `rows` rows, and at least one, whose keys and values have together at most `bytes` bytes.
    pub const fn new(rows: usize, bytes: usize) -> Self {
        Self { rows: if rows == 0 { 1 } else { rows }, bytes }
    }

    /// The most rows.
    pub const fn rows(self) -> usize {
        self.rows
    }

    /// The most bytes of keys and values together.
    pub const fn bytes(self) -> usize {
        self.bytes
    }
}

impl Default for PageLimit {
    /// 1,024 rows and 1 MiB.
    fn default() -> Self {
        Self::new(1_024, 1 << 20)
    }
}

/// Some rows of a range, ascending by key, and whether there may be more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// The rows.
    pub rows: Vec<Row>,
    /// False if the range holds no row behind these.
    pub more: bool,
}

impl Page {
    /// The page that `rows`, all of a range in ascending order, begin with. At most one row more than the page holds is taken.
    ///
    /// # Errors
    ///
    /// The first error among the rows that it takes.
    pub fn fill(
        rows: impl IntoIterator<Item = Result<Row, StoreError>>,
        limit: PageLimit,
    ) -> Result<Self, StoreError> {
        let (mut page, mut left) = (Self::default(), limit.bytes());
        for row in rows {
            let (key, value) = row?;
            let bytes = key.len() + value.len();
            if page.rows.len() == limit.rows() || (bytes > left && !page.rows.is_empty()) {
                page.more = true;
                break;
            }
            left = left.saturating_sub(bytes);
            page.rows.push((key, value));
        }
        Ok(page)
    }
}

/// All rows of a range, read page by page as they are asked for.
///
/// Rows that are written or removed meanwhile may be among them or not; all others are, once each.
pub fn rows(
    store: &dyn Store,
    table: Table,
    keys: KeyRange,
) -> impl Iterator<Item = Result<Row, StoreError>> {
    let mut rest = Some(keys);
    let pages = std::iter::from_fn(move || {
        let keys = rest.take()?;
        let page = store.scan(table, &keys, PageLimit::default());
        Some(page.and_then(|page| {
            if page.more {
                // Asked for again from the same key, such a page would come again for ever.
                let Some((last, _)) = page.rows.last() else {
                    return Err(StoreError::backend("a page without rows says that there are more"));
                };
                rest = Some(keys.after(last));
            }
            Ok(page.rows)
        }))
    });
    pages.flat_map(|page| match page {
        Ok(rows) => rows.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    })
}
