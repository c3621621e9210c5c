//! Plain text tables.

use std::fmt;

/// Where a column's cells stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with a header, columns two spaces apart.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns.
    #[must_use]
    pub fn new(columns: &[(&str, Align)]) -> Self {
        Self { columns: columns.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect(), rows: Vec::new() }
    }

    /// Adds a row; missing cells stay empty.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// The header's cells.
    pub(crate) fn columns(&self) -> &[(String, Align)] {
        &self.columns
    }

    /// The other cells.
    pub(crate) fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }

    /// Whether the table has no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let lines: Vec<&Vec<String>> = std::iter::once(&header).chain(&self.rows).collect();
        // Control characters, which names in other people's data may hold, do not reach a terminal.
        let cell = |line: &Vec<String>, column: usize| {
            line.get(column).map_or_else(String::new, |cell| cell.replace(char::is_control, "\u{fffd}"))
        };
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| lines.iter().map(|line| cell(line, column).chars().count()).max().unwrap_or_default())
            .collect();
        for line in lines {
            let cells = self.columns.iter().zip(&widths).enumerate().map(|(column, ((_, align), width))| match align {
                Align::Left => format!("{:<width$}", cell(line, column)),
                Align::Right => format!("{:>width$}", cell(line, column)),
            });
            writeln!(formatter, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_not_printed() {
        let mut table = Table::new(&[("name", Align::Left)]);
        table.row(["\u{1b}[31mred\nnext"]);
        assert_eq!(table.to_string(), "name\n\u{fffd}[31mred\u{fffd}next\n");
    }

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[("name", Align::Left), ("n", Align::Right)]);
        table.row(["a", "1,000"]);
        table.row(["long name", "2"]);
        assert_eq!(table.to_string(), "name           n\na          1,000\nlong name      2\n");
    }
}
