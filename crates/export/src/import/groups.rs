//! The tensors of a file, gathered into layers.

use std::collections::BTreeMap;

/// The tensors whose names differ in their last part alone: one layer, or one normalisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    /// What their names begin with.
    pub(super) prefix: &'a str,
    pub(super) kind: Kind,
    /// By last part, such as `weight`: the whole name and the shape.
    pub(super) parts: BTreeMap<&'a str, (&'a str, &'a [usize])>,
}

/// What a group computes, by the shape of its weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its weight is a matrix.
    Dense,
    /// Its weight is a vector.
    Norm,
}

/// Groups in the order of their names.
pub(super) fn of<'a>(tensors: impl IntoIterator<Item = (&'a str, &'a [usize])>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<Vec<Piece<'a>>, Group<'a>> = BTreeMap::new();
    for (name, shape) in tensors {
        let (prefix, part) = name.rsplit_once('.').unwrap_or(("", name));
        let group = groups.entry(pieces(prefix)).or_insert_with(|| Group { prefix, kind: Kind::Norm, parts: BTreeMap::new() });
        group.parts.insert(part, (name, shape));
        if part == "weight" && shape.len() == 2 {
            group.kind = Kind::Dense;
        }
    }
    groups.into_values().collect()
}

/// Two groups of the same shapes whose order is none but that of the alphabet: names that differ in more than numbers.
pub(super) fn ambiguity<'a>(groups: &[Group<'a>]) -> Option<(&'a str, &'a str)> {
    let shapes = |group: &Group<'a>| group.parts.iter().map(|(part, (_, shape))| (*part, *shape)).collect::<Vec<_>>();
    let words = |group: &Group<'a>| pieces(group.prefix).into_iter().filter(|piece| matches!(piece, Piece::Word(_))).collect::<Vec<_>>();
    groups.iter().enumerate().find_map(|(position, first)| {
        let is_rival = |second: &&Group<'a>| shapes(first) == shapes(second) && words(first) != words(second);
        let second = groups[position + 1..].iter().find(is_rival)?;
        Some((first.prefix, second.prefix))
    })
}

/// A run of digits, or of anything else. Numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece<'a> {
    /// Without leading zeros: the longer one is the larger.
    Number(usize, &'a str),
    Word(&'a str),
}

fn pieces(mut text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    while let Some(first) = text.chars().next() {
        let is_digit = first.is_ascii_digit();
        let end = text.find(|character: char| character.is_ascii_digit() != is_digit).unwrap_or(text.len());
        let (piece, rest) = text.split_at(end);
        text = rest;
        let significant = piece.trim_start_matches('0');
        pieces.push(if is_digit { Piece::Number(significant.len(), significant) } else { Piece::Word(piece) });
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let shape: &[usize] = &[2, 2];
        let prefixes =
            |names: &[&'static str]| of(names.iter().map(|name| (*name, shape))).iter().map(|group| group.prefix).collect::<Vec<_>>();
        assert_eq!(prefixes(&["10.weight", "2.weight", "0.weight"]), ["0", "2", "10"]);
        assert_eq!(prefixes(&["net.fc10.weight", "net.fc9.weight", "net.fc9.bias"]), ["net.fc9", "net.fc10"]);
        assert_eq!(prefixes(&["weight"]), [""]);
    }

    #[test]
    fn an_order_that_only_the_alphabet_gives_is_none() {
        let square: &[usize] = &[2, 2];
        let found = |names: [&'static str; 2], second: &'static [usize]| ambiguity(&of([(names[0], square), (names[1], second)]));
        assert_eq!(found(["hidden.weight", "middle.weight"], &[2, 2]), Some(("hidden", "middle")));
        assert_eq!(found(["hidden.weight", "middle.weight"], &[3, 2]), None);
        assert_eq!(found(["fc1.weight", "fc2.weight"], &[2, 2]), None);
    }
}
