//! What commands print: text for people, JSON for programs, on standard output;
//! errors on standard error.

use crate::error::CliError;
use clap::ValueEnum;
use serde_json::{Map, Value, json};

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned lines.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// A result: named values in a fixed order.
#[derive(Clone, Debug, Default)]
pub struct Report(Vec<(&'static str, Value)>);

impl Report {
    /// Adds a value.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a value by its text.
    #[must_use]
    pub fn with_text(self, name: &'static str, value: &impl ToString) -> Self {
        self.with(name, value.to_string())
    }

    /// Prints it.
    pub fn print(&self, format: Format) {
        println!("{}", self.render(format));
    }

    /// The text that [`Report::print`] prints.
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Json => {
                let fields: Map<_, _> = self
                    .0
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), value.clone()))
                    .collect();
                Value::Object(fields).to_string()
            }
            Format::Text => {
                let width = self.0.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
                let line = |(name, value): &(&str, Value)| match value {
                    Value::String(text) => format!("{name:width$}  {text}"),
                    Value::Array(items) if items.is_empty() => format!("{name:width$}  nothing"),
                    Value::Array(items) => items
                        .iter()
                        .map(|item| format!("{name:width$}  {}", item.as_str().unwrap_or_default()))
                        .collect::<Vec<_>>()
                        .join("\n"),
                    Value::Null => format!("{name:width$}  unknown"),
                    other => format!("{name:width$}  {other}"),
                };
                self.0.iter().map(line).collect::<Vec<_>>().join("\n")
            }
        }
    }
}

/// Prints an error with its code.
pub fn print_error(error: &CliError, format: Format) {
    let program_error = error.program_error().map(|error| format!("{error:?}"));
    match format {
        Format::Text => {
            eprintln!("error [{}]: {error}", error.code());
            if let Some(program_error) = program_error {
                eprintln!("  the program says: {program_error}");
            }
        }
        Format::Json => {
            let mut shown = json!({
                "error": error.code(),
                "detail": error.to_string(),
                "program_error": program_error,
            });
            if let (Some(problems), Some(shown)) = (error.config_problems(), shown.as_object_mut())
            {
                let problems: Vec<Value> = problems
                    .iter()
                    .map(|problem| {
                        json!({
                            "error": problem.kind.code(),
                            "file": problem.file,
                            "line": problem.line,
                            "key": problem.key,
                            "expected": problem.message,
                        })
                    })
                    .collect();
                shown.insert("problems".to_owned(), problems.into());
            }
            eprintln!("{shown}");
        }
    }
}
