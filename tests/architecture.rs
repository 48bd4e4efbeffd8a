//! Is the house still built as ARCHITECTURE.md says?
//!
//! Reads every source file. Who may use whom stands in one table; a new edge
//! needs a new line there, where a reviewer sees it.
#![allow(
    clippy::std_instead_of_alloc,
    clippy::std_instead_of_core,
    reason = "a test has std, and neither alloc nor core unless it asks"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// What each module may use besides itself. Modules of one floor do not use each
/// other, but for the exceptions written here.
const LAW: &[(&str, &[&str])] = &[
    // Floor 0: ground. These know only each other.
    ("time", &[]),
    ("timer", &["time"]),
    ("tight", &[]),
    ("rng", &[]),
    ("net", &[]),
    ("cursor", &[]),
    ("seq", &[]),
    ("window", &[]),
    ("log", &[]),
    ("crypto", &["rng"]),
    // Floor 1: formats.
    ("wire", &["cursor", "seq", "net"]),
    // Floor 2: machines. ICE and TURN make STUN transactions, ICE has TURN clients
    // and asks for names.
    ("stun", &["GROUND", "wire"]),
    ("turn", &["GROUND", "wire", "stun"]),
    ("mdns", &["GROUND", "wire"]),
    ("ice", &["GROUND", "wire", "stun", "turn", "mdns"]),
    ("dtls", &["GROUND", "wire"]),
    ("srtp", &["GROUND", "wire"]),
    ("sctp", &["GROUND", "wire"]),
    ("rtp", &["GROUND", "wire"]),
    ("cc", &["GROUND", "wire"]),
    // Floor 3: who sits on whom.
    ("transport", &["GROUND", "wire", "MACHINES"]),
    ("channel", &["GROUND", "wire", "MACHINES"]),
    ("media", &["GROUND", "wire", "MACHINES"]),
    // Floor 4: offer and answer, over descriptions only.
    ("jsep", &["GROUND", "wire", "MACHINES", "FLOOR3"]),
    // The roof. The simulated world may know peers; peers do not know it.
    ("peer", &["GROUND", "wire", "MACHINES", "FLOOR3", "jsep"]),
    (
        "sim",
        &["GROUND", "wire", "MACHINES", "FLOOR3", "jsep", "peer"],
    ),
];

/// Names for several modules in [`LAW`].
const GROUPS: &[(&str, &[&str])] = &[
    (
        "GROUND",
        &[
            "time", "timer", "tight", "rng", "net", "cursor", "seq", "window", "crypto", "log",
        ],
    ),
    (
        "MACHINES",
        &[
            "ice", "mdns", "turn", "stun", "dtls", "srtp", "sctp", "rtp", "cc",
        ],
    ),
    ("FLOOR3", &["transport", "channel", "media"]),
];

/// A file without its tests.
const FILE_LINES: usize = 600;
/// A function, from its `fn` to its closing brace.
const FUNCTION_LINES: usize = 100;
/// A struct.
const FIELDS: usize = 20;

/// What must not be named outside of tests, and the only files that may.
const FORBIDDEN: &[(&str, &[&str], &str)] = &[
    ("std::time", &["time.rs"], "time is told as `now`"),
    // The router's hashes are keyed by the caller's seed, and it never asks for an order.
    (
        "HashMap",
        &["peer/router.rs"],
        "its order differs from run to run",
    ),
    ("HashSet", &[], "its order differs from run to run"),
    ("thread_rng", &[], "randomness comes from the caller's seed"),
    (
        "getrandom",
        &["rng.rs"],
        "randomness comes from the caller's seed",
    ),
    (
        "std::net",
        &[],
        "sockets belong to the application; addresses are in core::net",
    ),
    ("std::thread", &[], "the caller owns the loop"),
    ("RefCell", &[], "machines own their parts"),
    ("Mutex", &[], "machines own their parts"),
    ("static mut", &[], "there are no globals"),
    ("unsafe ", &[], "there is none"),
    ("dbg!", &[], "left over"),
    ("todo!", &[], "left over"),
    ("println!", &[], "a library does not print"),
    ("#[allow(dead_code)]", &[], "use expect with a reason"),
];

/// A source file without its tests and comments.
struct Source {
    /// Its path below `src`.
    path: String,
    /// The lines that count, with comments blanked out of them.
    code: Vec<String>,
    /// The same lines as they are written.
    lines: Vec<String>,
}

