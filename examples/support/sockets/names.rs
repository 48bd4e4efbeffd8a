//! The system's names: asking for one blocks, so each question has a thread for its short life.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use mio::Waker;

/// Questions under way, and answers.
pub(crate) struct Names {
    waker: Arc<Waker>,
    answer: Sender<Answer>,
    answers: Receiver<Answer>,
}

/// A name, and its addresses: none if it is not known.
type Answer = (String, Vec<IpAddr>);

impl Names {
    /// `waker` ends the wait of the loop when there is an answer.
    pub(crate) fn new(waker: Arc<Waker>) -> Self {
        let (answer, answers) = channel();
        Self {
            waker,
            answer,
            answers,
        }
    }

    /// Asks.
    #[expect(
        clippy::disallowed_methods,
        reason = "the system looks names up by blocking"
    )]
    pub(crate) fn look_up(&self, name: String) {
        let (answer, waker) = (self.answer.clone(), Arc::clone(&self.waker));
        std::thread::spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            let addresses = found.map_or_else(
                |_| Vec::new(),
                |found| found.map(|address| address.ip()).collect(),
            );
            // Nobody to tell: then the loop has ended.
            if answer.send((name, addresses)).is_ok() {
                let _ = waker.wake();
            }
        });
    }

    /// What has been found since the last call.
    pub(crate) fn answers(&self) -> impl Iterator<Item = Answer> {
        self.answers.try_iter()
    }
}
