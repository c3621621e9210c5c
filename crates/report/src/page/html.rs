//! The page as HTML: no script, no network, light and dark, on a phone and on paper.

use super::{Block, Page, Section};
use crate::chart::{PALETTE, STYLE};
use crate::{Align, Table};
use std::fmt::Write;

const LAYOUT: &str = include_str!("page.css");

impl Page {
    /// One file that needs nothing but itself.
    #[must_use]
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        // The empty icon keeps a browser from asking a server for one.
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
             <title>{title}</title>\n<style>\n{PALETTE}{LAYOUT}{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
        );
        for section in &self.sections {
            write_section(&mut html, section);
        }
        html + "</body></html>\n"
    }
}

/// Text of the page: a number stays with its percent sign.
fn escape(text: &str) -> String {
    crate::chart::escape(text).replace(" %", "\u{a0}%")
}

fn write_section(html: &mut String, section: &Section) {
    // Writing to a String cannot fail.
    let _ = writeln!(html, "<h2>{}</h2>", escape(&section.title));
    let mut blocks = section.blocks.iter().peekable();
    while let Some(block) = blocks.next() {
        let _ = match block {
            Block::Text(text) => writeln!(html, "<p>{}</p>", escape(text)),
            Block::Note(text) => writeln!(html, "<p class=\"note\">{}</p>", escape(text)),
            Block::Missing(text) => writeln!(html, "<p class=\"missing\">{}</p>", escape(text)),
            Block::List(items) => {
                let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
                writeln!(html, "<ul>\n{items}</ul>")
            }
            Block::Table(table) => writeln!(html, "{}", table_of(table)),
            Block::Code(text) => writeln!(html, "<pre>{}</pre>", crate::chart::escape(text)),
            Block::Chart(chart) => {
                // Charts in a row share a grid, which has as many columns as the page is wide.
                let mut charts = chart.to_html();
                while let Some(Block::Chart(next)) = blocks.peek() {
                    charts += &next.to_html();
                    blocks.next();
                }
                writeln!(html, "<div class=\"charts\">\n{charts}</div>")
            }
        };
    }
}

fn table_of(table: &Table) -> String {
    let class = |align: Align, text: &str| match align {
        Align::Right => " class=\"number\"",
        Align::Left if text.chars().count() > 60 => " class=\"words\"",
        Align::Left => "",
    };
    let mut html = String::from("<div class=\"table\"><table>\n<tr>");
    for (name, align) in table.columns() {
        let _ = write!(html, "<th{}>{}</th>", class(*align, name), escape(name));
    }
    html += "</tr>\n";
    for cells in table.rows() {
        html += "<tr>";
        for ((_, align), cell) in table.columns().iter().zip(cells) {
            let _ = write!(html, "<td{}>{}</td>", class(*align, cell), escape(cell));
        }
        html += "</tr>\n";
    }
    html + "</table></div>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_data_cannot_break_the_page() {
        let mut table = Table::new(&[("class <a>", Align::Left), ("rows", Align::Right)]);
        table.row(["<b>", "1"]);
        let html = table_of(&table);
        assert!(html.contains("<td>&lt;b&gt;</td><td class=\"number\">1</td>") && !html.contains("<b>") && !html.contains("<a>"), "{html}");
    }
}