impl Source {
    /// The module of the first level that it belongs to: `ice` for `ice/agent.rs`.
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

#[test]
fn modules_use_lower_floors_only() {
    let mut errors = Vec::new();
    for source in sources() {
        let module = source.module();
        if module == "lib" {
            continue;
        }
        let Some((_, allowed)) = LAW.iter().find(|(name, _)| *name == module) else {
            errors.push(format!(
                "{}: `{module}` has no line in the law",
                source.path
            ));
            continue;
        };
        let allowed = expand(allowed);
        for used in uses(&source) {
            if used != module && !allowed.contains(used.as_str()) {
                errors.push(format!("{}: `{module}` uses `{used}`", source.path));
            }
        }
    }
    report(&errors);
}

#[test]
fn the_law_knows_no_module_that_uses_a_higher_floor() {
    // The table is ordered from the ground up: an entry may name only earlier ones.
    let order: Vec<&str> = LAW.iter().map(|(name, _)| *name).collect();
    let place = |name: &str| order.iter().position(|other| *other == name);
    let mut errors = Vec::new();
    for (index, (name, allowed)) in LAW.iter().enumerate() {
        for used in expand(allowed) {
            if place(used).is_none_or(|other| other >= index) && (*name, used) != ("ice", "turn") {
                errors.push(format!("`{name}` may use `{used}`, which is not below it"));
            }
        }
    }
    report(&errors);
}

#[test]
fn files_and_functions_fit_their_budgets() {
    let mut errors = Vec::new();
    for source in sources() {
        let lines = source.lines.len();
        if lines > FILE_LINES {
            errors.push(format!("{}: {lines} lines", source.path));
        }
        for (name, lines) in functions(&source) {
            if lines > FUNCTION_LINES {
                errors.push(format!("{}: fn {name} has {lines} lines", source.path));
            }
        }
        for (name, fields) in structs(&source) {
            if fields > FIELDS {
                errors.push(format!(
                    "{}: struct {name} has {fields} fields",
                    source.path
                ));
            }
        }
    }
    report(&errors);
}

#[test]
fn no_ambient_time_randomness_or_order() {
    let mut errors = Vec::new();
    for source in sources() {
        for (number, line) in source.code.iter().enumerate() {
            for (word, exempt, why) in FORBIDDEN {
                if line.contains(word) && !exempt.contains(&source.path.as_str()) {
                    errors.push(format!("{}:{}: {word} ({why})", source.path, number + 1));
                }
            }
        }
    }
    report(&errors);
}

/// A panic outside of tests needs the sentence why it cannot happen, on its line
/// or the lines above, or a `# Panics` section.
#[test]
fn panics_are_explained() {
    let mut errors = Vec::new();
    for source in sources() {
        for (number, line) in source.code.iter().enumerate() {
            let panics = [".unwrap()", ".expect(", "panic!(", "unreachable!("];
            if !panics.iter().any(|word| line.contains(word)) {
                continue;
            }
            let near = &source.lines[number.saturating_sub(4)..=number];
            let explained = near.iter().any(|line| line.contains("//")) || expects(line);
            if !explained {
                errors.push(format!("{}:{}: {}", source.path, number + 1, line.trim()));
            }
        }
    }
    report(&errors);
}

#[test]
fn every_format_and_machine_has_a_fuzz_target() {
    let Ok(manifest) = fs::read_to_string(root().join("fuzz/Cargo.toml")) else {
        return;
    };
    let mut errors = Vec::new();
    for subject in [
        "stun", "dtls", "sctp", "rtp", "rtcp", "srtp", "payload", "sdp", "framing", "mdns", "peer",
    ] {
        let named = |line: &str| line.starts_with("name = ") && line.contains(subject);
        if !manifest.lines().any(named) {
            errors.push(format!("fuzz/Cargo.toml: no target for {subject}"));
        }
    }
    report(&errors);
}

/// Whether the line has an `expect` whose message is a sentence.
fn expects(line: &str) -> bool {
    let message = line.split(".expect(\"").nth(1);
    message.is_some_and(|message| message.split_whitespace().count() >= 4)
}

/// The checks can fail: each finds what it should in a made-up file.
#[test]
fn the_checks_find_what_they_look_for() {
    let text = "use crate::ice::IceAgent;\nuse crate::{time, wire::stun};\n\
                fn f() { super::super::super::sctp::go(); }\n// crate::rtp\n\
                #[cfg(test)]\nmod tests { use crate::peer; }\n";
    let source = parse("dtls/v12/client.rs".into(), text);
    let found: Vec<String> = uses(&source).into_iter().collect();
    assert_eq!(found, ["ice", "sctp", "time", "wire"]);

    let long = format!("fn long() {{\n{}}}\n", "    call();\n".repeat(120));
    assert_eq!(
        functions(&parse("a.rs".into(), &long)),
        [("long".to_string(), 122)]
    );
    let wide = format!("struct Wide {{\n{}}}\n", "    a: u8,\n".repeat(21));
    assert_eq!(
        structs(&parse("a.rs".into(), &wide)),
        [("Wide".to_string(), 21)]
    );
}

/// The modules behind the names of a line of the law.
fn expand(names: &[&'static str]) -> BTreeSet<&'static str> {
    let mut modules = BTreeSet::new();
    for name in names {
        match GROUPS.iter().find(|(group, _)| group == name) {
            Some((_, members)) => modules.extend(members.iter().copied()),
            None => {
                modules.insert(*name);
            }
        }
    }
    modules
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    let base = root().join("src");
    let mut files = Vec::new();
    collect(&base, &mut files);
    files.sort();
    let sources = files.iter().map(|file| {
        let path = file.strip_prefix(&base).expect("it was found there");
        let path = path.to_str().expect("names of sources are ASCII");
        let text = fs::read_to_string(file).expect("sources can be read");
        parse(path.replace('\\', "/"), &text)
    });
    sources
        .filter(|source| {
            let name = source.path.rsplit('/').next().unwrap_or_default();
            name != "tests.rs" && !source.path.contains("tests/")
        })
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("folders can be listed") {
        let path = entry.expect("folders can be listed").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// Cuts the tests off a file, and the comments out of its lines.
fn parse(path: String, text: &str) -> Source {
    let mut lines: Vec<String> = Vec::new();
    let mut rest = text.lines().peekable();
    while let Some(line) = rest.next() {
        // Tests stand last, so `#[cfg(test)]` before a `mod x {` ends the file.
        let opens_tests = |next: &&str| {
            next.starts_with("mod ") && next.ends_with('{') || next.starts_with("mod tests")
        };
        let for_tests = line == "#[cfg(test)]" || line.starts_with("#[cfg(all(test,");
        if for_tests && rest.peek().is_some_and(opens_tests) {
            break;
        }
        lines.push(line.to_string());
    }
    let code = lines
        .iter()
        .map(|line| line.split("//").next().unwrap_or_default().to_string())
        .collect();
    Source { path, code, lines }
}

/// The modules of the first level that a file names: after `crate::`, in braces
/// after it, and after as many `super::` as lead to the crate's root.
fn uses(source: &Source) -> BTreeSet<String> {
    let code = source.code.join("\n");
    let mut used = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let macro_path = code[..at].ends_with('$');
        let after = &code[at + "crate::".len()..];
        match after.strip_prefix('{') {
            Some(list) => used.extend(heads_of_list(list)),
            None if macro_path => {}
            None => used.extend(word(after)),
        }
    }
    // In `a/b.rs` one `super` is `a` and two are the root; `mod.rs` is one higher.
    let in_mod = source.path.ends_with("/mod.rs");
    let depth = source.path.split('/').count() - usize::from(in_mod);
    let escape = "super::".repeat(depth);
    for (at, _) in code.match_indices(&escape) {
        if !code[..at].ends_with("super::") && !code[..at].ends_with("crate::") {
            used.extend(word(&code[at + escape.len()..]));
        }
    }
    used
}

/// The first words of `a::b, c, d::{e, f}}`, up to the closing brace.
fn heads_of_list(list: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0;
    let mut expects = true;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => expects = true,
            c if expects && depth == 0 && c.is_alphabetic() => {
                heads.extend(word(&list[at..]));
                expects = false;
            }
            _ => {}
        }
    }
    heads
}

/// The lower-case word that `text` starts with: a module, not a type or macro.
fn word(text: &str) -> Option<String> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let is_module = word.starts_with(|c: char| c.is_lowercase()) && !rest.starts_with('!');
    (is_module && word != "self" && word != "super").then(|| word.to_string())
}

/// Every function with its number of lines. Works on formatted code: the closing
/// brace has the indentation of the line with `fn`.
fn functions(source: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in source.lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(name) = code.split("fn ").nth(1) else {
            continue;
        };
        let before = code.split("fn ").next().unwrap_or_default();
        let qualifiers = ["", "pub", "const", "async", "pub(crate)", "pub(super)"];
        if !before
            .split_whitespace()
            .all(|word| qualifiers.contains(&word))
        {
            continue;
        }
        let name = name.split(['(', '<']).next().unwrap_or_default();
        if let Some(lines) = block_lines(source, start) {
            found.push((name.to_string(), lines));
        }
    }
    found
}

