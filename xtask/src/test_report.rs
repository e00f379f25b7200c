//! Reading what `cargo test` prints: which package ran how many tests. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Numbers of tests by outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that failed.
    pub failed: u64,
    /// Tests that were left out.
    pub ignored: u64,
}

impl Counts {
    fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)?;
        if self.ignored > 0 {
            write!(formatter, ", {} ignored", self.ignored)?;
        }
        Ok(())
    }
}

/// Adds up a run of `cargo test` line by line.
pub struct Report {
    /// Test program's file name → package.
    programs: BTreeMap<String, String>,
    packages: BTreeMap<String, Counts>,
    current: Option<String>,
}

impl Report {
    /// A report on these packages. `programs` maps the file name of each test
    /// program, and the library's name for documentation tests, to its package.
    pub fn new(programs: BTreeMap<String, String>, packages: BTreeSet<String>) -> Self {
        let packages = packages
            .into_iter()
            .map(|name| (name, Counts::default()))
            .collect();
        Self {
            programs,
            packages,
            current: None,
        }
    }

    /// Reads one line.
    pub fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some(started) = started(line) {
            let package = self.programs.get(started).map_or(started, String::as_str);
            self.current = Some(package.to_owned());
        } else if let Some(counts) = counts(line) {
            // A test program prints one result: a second line is some test's output.
            if let Some(package) = self.current.take() {
                self.packages.entry(package).or_default().add(counts);
            }
        }
    }

    /// The sum over all packages.
    pub fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.packages.values().for_each(|counts| total.add(*counts));
        total
    }

    /// Each package with its numbers.
    pub fn packages(&self) -> impl Iterator<Item = (&str, Counts)> {
        self.packages
            .iter()
            .map(|(name, counts)| (name.as_str(), *counts))
    }

    /// Packages of which not one test ran.
    pub fn silent(&self) -> Vec<&str> {
        self.packages()
            .filter(|(_, counts)| counts.passed + counts.failed == 0)
            .map(|(name, _)| name)
            .collect()
    }
}

/// The file name of the test program, or the library of the documentation tests,
/// that this line announces.
fn started(line: &str) -> Option<&str> {
    if let Some(library) = line.strip_prefix("Doc-tests ") {
        return Some(library);
    }
    let path = line
        .strip_prefix("Running ")?
        .strip_suffix(')')?
        .rsplit_once('(')?
        .1;
    path.rsplit(['/', '\\']).next()
}

/// The numbers of a line such as
/// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; …`.
fn counts(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |what: &str| {
        numbers
            .split("; ")
            .find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    Some(Counts {
        passed: number("passed")?,
        failed: number("failed")?,
        ignored: number("ignored")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "
   Compiling client v0.1.0
     Running unittests src/lib.rs (target/debug/deps/client-0011)
running 2 tests
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0s
     Running tests/pay.rs (target/debug/deps/pay-0022)
test result: FAILED. 3 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.0s
     Running unittests src/lib.rs (target/debug/deps/quiet-0033)
test result: ok. 0 passed; 0 failed; 4 ignored; 0 measured; 0 filtered out; finished in 0.0s
   Doc-tests client
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.0s
";

    fn report() -> Report {
        let programs = [
            ("client-0011", "the-client"),
            ("client", "the-client"),
            ("pay-0022", "the-program"),
            ("quiet-0033", "the-quiet"),
        ];
        let names = programs.map(|(_, package)| package.to_owned());
        let programs = programs.map(|(program, package)| (program.into(), package.into()));
        let mut report = Report::new(BTreeMap::from(programs), BTreeSet::from(names));
        OUTPUT.lines().for_each(|line| report.read(line));
        report
    }

    #[test]
    fn tests_are_counted_by_package() {
        let packages: BTreeMap<_, _> = report()
            .packages()
            .map(|(name, counts)| (name.to_owned(), counts.to_string()))
            .collect();
        let of = |name| packages.get(name).map(String::as_str);
        assert_eq!(of("the-client"), Some("3 passed, 0 failed"));
        assert_eq!(of("the-program"), Some("3 passed, 1 failed, 2 ignored"));
        assert_eq!(
            report().total().to_string(),
            "6 passed, 1 failed, 6 ignored"
        );
    }

    #[test]
    fn a_package_without_a_test_that_ran_is_silent() {
        assert_eq!(report().silent(), ["the-quiet"]);
    }

    #[test]
    fn a_result_that_no_program_announced_does_not_count() {
        let mut report = report();
        report.read("test result: ok. 9 passed; 0 failed; 0 ignored; 0 measured");
        assert_eq!(report.total().passed, 6);
    }
}
