//! How wide text is, so that it is never drawn over other text.

/// The advances of the characters from space to tilde in thousandths of the font's size, rounded up, of DejaVu Sans: the widest of the fonts
/// that the style names, so that what fits in it fits in the others.
const ADVANCES: [u16; 95] = [
    318, 401, 460, 838, 637, 951, 780, 275, 391, 391, 501, 838, 318, 361, 318, 337, 637, 637, 637, 637, 637, 637, 637, 637, 637, 637, 337,
    337, 838, 838, 838, 531, 1001, 685, 687, 699, 771, 632, 576, 775, 752, 295, 295, 656, 558, 863, 749, 788, 604, 788, 695, 635, 611, 732,
    685, 989, 686, 611, 686, 391, 337, 391, 838, 501, 501, 613, 635, 550, 635, 616, 353, 635, 634, 278, 278, 580, 278, 975, 634, 612, 635,
    635, 412, 521, 393, 634, 592, 818, 592, 592, 525, 637, 337, 637, 838,
];

/// At most so many user units at this font size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    let advance = |character: char| {
        let place = (character as usize).checked_sub(' ' as usize);
        place.and_then(|place| ADVANCES.get(place)).copied().unwrap_or(1000)
    };
    text.chars().map(|character| f64::from(advance(character))).sum::<f64>() * size / 1000.0
}

/// `text`, or its beginning and its end around an ellipsis: names often differ in their ends alone.
pub(super) fn fit(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let characters: Vec<char> = text.chars().collect();
    let cut = |kept: usize| {
        let (head, tail) = (kept.div_ceil(2), kept / 2);
        let part = |range: &[char]| range.iter().collect::<String>();
        format!("{}…{}", part(&characters[..head]).trim_end(), part(&characters[characters.len() - tail..]).trim_start())
    };
    (0..characters.len()).rev().map(cut).find(|cut| width(cut, size) <= room).unwrap_or_default()
}

/// Text that cannot break the page or the file that it stands in; what XML forbids becomes a space.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push('\n'),
            '\u{fffe}' | '\u{ffff}' => escaped.push(' '),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_is_too_long_loses_its_middle_and_fits() {
        assert_eq!(fit("short", 10.0, 100.0), "short");
        let cut = fit("a rather long name of a class 17", 10.0, 60.0);
        assert_eq!(cut, "a rat…ss 17");
        assert!(width(&cut, 10.0) <= 60.0);
        assert_eq!(fit("anything", 10.0, 2.0), "");
        assert!(width("WWW", 10.0) > 2.0 * width("iii", 10.0));
    }

    #[test]
    fn what_markup_means_and_xml_forbids_is_written_out() {
        assert_eq!(escape("<a b=\"c\">&\u{1}"), "&lt;a b=&quot;c&quot;&gt;&amp; ");
    }
}