/// Every struct with its number of fields.
fn structs(source: &Source) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for (start, line) in source.code.iter().enumerate() {
        let Some((_, name)) = line.split_once("struct ") else {
            continue;
        };
        if !line.trim_end().ends_with('{') {
            continue;
        }
        let lines = block_lines(source, start).unwrap_or(1);
        let indent = indentation(line) + 4;
        let body = &source.code[start + 1..start + lines - 1];
        let is_field = |line: &&String| indentation(line) == indent && line.contains(": ");
        let name = name.split([' ', '<']).next().unwrap_or_default();
        found.push((name.to_string(), body.iter().filter(is_field).count()));
    }
    found
}

/// How many lines the block that starts at line `start` has.
fn block_lines(source: &Source, start: usize) -> Option<usize> {
    let indent = indentation(&source.lines[start]);
    let rest = &source.lines[start..];
    if rest[0].trim_end().ends_with(['}', ';']) {
        return Some(1);
    }
    let ends = |line: &String| {
        let code = line.trim();
        let closes = code.starts_with('}') || code.starts_with(')') && code.ends_with(';');
        closes && indentation(line) == indent
    };
    Some(rest.iter().position(ends)? + 1)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[track_caller]
fn report(errors: &[String]) {
    assert!(errors.is_empty(), "\n{}\n", errors.join("\n"));
}
