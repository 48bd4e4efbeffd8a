//! Does the list keep its word?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The sections of the list, and how many rows each has at least.
const SECTIONS: [(&str, usize); 17] = [
    ("1.1", 2),
    ("1.2", 25),
    ("1.3", 35),
    ("1.4", 5),
    ("1.5", 14),
    ("1.6", 18),
    ("1.7", 20),
    ("1.8", 8),
    ("1.9", 5),
    ("1.10", 5),
    ("1.11", 14),
    ("1.12", 11),
    ("1.13", 6),
    ("1.14", 8),
    ("1.15", 16),
    ("1.16", 20),
    ("1.17", 15),
];

/// A row of a table: its number, what it says, and what shows it.
struct Row {
    id: String,
    text: String,
    shown: String,
}

fn rows() -> Vec<Row> {
    let list = fs::read_to_string("tests/aiortc/CHECKLIST.md").unwrap();
    let table = list.lines().filter(|line| line.starts_with("| 1."));
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            let [id, text, _, shown] = cells[..] else {
                panic!("four cells: {line}")
            };
            Row {
                id: id.to_string(),
                text: text.to_string(),
                shown: shown.to_string(),
            }
        })
        .collect()
}

impl Row {
    /// `1.17` of `1.17.3`.
    fn section(&self) -> &str {
        self.id.rsplit_once('.').unwrap().0
    }

    fn is_excused(&self) -> bool {
        self.shown
            .strip_prefix("not covered: ")
            .is_some_and(|why| why.len() > 20)
    }

    /// `name` and `file`, as many as are named.
    fn tests(&self) -> Vec<(&str, &str)> {
        let words: Vec<&str> = self.shown.split('`').skip(1).step_by(2).collect();
        let mut file = "";
        let mut tests = Vec::new();
        for word in words {
            if word.ends_with(".rs") {
                file = word;
            } else {
                tests.push((file, word));
            }
        }
        tests
    }
}

#[test]
fn every_row_is_shown_by_a_test_that_exists() {
    let mut files = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in rows() {
        let tests = row.tests();
        if tests.is_empty() != row.is_excused() {
            wrong.push(format!("{}: a test or a reason", row.id));
        }
        for (file, name) in tests {
            let known = files
                .entry(file.to_string())
                .or_insert_with(|| tests_in(file));
            if !known.contains(name) {
                wrong.push(format!("{}: no `{name}` in `{file}`", row.id));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_row_is_missing() {
    let rows = rows();
    for (section, least) in SECTIONS {
        let of_section: Vec<&Row> = rows.iter().filter(|row| row.section() == section).collect();
        let numbers: Vec<String> = (1..=of_section.len())
            .map(|number| format!("{section}.{number}"))
            .collect();
        let ids: Vec<&str> = of_section.iter().map(|row| row.id.as_str()).collect();
        assert_eq!(ids, numbers, "in order, none left out");
        assert!(ids.len() >= least, "{section} has only {}", ids.len());
        assert!(of_section.iter().all(|row| row.text.len() > 5));
    }
    let known: BTreeSet<&str> = SECTIONS.map(|(section, _)| section).into();
    assert!(rows.iter().all(|row| known.contains(row.section())));
    let excused = rows.iter().filter(|row| row.is_excused()).count();
    assert!(
        excused * 20 < rows.len(),
        "{excused} of {} are not covered",
        rows.len()
    );
}

/// All tests that are named after a row or a quirk stand in the list.
#[test]
fn every_test_of_this_crate_is_listed() {
    let rows = rows();
    let listed: BTreeSet<&str> = rows
        .iter()
        .flat_map(|row| row.tests().into_iter().map(|(_, name)| name))
        .collect();
    for file in [
        "connection",
        "docs",
        "media",
        "names",
        "quirks",
        "transports",
    ] {
        for name in tests_in(&format!("tests/aiortc/{file}.rs")) {
            let is_of_a_row = name.starts_with("aiortc_") || name.starts_with("quirk_");
            assert!(!is_of_a_row || listed.contains(name.as_str()), "{name}");
        }
    }
    for quirk in 1..=15 {
        let named = format!("quirk_{quirk:02}_");
        assert!(
            listed.iter().any(|name| name.starts_with(&named)),
            "{named}"
        );
    }
}

/// The table above the examples names each of them, and nothing else.
#[test]
fn every_example_of_the_documentation_is_in_its_table() {
    let source = fs::read_to_string("tests/aiortc/docs.rs").unwrap();
    let table = source.lines().filter(|line| line.starts_with("//! |"));
    let named: BTreeSet<String> = table
        .flat_map(|line| line.split("[`").skip(1))
        .map(|rest| rest.split('`').next().unwrap().to_string())
        .collect();
    assert_eq!(named, tests_in("tests/aiortc/docs.rs"));
    assert!(named.len() >= 22);
}

/// The names of the tests in a file.
fn tests_in(file: &str) -> BTreeSet<String> {
    let source = fs::read_to_string(file).unwrap_or_default();
    let mut is_test = false;
    let mut names = BTreeSet::new();
    for line in source.lines().map(str::trim_start) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(function) = line.strip_prefix("fn ") {
            let name = function.split(['(', '<']).next().unwrap();
            if core::mem::take(&mut is_test) {
                names.insert(name.to_string());
            }
        }
    }
    names
}
