//! The page as Markdown, with the charts as files beside it.

use super::{Block, Page};
use crate::{Align, Table};
use std::fmt::Write;

impl Page {
    /// Markdown that shows each chart as `{charts}/{name}.svg`, a path relative to the file.
    #[must_use]
    pub fn to_markdown(&self, charts: &str) -> String {
        let mut text = format!("# {}\n", escape(&self.title));
        for section in &self.sections {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "\n## {}", escape(&section.title));
            for block in &section.blocks {
                let _ = match block {
                    Block::Text(line) | Block::Note(line) | Block::Missing(line) => writeln!(text, "\n{}", escape(line)),
                    Block::List(items) => {
                        let items: String = items.iter().map(|item| format!("- {}\n", escape(item))).collect();
                        write!(text, "\n{items}")
                    }
                    Block::Table(table) => write!(text, "\n{}", table_of(table)),
                    Block::Chart(chart) => {
                        writeln!(text, "\n![{}]({}/{}.svg)", escape(&chart.title), charts.replace(' ', "%20"), chart.name)
                    }
                    Block::Code(code) => write!(text, "\n{}", fenced(code)),
                };
            }
        }
        text
    }
}

/// A fence longer than any inside.
fn fenced(code: &str) -> String {
    let mut fence = String::from("```");
    while code.contains(&fence) {
        fence.push('`');
    }
    format!("{fence}text\n{}\n{fence}\n", code.trim_end())
}

fn table_of(table: &Table) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let header = line(table.columns().iter().map(|(name, _)| escape(name)).collect());
    let rule = line(table.columns().iter().map(|(_, align)| if *align == Align::Right { "---:" } else { "---" }.to_owned()).collect());
    let rows: String = table.rows().iter().map(|cells| line(cells.iter().map(|cell| escape(cell)).collect())).collect();
    header + &rule + &rows
}

/// Text whose characters mean nothing to Markdown, on one line.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~') {
            escaped.push('\\');
        }
        escaped.push(if character.is_control() { ' ' } else { character });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_data_cannot_break_a_table() {
        let mut table = Table::new(&[("class", Align::Left), ("rows", Align::Right)]);
        table.row(["a|b\nc", "1"]);
        assert_eq!(table_of(&table), "| class | rows |\n| --- | ---: |\n| a\\|b c | 1 |\n");
        assert_eq!(fenced("```\nx"), "````text\n```\nx\n````\n");
    }
}
