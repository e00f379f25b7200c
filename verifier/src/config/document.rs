//! Reading a TOML document with the places of its keys and values.
//!
//! A [`Section`] hands out the values of one table and remembers which keys were
//! asked for; the ones nobody asked for are unknown and refused. Problems are
//! collected in the [`Document`], so that one run reports all of them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigProblem, ProblemKind};
use super::reload::{SourceDigest, SourceHasher};

/// The text being read and what was found wrong with it.
pub(super) struct Document<'text> {
    file: String,
    text: &'text str,
    problems: RefCell<Vec<ConfigProblem>>,
    source: RefCell<SourceHasher>,
    /// Every key that was asked for, for the test that the example names them all.
    #[cfg(test)]
    asked: RefCell<BTreeSet<String>>,
}

impl<'text> Document<'text> {
    pub(super) fn new(file: &str, text: &'text str) -> Self {
        Self {
            file: file.to_owned(),
            text,
            problems: RefCell::new(Vec::new()),
            source: RefCell::new(SourceHasher::of(text)),
            #[cfg(test)]
            asked: RefCell::default(),
        }
    }

    #[cfg(test)]
    pub(super) fn asked(&self) -> BTreeSet<String> {
        self.asked.borrow().clone()
    }

    /// The problems so far, in the order of their lines.
    pub(super) fn into_problems(self) -> Vec<ConfigProblem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.line);
        problems
    }

    /// The text and every file that was [noted](Section::note_file), as one hash.
    pub(super) fn source(&self) -> SourceDigest {
        std::mem::take(&mut *self.source.borrow_mut()).finish()
    }

    /// Parses the text; a syntax error becomes a problem.
    pub(super) fn parse(&self) -> Option<Spanned<DeTable<'text>>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table),
            Err(error) => {
                // The parser's message only: its full rendering would quote the
                // line, which may hold something secret in the wrong place.
                self.report(
                    ProblemKind::Syntax,
                    error.span(),
                    "",
                    format!("expected TOML: {}", error.message()),
                );
                None
            }
        }
    }

    pub(super) fn report(
        &self,
        kind: ProblemKind,
        span: Option<Range<usize>>,
        key: &str,
        message: impl Into<String>,
    ) {
        let line = span.map(|span| self.line_of(span.start));
        self.report_at(kind, line, key, message);
    }

    pub(super) fn report_at(
        &self,
        kind: ProblemKind,
        line: Option<usize>,
        key: &str,
        message: impl Into<String>,
    ) {
        self.problems.borrow_mut().push(ConfigProblem {
            kind,
            file: self.file.clone(),
            line,
            key: key.to_owned(),
            message: message.into(),
        });
    }

    pub(super) fn is_clean(&self) -> bool {
        self.problems.borrow().is_empty()
    }

    pub(super) fn line_of(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

/// One table of the document, read key by key.
pub(super) struct Section<'doc, 'text> {
    document: &'doc Document<'text>,
    path: String,
    span: Range<usize>,
    table: &'doc DeTable<'text>,
    asked: RefCell<BTreeSet<String>>,
}

impl<'doc, 'text> Section<'doc, 'text> {
    pub(super) fn root(
        document: &'doc Document<'text>,
        table: &'doc Spanned<DeTable<'text>>,
    ) -> Self {
        Self::new(document, String::new(), 0..0, table.get_ref())
    }

    fn new(
        document: &'doc Document<'text>,
        path: String,
        span: Range<usize>,
        table: &'doc DeTable<'text>,
    ) -> Self {
        Self {
            document,
            path,
            span,
            table,
            asked: RefCell::new(BTreeSet::new()),
        }
    }

    /// The path of `key` inside the document.
    pub(super) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    /// The line at which this table starts.
    pub(super) fn line(&self) -> usize {
        self.document.line_of(self.span.start)
    }

    /// Counts a file that the section names as part of the configuration.
    pub(super) fn note_file(&self, content: &[u8]) {
        self.document.source.borrow_mut().add(content);
    }

    /// Whether `key` is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    fn value(&self, key: &str) -> Option<&'doc Spanned<DeValue<'text>>> {
        self.asked.borrow_mut().insert(key.to_owned());
        #[cfg(test)]
        self.document.asked.borrow_mut().insert(self.path_of(key));
        self.table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    /// Reports a problem at `key`, or at the table when the key is not there.
    pub(super) fn report(&self, kind: ProblemKind, key: &str, message: impl Into<String>) {
        let span = self
            .value(key)
            .map_or_else(|| self.span.clone(), Spanned::span);
        self.document
            .report(kind, Some(span), &self.path_of(key), message);
    }

    fn missing(&self, key: &str, expected: &str) {
        self.report(
            ProblemKind::MissingKey,
            key,
            format!("expected {expected}, but the key is missing"),
        );
    }

    fn wrong_type(&self, key: &str, expected: &str, found: &DeValue<'_>) {
        self.report(
            ProblemKind::WrongType,
            key,
            format!("expected {expected}, found a TOML {}", found.type_str()),
        );
    }

    /// A sub-table; a missing one is a problem.
    pub(super) fn table(&self, key: &str) -> Option<Section<'doc, 'text>> {
        if !self.has(key) {
            self.missing(key, &format!("a table [{}]", self.path_of(key)));
            return None;
        }
        self.optional_table(key)
    }

    /// A sub-table that may be left out.
    pub(super) fn optional_table(&self, key: &str) -> Option<Section<'doc, 'text>> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Table(table) => Some(Section::new(
                self.document,
                self.path_of(key),
                value.span(),
                table,
            )),
            other => {
                self.wrong_type(key, "a table", other);
                None
            }
        }
    }

    /// An array of tables, each as a section; none when the key is missing.
    pub(super) fn tables(&self, key: &str) -> Vec<Section<'doc, 'text>> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(
                key,
                &format!("tables [[{}]]", self.path_of(key)),
                value.get_ref(),
            );
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            match item.get_ref() {
                DeValue::Table(table) => {
                    sections.push(Section::new(self.document, path, item.span(), table));
                }
                other => self.document.report(
                    ProblemKind::WrongType,
                    Some(item.span()),
                    &path,
                    format!("expected a table, found a TOML {}", other.type_str()),
                ),
            }
        }
        sections
    }

    /// A string turned into a value by `parse`, whose error says what was
    /// expected.
    pub(super) fn parsed<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, expected);
            return None;
        }
        self.optional(key, expected, parse)
    }

    /// Like [`Section::parsed`] for a key that may be left out.
    pub(super) fn optional<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match self.value(key)?.get_ref() {
            DeValue::String(text) => match parse(text.as_ref()) {
                Ok(value) => Some(value),
                Err(message) => {
                    self.report(ProblemKind::InvalidValue, key, message);
                    None
                }
            },
            other => {
                self.wrong_type(key, expected, other);
                None
            }
        }
    }

    /// Replaces `value` by an integer within `bounds` (both included), if the key
    /// is there. After a problem the default stands in, so that reading goes on.
    pub(super) fn set_integer(&self, key: &str, value: &mut u64, bounds: (u64, u64)) {
        let (least, most) = bounds;
        let expected = format!("an integer from {least} to {most}");
        let Some(found) = self.value(key) else {
            return;
        };
        let DeValue::Integer(integer) = found.get_ref() else {
            self.wrong_type(key, &expected, found.get_ref());
            return;
        };
        match u64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(number) if (least..=most).contains(&number) => *value = number,
            _ => self.report(
                ProblemKind::InvalidValue,
                key,
                format!("expected {expected}, found {integer}"),
            ),
        }
    }

    /// The same for a count from 1 to `most`.
    pub(super) fn set_count(&self, key: &str, value: &mut usize, most: u64) {
        let mut number = u64::try_from(*value).unwrap_or(most);
        self.set_integer(key, &mut number, (1, most));
        *value = usize::try_from(number).unwrap_or(*value);
    }

    /// The same for a time from 1 to `most` milliseconds.
    pub(super) fn set_milliseconds(&self, key: &str, value: &mut Duration, most: u64) {
        let mut number = u64::try_from(value.as_millis()).unwrap_or(most);
        self.set_integer(key, &mut number, (1, most));
        *value = Duration::from_millis(number);
    }

    /// The same for a time from 1 to `most` seconds.
    pub(super) fn set_seconds(&self, key: &str, value: &mut Duration, most: u64) {
        let mut number = value.as_secs();
        self.set_integer(key, &mut number, (1, most));
        *value = Duration::from_secs(number);
    }

    /// The same for a boolean.
    pub(super) fn set_boolean(&self, key: &str, value: &mut bool) {
        match self.value(key).map(Spanned::get_ref) {
            None => {}
            Some(DeValue::Boolean(found)) => *value = *found,
            Some(other) => self.wrong_type(key, "true or false", other),
        }
    }

    /// An array of strings, each turned into a value by `parse`; `None` when the
    /// key is left out.
    pub(super) fn strings<T>(
        &self,
        key: &str,
        expected: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, expected, value.get_ref());
            return Some(Vec::new());
        };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{}[{index}]", self.path_of(key));
            let (kind, message) = match item.get_ref() {
                DeValue::String(text) => match parse(text.as_ref()) {
                    Ok(value) => {
                        values.push(value);
                        continue;
                    }
                    Err(message) => (ProblemKind::InvalidValue, message),
                },
                other => (
                    ProblemKind::WrongType,
                    format!("expected a string, found a TOML {}", other.type_str()),
                ),
            };
            self.document
                .report(kind, Some(item.span()), &path, message);
        }
        Some(values)
    }

    /// Refuses the keys that nobody asked for. Call it when the section is read.
    pub(super) fn finish(self) {
        let asked = self.asked.borrow();
        for (name, _) in self.table {
            if !asked.contains(name.get_ref().as_ref()) {
                let known: Vec<&str> = asked.iter().map(String::as_str).collect();
                self.document.report(
                    ProblemKind::UnknownKey,
                    Some(name.span()),
                    &self.path_of(name.get_ref()),
                    format!("expected one of {}", known.join(", ")),
                );
            }
        }
    }
}
