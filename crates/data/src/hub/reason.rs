//! What the hub's client and the decoders say, as one readable line.

use crate::error::in_one_line;
use candle_datasets::hub::Error as ReadError;
use hf_hub::HFError;
use std::error::Error;

/// A server's words can be a whole page; this much of them is shown.
const MAX_CHARS: usize = 300;

/// Why the files could not be read, once the hub has listed them.
pub(super) fn read_reason(error: &ReadError) -> String {
    match error {
        ReadError::HubError(error) => hub_reason(error),
        // `hf-hub` keeps what a download answers without looking at its status, and does not ask again: an error page stays.
        ReadError::ParquetError(error) => {
            let cache = hf_hub::resolve_cache_dir();
            format!("a downloaded file is damaged ({}), delete the data set from {}", one_line(error), cache.display())
        }
        ReadError::IoError(error) => format!("a downloaded file cannot be read: {}", one_line(error)),
    }
}

/// Why the hub gave nothing.
pub(super) fn hub_reason(error: &HFError) -> String {
    match error {
        // The chain's own words repeat the whole address up to three times; what happened is its last link.
        HFError::Request { source, url: Some(url) } => {
            format!("the hub at {} did not answer: {}", clean(server(url)), clean(&root(source).to_string()))
        }
        HFError::Url(error) => format!("HF_ENDPOINT is not an address: {}", one_line(error)),
        HFError::Io(error) => format!("the hub's cache {} cannot be used: {}", hf_hub::resolve_cache_dir().display(), one_line(error)),
        error => format!("the hub's client says: {}", one_line(error)),
    }
}

/// An error and its root cause, without line breaks and without end.
pub(super) fn one_line(error: &(dyn Error + 'static)) -> String {
    let (outer, inner) = (clean(&error.to_string()), clean(&root(error).to_string()));
    if outer.contains(&inner) { outer } else { format!("{outer}: {inner}") }
}

/// An address without its path.
fn server(url: &str) -> &str {
    url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end])
}

fn root<'a>(error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    let mut root = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root
}

/// Control characters become spaces, so that nothing a server sends can steer the terminal.
pub(super) fn clean(words: &str) -> String {
    let spaced: String = words.chars().map(|character| if character.is_control() { ' ' } else { character }).collect();
    let line = in_one_line(spaced);
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the outer\n  \u{1b}[31mwords")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn a_chain_becomes_one_line_with_its_root() {
        let error = Outer(std::io::Error::other("the\tcause"));
        assert_eq!(one_line(&error), "the outer [31mwords: the cause");
    }

    #[test]
    fn a_cause_that_is_already_told_is_not_repeated() {
        assert_eq!(one_line(&std::io::Error::other("once")), "once");
    }

    #[test]
    fn an_address_is_cut_to_its_server() {
        assert_eq!(server("http://127.0.0.1:9/api/datasets"), "http://127.0.0.1:9");
        assert_eq!(server("https://huggingface.co"), "https://huggingface.co");
    }

    #[test]
    fn a_page_of_words_is_cut() {
        let page = "é".repeat(5000);
        assert_eq!(one_line(&std::io::Error::other(page)).chars().count(), MAX_CHARS + 3);
    }
}
