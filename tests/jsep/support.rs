//! An end of a negotiation with the facts that a connection would give it.

use std::collections::BTreeMap;
use std::fs;

use pollrtc::crypto::certificate::Fingerprint;
use pollrtc::dtls::Role;
use pollrtc::jsep::{
    BundlePolicy, Description, DescriptionError, Local, LocalTransport, MediaCapabilities,
    OfferOptions, Plan, SdpType, Session, SessionConfig, SignalingState, TransportId,
};
use pollrtc::net::Candidate;
use pollrtc::rng::Rng;
use pollrtc::wire::sdp::candidate;

/// A session, and what would be its ICE agent and its certificate.
#[derive(Clone, PartialEq)]
pub(crate) struct Peer {
    pub(crate) session: Session,
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    /// What it will be called after a restart.
    next_ufrag: String,
    /// What it was called before the restart that is not settled.
    old_ufrag: String,
    restarts: usize,
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) gathered: bool,
    /// The agents of its other transports.
    pub(crate) more: BTreeMap<TransportId, Agent>,
}

/// The ICE agent of a transport that is not the first.
#[derive(Clone, PartialEq)]
pub(crate) struct Agent {
    name: String,
    restarts: usize,
    /// What it was called before the restart that is not settled.
    old: usize,
    pub(crate) candidates: Vec<Candidate>,
    pub(crate) gathered: bool,
    ufrags: [String; 2],
}

impl Agent {
    fn new(name: String) -> Self {
        let ufrags = [format!("{name}n0"), format!("{name}n1")];
        Self {
            name,
            restarts: 0,
            old: 0,
            candidates: Vec::new(),
            gathered: false,
            ufrags,
        }
    }

    fn go_to(&mut self, restarts: usize) {
        self.restarts = restarts;
        self.ufrags = [0, 1].map(|more| format!("{}n{}", self.name, restarts + more));
    }
}

impl Peer {
    /// A peer with a name that is its user fragment; `A` to `F` begin its fingerprint.
    pub(crate) fn new(name: &str) -> Self {
        Self::with(name, bundled())
    }

    pub(crate) fn with(name: &str, config: SessionConfig) -> Self {
        let seed = name.bytes().map(u64::from).sum();
        Self {
            session: Session::new(config, &mut Rng::from_number(seed)),
            ufrag: name.to_string(),
            pwd: format!("{name}0123456789abcdefghijkl"),
            next_ufrag: format!("{name}1"),
            old_ufrag: name.to_string(),
            restarts: 1,
            fingerprints: Vec::from([sha256(&format!("{:02X}", seed % 256))]),
            candidates: Vec::new(),
            gathered: false,
            more: BTreeMap::new(),
        }
    }

    /// One with a policy for bundles that can do what browsers can.
    pub(crate) fn with_policy(name: &str, bundle_policy: BundlePolicy) -> Self {
        let config = SessionConfig {
            bundle_policy,
            media: MediaCapabilities::browser().into(),
            ..SessionConfig::default()
        };
        Self::with(name, config)
    }

    /// One that can do what browsers can.
    pub(crate) fn with_media(name: &str) -> Self {
        Self::with_capabilities(name, MediaCapabilities::browser())
    }

    pub(crate) fn with_capabilities(name: &str, media: MediaCapabilities) -> Self {
        let config = SessionConfig {
            media: media.into(),
            ..bundled()
        };
        Self::with(name, config)
    }

    /// One that wants data channels.
    pub(crate) fn with_data(name: &str) -> Self {
        let mut peer = Self::new(name);
        peer.session.want_data_channels();
        peer
    }

    /// One that prefers a role when it answers.
    pub(crate) fn answering(name: &str, answer_role: Role) -> Self {
        let config = SessionConfig {
            answer_role,
            ..bundled()
        };
        Self::with(name, config)
    }

    pub(crate) fn offer(&mut self) -> Result<String, DescriptionError> {
        self.call(|session, local| session.create_offer(OfferOptions::default(), local))
    }

    pub(crate) fn answer(&mut self) -> Result<String, DescriptionError> {
        self.call(Session::create_answer)
    }

    pub(crate) fn set_local(&mut self, kind: SdpType, sdp: &str) -> Result<Plan, DescriptionError> {
        let plan = self.call(|session, local| session.set_local(Some(kind), sdp, local))?;
        Ok(self.obey(plan))
    }

    /// Whatever is due.
    pub(crate) fn set_implicit(&mut self) -> Result<Plan, DescriptionError> {
        let plan = self.call(|session, local| session.set_local(None, "", local))?;
        Ok(self.obey(plan))
    }

    pub(crate) fn set_remote(
        &mut self,
        kind: SdpType,
        sdp: &str,
    ) -> Result<Plan, DescriptionError> {
        let plan = self.session.set_remote(kind, sdp)?;
        Ok(self.obey(plan))
    }

