//! Printing for people, and for programs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, BufWriter, Write};

use anyhow::Result;
use clap::ValueEnum;
use guildhall_domain::page::{Page, Paged};
use guildhall_domain::validation::InvalidField;
use serde_json::Value;

/// How something is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    /// A line for each, for people.
    #[default]
    Table,
    /// JSON, for programs.
    Json,
}

/// A column of a table: its heading, and where its value is in the JSON form.
pub(super) type Column = (&'static str, &'static str);

/// Prints everything that a listing has, as its pages come.
pub(super) fn print_list<T>(
    output: Output,
    columns: &'static [Column],
    read: impl Fn(Page) -> Result<Paged<T>>,
    json: impl Fn(&T) -> Result<Value>,
) -> Result<()> {
    let mut list = List { output, columns, printed: 0, out: BufWriter::new(io::stdout()) };
    let mut page = Some(Page::first(Page::LARGEST_SIZE)?);
    while let Some(wanted) = page {
        let found = read(wanted)?;
        list.page(&found.items.iter().map(&json).collect::<Result<Vec<_>>>()?)?;
        page = found.next.map(|next| Page::after(next, Page::LARGEST_SIZE)).transpose()?;
    }
    list.end()
}

/// A list that is being printed.
struct List {
    output: Output,
    columns: &'static [Column],
    printed: u64,
    out: BufWriter<io::Stdout>,
}

impl List {
    /// Prints the next page.
    fn page(&mut self, items: &[Value]) -> Result<()> {
        match self.output {
            Output::Json => {
                for item in items {
                    let before = if self.printed == 0 { "[\n" } else { ",\n" };
                    write!(self.out, "{before}{item}")?;
                    self.printed += 1;
                }
            }
            Output::Table => {
                let mut rows: Vec<Vec<String>> = Vec::with_capacity(items.len() + 1);
                if self.printed == 0 {
                    rows.push(self.columns.iter().map(|(heading, _)| (*heading).to_owned()).collect());
                }
                let cells = |item: &Value| self.columns.iter().map(|(_, path)| cell(item, path)).collect();
                rows.extend(items.iter().map(cells));
                self.printed += rows.len() as u64;
                write_aligned(&mut self.out, &rows)?;
            }
        }
        Ok(())
    }

    /// Ends the list.
    fn end(mut self) -> Result<()> {
        match (self.output, self.printed) {
            (Output::Table, _) => {}
            (Output::Json, 0) => writeln!(self.out, "[]")?,
            (Output::Json, _) => writeln!(self.out, "\n]")?,
        }
        Ok(self.out.flush()?)
    }
}

/// Prints one thing: as a table, each of its properties on a line.
pub(super) fn print_one(output: Output, item: &Value) -> Result<()> {
    let mut out = BufWriter::new(io::stdout());
    match (output, item) {
        (Output::Table, Value::Object(properties)) => {
            let mut rows = Vec::new();
            for (name, value) in properties {
                add_rows(&mut rows, name, value);
            }
            write_aligned(&mut out, &rows)?;
        }
        _ => writeln!(out, "{item:#}")?,
    }
    Ok(out.flush()?)
}

/// A row of a property, or of each property of an object.
fn add_rows(rows: &mut Vec<Vec<String>>, name: &str, value: &Value) {
    match value {
        Value::Object(properties) if !properties.is_empty() => {
            for (inner, value) in properties {
                add_rows(rows, &format!("{name}.{inner}"), value);
            }
        }
        _ => rows.push(vec![name.to_owned(), text(value)]),
    }
}

/// The text of the value at a path of names with dots between.
fn cell(item: &Value, path: &str) -> String {
    text(path.split('.').fold(item, |value, name| value.get(name).unwrap_or(&Value::Null)))
}

/// A text in which what a terminal would obey, such as the sequences that move the cursor, is written out.
pub(super) fn readable(text: &str) -> Cow<'_, str> {
    if text.chars().any(char::is_control) { text.escape_debug().to_string().into() } else { text.into() }
}

fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => return "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(elements) => elements.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    };
    readable(&text).into_owned()
}

/// Writes rows whose columns stand below one another.
pub(super) fn write_aligned(out: &mut impl Write, rows: &[Vec<String>]) -> Result<()> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell: &String| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            // A string takes everything.
            _ = write!(line, "{cell:width$}  ");
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// An error that names the fields it is about.
pub(super) fn fields_error(fields: Vec<InvalidField>) -> anyhow::Error {
    let named = fields.into_iter().map(|invalid| format!("{}: {}", invalid.field, invalid.message));
    anyhow::Error::msg(named.collect::<Vec<_>>().join("; "))
}
