//! A JSON text as it came.

use std::fmt;

use serde::{
    Serialize,
    de::{Deserialize, IgnoredAny},
};

use super::exact;
use crate::CodecError;

/// One JSON text, kept as it came: digits, order of keys and white space too. [`kafka::raw_json`](crate::kafka::raw_json) reads it,
/// [`kafka::to_json`](crate::kafka::to_json) writes the same bytes.
///
/// It is checked to be one whole JSON text; [`parse`](Self::parse) reads its contents.
///
/// ```
/// use healer::prelude::*;
/// use healer::RawJson;
///
/// #[derive(serde::Deserialize)]
/// struct Seen<'a> {
///     country: &'a str,
/// }
///
/// #[stage(skip = "abroad")]
/// fn at_home(order: RawJson) -> Result<Option<RawJson>, healer::CodecError> {
///     let is_home = order.parse::<Seen>()?.country == "NO";
///     Ok(is_home.then_some(order))
/// }
///
/// let app = pipeline! {
///     name "home";
///     kafka::raw_json("orders") => at_home => kafka::to_json("orders-at-home") => heal;
/// };
/// # drop(app);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RawJson(Box<str>);

impl RawJson {
    /// A text.
    ///
    /// # Errors
    /// If it is not one whole JSON text.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, CodecError> {
        let text = text.into();
        serde_json::from_str::<IgnoredAny>(&text).map_err(CodecError::new)?;
        Ok(Self(text))
    }

    /// A value as a text.
    ///
    /// # Errors
    /// If JSON cannot express it.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, CodecError> {
        let mut json = Vec::new();
        exact::write(value, &mut json).map_err(CodecError::new)?;
        String::from_utf8(json).map(|text| Self(text.into())).map_err(CodecError::new)
    }

    /// Reads a value, which may borrow from the text.
    ///
    /// # Errors
    /// If the text is no such value.
    pub fn parse<'t, T: Deserialize<'t>>(&'t self) -> Result<T, CodecError> {
        serde_json::from_str(&self.0).map_err(CodecError::new)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, to keep.
    pub fn into_string(self) -> String {
        self.0.into()
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
