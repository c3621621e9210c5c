//! Data sets of the Hugging Face hub by address: `hf://owner/name`, or `hf://owner/name/config`.

use crate::DataError;
use std::fmt;
use std::path::{Path, PathBuf};

/// How such an address starts.
const SCHEME: &str = "hf://";

/// A data set of the hub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HubAddress {
    pub(crate) owner: String,
    pub(crate) name: String,
    /// One of the configurations that the data set has; needed where there are several.
    pub(crate) config: Option<String>,
}

impl HubAddress {
    /// Parses `text`; `None` where it is no address of the hub at all.
    ///
    /// # Errors
    /// An address whose parts the hub would not allow.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, DataError> {
        let Some(rest) = text.strip_prefix(SCHEME) else { return Ok(None) };
        let parts: Vec<&str> = rest.split('/').collect();
        let is_name = |part: &&str| {
            let allowed = |letter: char| letter.is_ascii_alphanumeric() || "._-+".contains(letter);
            !part.is_empty() && part.len() < 100 && part.chars().all(allowed) && !part.starts_with('.') && !part.contains("--")
        };
        let address = match parts[..] {
            [owner, name] => (owner, name, None),
            [owner, name, config] => (owner, name, Some(config.to_owned())),
            _ => ("", "", None),
        };
        if !parts.iter().all(is_name) || address.0.is_empty() {
            let remedy = "write hf://owner/name, or hf://owner/name/config, as the hub spells them";
            return Err(DataError::setting("data.name", format!("{text:?}"), "is no address of a data set on the hub", remedy));
        }
        let (owner, name, config) = address;
        Ok(Some(Self { owner: owner.to_owned(), name: name.to_owned(), config }))
    }

    /// Where it is kept, below the cache folder.
    pub(crate) fn folder(&self, cache: &Path) -> PathBuf {
        let parts = [Some(&self.owner), Some(&self.name), self.config.as_ref()];
        cache.join("hub").join(parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("--"))
    }
}

/// As messages and results call it: `owner/name`.
impl fmt::Display for HubAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.owner, self.name)?;
        self.config.as_ref().map_or(Ok(()), |config| write!(formatter, "/{config}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_parsed_and_have_a_folder_each() {
        let address = HubAddress::parse("hf://ylecun/mnist").unwrap().unwrap();
        assert_eq!((address.to_string(), address.folder(Path::new("c"))), ("ylecun/mnist".into(), PathBuf::from("c/hub/ylecun--mnist")));
        let address = HubAddress::parse("hf://a/b_c/d.e").unwrap().unwrap();
        assert_eq!((address.to_string(), address.folder(Path::new("c"))), ("a/b_c/d.e".into(), PathBuf::from("c/hub/a--b_c--d.e")));
        assert_eq!(HubAddress::parse("mnist").unwrap(), None);
    }

    #[test]
    fn what_the_hub_would_not_allow_is_refused_and_cannot_leave_the_cache() {
        for text in
            ["hf://", "hf://mnist", "hf://a/b/c/d", "hf://a//b", "hf://../../etc", "hf://a/..", "hf://a/b\nc", "hf://a/b--c", "hf://a/b/"]
        {
            assert!(HubAddress::parse(text).unwrap_err().to_string().contains("write hf://owner/name"), "{text}");
        }
    }
}
