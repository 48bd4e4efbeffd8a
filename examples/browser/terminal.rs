//! The terminal: what happens is printed, what is typed is sent.

use std::io::BufRead as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

use mio::Waker;

/// A typed line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// A message to everyone.
    Say(String),
    /// Open a channel to everyone.
    Open(String),
    /// Close the channels of that label.
    Close(String),
    /// End the program.
    Quit,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match word {
            "" => None,
            "/quit" => Some(Self::Quit),
            "/open" if !rest.is_empty() => Some(Self::Open(rest.into())),
            "/close" if !rest.is_empty() => Some(Self::Close(rest.into())),
            "/open" | "/close" | "/help" => {
                say(HELP);
                None
            }
            _ => Some(Self::Say(line.into())),
        }
    }
}

/// Reads lines in a thread that wakes the loop for each. Without a terminal there are none.
#[expect(
    clippy::disallowed_methods,
    reason = "standard input can only be read by blocking"
)]
pub(crate) fn read(waker: &Arc<Waker>) -> Receiver<Line> {
    let (sender, receiver) = channel();
    let waker = Arc::clone(waker);
    std::thread::spawn(move || {
        let lines = std::io::stdin().lock().lines().map_while(Result::ok);
        for line in lines.filter_map(|line| Line::parse(line.trim_end())) {
            if sender.send(line).is_err() || waker.wake().is_err() {
                return;
            }
        }
    });
    receiver
}

/// The first words.
pub(crate) fn greet(url: &str) {
    say("");
    say(&format!("  pollrtc is waiting for a browser at   {url}"));
    say("");
    say(HELP);
}

/// Prints a line.
pub(crate) fn say(text: &str) {
    use std::io::Write as _;
    // Nobody reads any more: no reason to stop talking to the browsers.
    let _ = writeln!(std::io::stdout(), "{text}");
}

const HELP: &str = "  Type to speak to everyone who is connected.
  /open LABEL and /close LABEL open and close data channels, /quit ends the program.
";
