//! Record headers.

/// The headers of a record: names with values, in order, repeats kept.
///
/// Names are text. A header whose name is not UTF-8 cannot be written again and is left out; [`dropped`](Self::dropped) counts
/// those.
///
/// ```
/// use healer::Headers;
///
/// let mut headers = Headers::new();
/// headers.push("trace", Some(b"a1".as_slice()));
/// headers.push("empty", None::<&[u8]>);
/// assert_eq!(headers.get("trace"), Some(b"a1".as_slice()));
/// assert_eq!(headers.len(), 2);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers {
    list: Vec<(String, Option<Vec<u8>>)>,
    dropped: usize,
}

impl Headers {
    /// No headers.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a header; one of the same name stays.
    pub fn push(&mut self, name: impl Into<String>, value: Option<impl Into<Vec<u8>>>) {
        self.list.push((name.into(), value.map(Into::into)));
    }

    /// The value of the last header of that name; `None` where there is none or its value is null.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.list.iter().rev().find(|(n, _)| n == name).and_then(|(_, value)| value.as_deref())
    }

    /// All headers in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Option<&[u8]>)> {
        self.list.iter().map(|(name, value)| (name.as_str(), value.as_deref()))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many headers the record has beside these. Their names are not UTF-8, so they are neither here nor in sent records. All
    /// of them count as one where the client cannot take them apart.
    pub fn dropped(&self) -> usize {
        self.dropped
    }

    /// How many bytes names and values have.
    pub(crate) fn bytes(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.map_or(0, <[u8]>::len)).sum()
    }

    /// One more cannot be kept.
    pub(crate) fn drop_one(&mut self) {
        self.dropped += 1;
    }

    /// Appends all of another record.
    pub(crate) fn append(&mut self, others: &Self) {
        others.iter().for_each(|(name, value)| self.push(name, value));
        self.dropped += others.dropped;
    }

    /// Whether there are some of these names.
    pub(crate) fn has_any(&self, names: &[&str]) -> bool {
        self.list.iter().any(|(name, _)| names.contains(&name.as_str()))
    }

    /// A copy without those of these names.
    pub(crate) fn without(&self, names: &[&str]) -> Self {
        let others = self.list.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self { list: others.cloned().collect(), dropped: self.dropped }
    }

    pub(crate) fn clear(&mut self) {
        self.list.clear();
        self.dropped = 0;
    }
}