    /// Does what its ICE agent would do.
    fn obey(&mut self, plan: Plan) -> Plan {
        for (id, agent) in &mut self.more {
            if plan.cancel_restart.contains(id) {
                agent.go_to(agent.old);
            }
            if plan.restart.contains(id) {
                agent.old = agent.restarts;
                agent.go_to(agent.restarts + 1);
                agent.candidates.clear();
            }
        }
        self.more.retain(|id, _| !plan.closed.contains(id));
        if plan.cancel_restart.contains(&TransportId::FIRST) {
            self.ufrag = self.old_ufrag.clone();
        }
        if plan.restart.contains(&TransportId::FIRST) {
            self.restarts += 1;
            let name = self.old_ufrag.trim_end_matches(char::is_numeric);
            let next = format!("{name}{}", self.restarts);
            self.old_ufrag = core::mem::replace(
                &mut self.ufrag,
                core::mem::replace(&mut self.next_ufrag, next),
            );
            self.candidates.clear();
            self.gathered = false;
        }
        plan
    }

    pub(crate) fn take(&mut self, description: &Description) -> Result<Plan, DescriptionError> {
        self.set_remote(description.kind, &description.sdp)
    }

    pub(crate) fn local(&mut self) -> Option<Description> {
        self.call(|session, local| session.local_description(local))
    }

    pub(crate) fn state(&self) -> SignalingState {
        self.session.signaling_state()
    }

    /// Gathers a host candidate.
    pub(crate) fn gather(&mut self, address: &str) {
        let (host, port) = address.split_once(' ').expect("host and port");
        let line = format!("1 1 udp 2130706431 {host} {port} typ host");
        self.candidates
            .push(candidate::parse(&line).expect("a candidate"));
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut Session, &Local<'_>) -> T) -> T {
        let needed = [
            self.session.transports_for_offer(),
            self.session.transports_for_answer(),
            self.session.transports().collect(),
        ];
        for id in needed.into_iter().flatten() {
            if id != TransportId::FIRST {
                let name = format!("{}t{}", self.old_ufrag, id.number());
                self.more.entry(id).or_insert_with(|| Agent::new(name));
            }
        }
        let first = LocalTransport {
            id: TransportId::FIRST,
            ufrag: &self.ufrag,
            pwd: &self.pwd,
            next_ufrag: &self.next_ufrag,
            next_pwd: &self.pwd,
            candidates: &self.candidates,
            gathered: self.gathered,
        };
        let more = self.more.iter().map(|(id, agent)| LocalTransport {
            id: *id,
            ufrag: &agent.ufrags[0],
            pwd: &self.pwd,
            next_ufrag: &agent.ufrags[1],
            next_pwd: &self.pwd,
            candidates: &agent.candidates,
            gathered: agent.gathered,
        });
        let transports: Vec<_> = core::iter::once(first).chain(more).collect();
        let local = Local {
            transports: &transports,
            lite: false,
            fingerprints: &self.fingerprints,
            sctp_port: 5000,
            max_message_size: 262_144,
        };
        call(&mut self.session, &local)
    }
}

/// With one transport; `Peer::with_policy` has more.
fn bundled() -> SessionConfig {
    SessionConfig {
        bundle_policy: BundlePolicy::MaxBundle,
        ..SessionConfig::default()
    }
}

/// A whole exchange, offered by `a`: what each has to do after the answer.
pub(crate) fn negotiate(a: &mut Peer, b: &mut Peer) -> (Plan, Plan) {
    a.set_implicit().expect("an offer");
    b.take(&a.local().expect("the offer"))
        .expect("a good offer");
    let plan_b = b.set_implicit().expect("an answer");
    let plan_a = a
        .take(&b.local().expect("the answer"))
        .expect("a good answer");
    assert_eq!(
        (a.state(), b.state()),
        (SignalingState::Stable, SignalingState::Stable)
    );
    (plan_a, plan_b)
}

pub(crate) fn sha256(byte: &str) -> Fingerprint {
    let text = format!("sha-256 {}", [byte; 32].join(":"));
    Fingerprint::parse(&text).expect("well formed")
}

/// A description of another stack.
pub(crate) fn interop(name: &str) -> String {
    fs::read_to_string(format!("tests/vectors/sdp/interop/{name}.sdp")).expect("the vector")
}

/// Compares with `tests/golden/sdp/<name>.txt`; `UPDATE_GOLDEN=1` writes it instead.
pub(crate) fn compare_golden(name: &str, text: &str) {
    let path = format!("tests/golden/sdp/{name}.txt");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, text).expect("a writable golden file");
    }
    let golden = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        text, golden,
        "{path} differs; look at it, then run with UPDATE_GOLDEN=1"
    );
}
