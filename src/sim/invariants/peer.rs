//! Invariants of whole peers.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::Invariant;
use crate::sim::ledger::{Entry, Fact, Ledger, Phase, Side, Snapshot};
use crate::sim::world::HostId;
use crate::time::Instant;

/// P-2: the media sections of both descriptions are the same ones in the same
/// order while nothing is being negotiated, and none ever goes away.
#[derive(Clone, Debug, Default)]
pub struct Descriptions {
    local: BTreeMap<HostId, Vec<String>>,
    remote: BTreeMap<HostId, Vec<String>>,
}

impl Invariant for Descriptions {
    fn name(&self) -> &'static str {
        "P-2"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        match &entry.fact {
            Fact::Described { side, sdp } => {
                let sections = match side {
                    Side::Local => &mut self.local,
                    Side::Remote => &mut self.remote,
                };
                let new = mids(sdp);
                let old = sections.insert(entry.host, new.clone());
                match old {
                    Some(old) if !new.starts_with(&old) => {
                        Err(format!("the sections {old:?} became {new:?}"))
                    }
                    _ => Ok(()),
                }
            }
            Fact::State(state) if state.stable => {
                let local = self.local.get(&entry.host);
                let remote = self.remote.get(&entry.host);
                if local == remote {
                    Ok(())
                } else {
                    Err(format!("stable with the sections {local:?} and {remote:?}"))
                }
            }
            _ => Ok(()),
        }
    }
}

/// The mids of the media sections of a description; a section without one counts
/// by its m-line.
fn mids(sdp: &str) -> Vec<String> {
    let mut mids: Vec<String> = Vec::new();
    for line in sdp.lines() {
        if line.starts_with("m=") {
            mids.push(line.to_string());
        }
        if let (Some(mid), Some(last)) = (line.strip_prefix("a=mid:"), mids.last_mut()) {
            *last = mid.to_string();
        }
    }
    mids
}

/// P-7: the state of the connection is what the states of its transports make it
/// (W3C webrtc-pc §4.3.3).
#[derive(Clone, Copy, Debug, Default)]
pub struct AggregateState;

impl Invariant for AggregateState {
    fn name(&self) -> &'static str {
        "P-7"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        match &entry.fact {
            Fact::State(state) => aggregate(state),
            _ => Ok(()),
        }
    }
}

fn aggregate(state: &Snapshot) -> Result<(), String> {
    let transports = [state.ice, state.dtls];
    let any = |phase| transports.contains(&phase);
    let all = |phases: &[Phase]| transports.iter().all(|phase| phases.contains(phase));
    let expected = if state.connection == Phase::Closed {
        // It was closed: that does not depend on the transports.
        Phase::Closed
    } else if any(Phase::Failed) {
        Phase::Failed
    } else if any(Phase::Disconnected) {
        Phase::Disconnected
    } else if all(&[Phase::New, Phase::Closed]) {
        Phase::New
    } else if all(&[Phase::Connected, Phase::Closed]) {
        Phase::Connected
    } else {
        Phase::Connecting
    };
    if state.connection == expected {
        Ok(())
    } else {
        Err(format!("{state:?} should be {expected:?}"))
    }
}

/// P-7 and law 7: a closed connection stays closed and says nothing more.
#[derive(Clone, Debug, Default)]
pub struct SilentWhenClosed {
    closed: BTreeMap<HostId, Instant>,
}

impl Invariant for SilentWhenClosed {
    fn name(&self) -> &'static str {
        "P-7, closed"
    }

    fn observe(&mut self, _: &Ledger, entry: &Entry) -> Result<(), String> {
        let closed = self.closed.get(&entry.host).copied();
        match &entry.fact {
            Fact::State(state) if state.connection == Phase::Closed => {
                self.closed.entry(entry.host).or_insert(entry.at);
            }
            Fact::State(state) if closed.is_some() => {
                return Err(format!("closed, and then {:?}", state.connection));
            }
            // The farewell leaves at the same moment.
            Fact::Sent(_) | Fact::MessageReceived(_)
                if closed.is_some_and(|closed| entry.at > closed) =>
            {
                return Err("it still speaks".into());
            }
            _ => {}
        }
        Ok(())
    }
}
