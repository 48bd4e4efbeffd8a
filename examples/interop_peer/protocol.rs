//! The JSON of the protocol: commands in, events out.

use std::io::Write as _;
use std::path::PathBuf;

use pollrtc::peer;
use serde::Deserialize;
use serde_json::{Value, json};

/// A command, without its `id`.
#[derive(Debug, Deserialize)]
#[serde(tag = "cmd", rename_all = "snake_case")]
pub(crate) enum Command {
    Init(Init),
    AddTrack(NewTrack),
    RemoveTrack {
        kind: MediaKind,
    },
    StopTransceiver {
        kind: MediaKind,
    },
    RequestKeyFrame,
    KeepMedia {
        folder: Option<PathBuf>,
    },
    CreateChannel(NewChannel),
    Mode {
        mode: Mode,
    },
    Offer {
        #[serde(default)]
        ice_restart: bool,
    },
    Answer {
        setup: Option<Setup>,
    },
    SetRemote {
        r#type: String,
        sdp: String,
    },
    Rollback,
    Candidate(Candidate),
    Send {
        label: String,
        text: Option<String>,
        #[serde(default)]
        kind: Kind,
        #[serde(default)]
        size: usize,
        #[serde(default)]
        seed: usize,
    },
    EchoRun {
        label: String,
        messages: Vec<(Kind, usize)>,
        #[serde(default = "echo_window")]
        window: usize,
    },
    BulkSend {
        label: String,
        bytes: usize,
        chunk: usize,
    },
    Burst {
        label: String,
        count: u32,
        size: usize,
        #[serde(default)]
        interval_ms: u64,
    },
    SinkReport {
        label: String,
    },
    CloseChannel {
        label: String,
    },
    Stats {
        #[serde(default)]
        raw: bool,
    },
    Close,
    Quit,
}

/// The fields of `init`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Init {
    pub(crate) trickle: bool,
    pub(crate) ice_servers: Vec<Server>,
    pub(crate) ice_transport_policy: Policy,
    pub(crate) hide_addresses: bool,
    pub(crate) echo_media: bool,
    pub(crate) bundle_policy: Option<Bundle>,
}

/// How many transports an offer proposes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Bundle {
    Balanced,
    #[serde(rename = "max-compat")]
    Compat,
    #[serde(rename = "max-bundle")]
    One,
}

/// A STUN or TURN server.
#[derive(Debug, Deserialize)]
pub(crate) struct Server {
    pub(crate) urls: Vec<String>,
    pub(crate) username: Option<String>,
    pub(crate) credential: Option<String>,
}

/// Which candidates are used.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Policy {
    #[default]
    All,
    Relay,
}

/// The fields of `add_track`.
#[derive(Debug, Deserialize)]
pub(crate) struct NewTrack {
    pub(crate) kind: MediaKind,
    #[serde(default)]
    pub(crate) direction: Flow,
    #[serde(default)]
    pub(crate) simulcast: bool,
    #[serde(default)]
    pub(crate) late: bool,
}

/// Sound or pictures.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MediaKind {
    Audio,
    Video,
}

impl From<MediaKind> for peer::Kind {
    fn from(kind: MediaKind) -> Self {
        match kind {
            MediaKind::Audio => Self::Audio,
            MediaKind::Video => Self::Video,
        }
    }
}

/// Which way media flows.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Flow {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
}

impl From<Flow> for peer::Direction {
    fn from(flow: Flow) -> Self {
        match flow {
            Flow::SendRecv => Self::SendRecv,
            Flow::SendOnly => Self::SendOnly,
            Flow::RecvOnly => Self::RecvOnly,
        }
    }
}

/// The fields of `create_channel`.
#[derive(Debug, Deserialize)]
pub(crate) struct NewChannel {
    pub(crate) label: String,
    #[serde(default = "yes")]
    pub(crate) ordered: bool,
    pub(crate) max_retransmits: Option<u16>,
    pub(crate) max_packet_life_time: Option<u16>,
    #[serde(default)]
    pub(crate) protocol: String,
    #[serde(default)]
    pub(crate) negotiated: bool,
    pub(crate) sid: Option<u16>,
}

/// The fields of `candidate`.
#[derive(Debug, Deserialize)]
pub(crate) struct Candidate {
    #[serde(default)]
    pub(crate) candidate: String,
    pub(crate) sdp_mid: Option<String>,
    pub(crate) sdp_mline_index: Option<u16>,
}

/// What is done with arriving messages.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Report,
    Echo,
    Sink,
}

/// Text or binary.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Text,
    #[default]
    Binary,
}

/// The DTLS role of an answer.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Setup {
    Active,
    Passive,
}

/// Reads one line: the `id`, and the command or what is wrong with it.
pub(crate) fn parse(line: &str) -> (Option<u64>, Result<Command, String>) {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(e) => return (None, Err(format!("not JSON: {e}"))),
    };
    let id = value.get("id").and_then(Value::as_u64);
    (id, serde_json::from_value(value).map_err(|e| e.to_string()))
}

/// Writes one event.
pub(crate) fn emit(event: &Value) {
    let mut out = std::io::stdout().lock();
    // A closed pipe means that the harness is gone; the end of standard input follows.
    let _ = writeln!(out, "{event}").and_then(|()| out.flush());
}

/// Writes the answer to a command.
pub(crate) fn answer(id: Option<u64>, mut event: Value) {
    if let (Some(id), Some(fields)) = (id, event.as_object_mut()) {
        fields.insert("id".into(), id.into());
    }
    emit(&event);
}

/// Writes that a command failed.
pub(crate) fn error(id: Option<u64>, message: &str) {
    answer(id, json!({ "event": "error", "message": message }));
}

/// The first line of all.
pub(crate) fn ready() {
    emit(&json!({
        "event": "ready",
        "protocol": 1,
        "peer": "pollrtc",
        "version": env!("CARGO_PKG_VERSION"),
        "features": FEATURES,
        "video_codecs": ["VP8", "H264"],
    }));
}

const FEATURES: [&str; 28] = [
    "dc",
    "media",
    "keep_media",
    "echo_media",
    "late",
    "feedback",
    "request_key_frame",
    "renegotiate",
    "reject",
    "simulcast",
    "simulcast_receive",
    "empty",
    "trickle",
    "max_life",
    "utf8_label",
    "close_channel",
    "dtls_role",
    "rollback",
    "relay",
    "relay_tcp",
    "relay_tls",
    "candidate_error",
    "ice_restart",
    "ice_tcp",
    "mdns",
    "mdns_hide",
    "stats",
    "bundle_policy",
];

const fn yes() -> bool {
    true
}

const fn echo_window() -> usize {
    8
}
