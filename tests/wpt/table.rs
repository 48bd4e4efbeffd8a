//! Is every row shown by a test that exists?

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// How many rows there are.
const ROWS: usize = 179;

/// How many of them have to be shown: 95 in a hundred are 171.
const SHOWN: usize = 171;

/// What `ROWS.md` says of a row.
struct Row {
    id: String,
    text: String,
    /// File and name of each test.
    tests: Vec<(String, String)>,
    /// Why there is none.
    excuse: Option<String>,
}

#[test]
fn every_row_has_a_test() {
    let rows = rows();
    let expected: Vec<String> = (1..=ROWS).map(|row| format!("WPT-{row:03}")).collect();
    let found: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(found, expected);
    let mut files = BTreeMap::new();
    for row in &rows {
        assert!(row.text.len() > 20, "{}: what has to be so?", row.id);
        for (file, name) in &row.tests {
            let tests = files.entry(file).or_insert_with(|| tests_in(file));
            assert!(tests.contains(name), "{}: no {name} in {file}", row.id);
        }
        let excused = row.excuse.as_ref().is_some_and(|why| why.len() > 20);
        assert_ne!(
            row.tests.is_empty(),
            !is_open(row) && !excused,
            "{}",
            row.id
        );
    }
    let shown = rows.iter().filter(|row| !row.tests.is_empty()).count();
    assert!(shown >= SHOWN, "{shown} of {ROWS} rows are shown");
}

/// Tests that are named after rows are listed with them.
#[test]
fn every_test_of_a_row_is_listed() {
    let rows = rows();
    let listed: BTreeSet<(&str, &str)> = rows
        .iter()
        .flat_map(|row| {
            row.tests
                .iter()
                .map(|(_, name)| (row.id.as_str(), name.as_str()))
        })
        .collect();
    let mut missing = Vec::new();
    for file in sources() {
        for name in tests_in(&file)
            .iter()
            .filter(|name| name.starts_with("wpt_"))
        {
            for id in ids_of(name) {
                if !listed.contains(&(id.as_str(), name.as_str())) {
                    missing.push(format!("{id}: `{file}`: `{name}`"));
                }
            }
        }
    }
    assert!(
        missing.is_empty(),
        "not in ROWS.md:\n{}",
        missing.join("\n")
    );
}

fn is_open(row: &Row) -> bool {
    row.tests.is_empty() && row.excuse.is_none()
}

/// The table: each row has a heading, a text, and a list of tests or one excuse.
fn rows() -> Vec<Row> {
    let table = fs::read_to_string("tests/wpt/ROWS.md").unwrap();
    let mut rows: Vec<Row> = Vec::new();
    for line in table.lines() {
        if let Some(id) = line.strip_prefix("## ") {
            rows.push(Row {
                id: id.to_string(),
                text: String::new(),
                tests: Vec::new(),
                excuse: None,
            });
            continue;
        }
        let Some(row) = rows.last_mut() else { continue };
        if let Some(why) = line.strip_prefix("- not applicable: ") {
            row.excuse = Some(why.to_string());
        } else if let Some(test) = line.strip_prefix("- `") {
            let (file, name) = test.split_once("`: `").expect(line);
            let name = name.strip_suffix('`').expect(line);
            row.tests.push((file.to_string(), name.to_string()));
        } else if !line.starts_with('-') {
            row.text += line;
        } else {
            assert_eq!(line, "- open", "{}", row.id);
        }
    }
    rows
}

/// `wpt_030_and_031_x` is of two rows.
fn ids_of(name: &str) -> Vec<String> {
    let numbers = name
        .split('_')
        .filter(|word| word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit()));
    numbers.map(|number| format!("WPT-{number}")).collect()
}

/// The names of the tests in a file.
fn tests_in(file: &str) -> BTreeSet<String> {
    let source = fs::read_to_string(file).unwrap_or_else(|_| panic!("there is no {file}"));
    let mut is_test = false;
    let mut names = BTreeSet::new();
    for line in source.lines().map(str::trim_start) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(function) = line.strip_prefix("fn ") {
            let name = function.split('(').next().unwrap();
            if is_test {
                names.insert(name.to_string());
            }
            is_test = false;
        }
    }
    names
}

/// Where tests may be.
fn sources() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec!["src".to_string(), "tests".to_string()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.to_str().unwrap().to_string();
            if path.is_dir() {
                folders.push(name);
            } else if Path::new(&name).extension().is_some_and(|end| end == "rs") {
                found.push(name);
            }
        }
    }
    found
}
