//! Every input in every state, as a table: a change of the protocol shows in its diff.

use super::script::*;
use super::*;

/// What leads to a state from the one before.
type Step = fn(&mut Script);

const SERVER: [(&str, Step); 8] = [
    ("start", |_| {}),
    ("hello", |script| script.say(&HELLO)),
    ("certificate", Script::certificate),
    ("key", |script| script.say(&CLIENT_KEY)),
    ("verify", |script| script.say(&VERIFY)),
    ("change", Script::change_cipher_spec),
    ("finished", |script| script.say(&FINISHED)),
    ("closed", |script| script.alert(1, CLOSE)),
];

const CLIENT: [(&str, Step); 8] = [
    ("start", |_| {}),
    ("hello", |script| script.say(&SERVER_HELLO)),
    ("certificate", Script::certificate),
    ("key", |script| script.say(&key_exchange())),
    ("request", |script| script.say(&request())),
    ("done", |script| script.say(&Message::ServerHelloDone)),
    ("change", Script::change_cipher_spec),
    ("finished", |script| script.say(&FINISHED)),
];

const INPUTS: [(&str, Step); 20] = [
    ("HelloRequest", |script| script.say(&Message::HelloRequest)),
    ("ClientHello", |script| script.say(&HELLO)),
    ("ServerHello", |script| script.say(&SERVER_HELLO)),
    ("HelloVerifyRequest", |script| script.say(&COOKIE)),
    ("NewSessionTicket", |script| {
        script.raw(0, HandshakeType::NewSessionTicket, &[0; 6]);
    }),
    ("Certificate", Script::certificate),
    ("ServerKeyExchange", |script| script.say(&key_exchange())),
    ("CertificateRequest", |script| script.say(&request())),
    ("ServerHelloDone", |script| {
        script.say(&Message::ServerHelloDone);
    }),
    ("CertificateVerify", |script| script.say(&VERIFY)),
    ("ClientKeyExchange", |script| script.say(&CLIENT_KEY)),
    ("Finished", |script| script.say(&FINISHED)),
    ("Finished, plain", |script| {
        script.raw(0, HandshakeType::Finished, &VERIFY_DATA);
    }),
    ("message 99", |script| {
        script.raw(0, HandshakeType::Unknown(99), &[]);
    }),
    ("ChangeCipherSpec", Script::change_cipher_spec),
    ("alert", |script| script.alert(1, FATAL)),
    ("alert, plain", |script| script.alert(0, FATAL)),
    ("close_notify", |script| script.alert(1, CLOSE)),
    ("data", |script| {
        script.record(ContentType::ApplicationData, 1, b"data");
    }),
    ("data, plain", |script| {
        script.record(ContentType::ApplicationData, 0, b"data");
    }),
];

const HELLO: Message<'_> = Message::ClientHello(client_hello(&OFFER));
const SERVER_HELLO: Message<'_> = Message::ServerHello(server_hello(&[OFFER[0]]));
const COOKIE: Message<'_> = Message::HelloVerifyRequest(HelloVerifyRequest {
    version: ProtocolVersion::DTLS_1_0,
    cookie: b"cookie",
});
const FATAL: Alert = Alert::fatal(AlertDescription::HandshakeFailure);
const CLOSE: Alert = Alert::warning(AlertDescription::CloseNotify);

/// What became of an input.
fn outcome(script: &mut Script, input: Step) -> String {
    let was_connected = script.end.is_connected();
    let was_closed = script.end.closed().is_some();
    let before = script.end.dtls.stats();
    input(script);
    let after = script.end.dtls.stats();
    let dropped = |stats: &Stats| {
        let handshake = stats.fragments_dropped + stats.unexpected + stats.replayed;
        stats.malformed + stats.wrong_epoch + stats.forged + stats.after_close + handshake
    };
    match script.reason() {
        Some(CloseReason::ByPeer) if !was_closed => "closed".into(),
        Some(CloseReason::Alerted(_)) if !was_closed => "failed".into(),
        Some(CloseReason::Unexpected(_)) if !was_closed => "unexpected".into(),
        Some(reason) if !was_closed => format!("{reason:?}"),
        _ if !script.end.data.is_empty() => "delivered".into(),
        _ if script.end.is_connected() && !was_connected => "connected".into(),
        _ if dropped(&after) > dropped(&before) => "-".into(),
        _ if after.records_received > before.records_received => "ok".into(),
        _ => "kept".into(),
    }
}

fn table(role: Role, states: &[(&str, Step)]) -> String {
    let mut lines = format!("{role:?}\n{:20}", "");
    states
        .iter()
        .for_each(|(name, _)| lines += &format!("{name:12}"));
    for (name, input) in INPUTS {
        lines += &format!("\n{name:20}");
        for index in 0..states.len() {
            let mut script = Script::new(role);
            states[..=index]
                .iter()
                .for_each(|(_, step)| step(&mut script));
            let cell = outcome(&mut script, input);
            lines += &format!("{cell:12}");
        }
    }
    let trimmed = lines.lines().map(str::trim_end);
    trimmed.collect::<Vec<_>>().join("\n") + "\n"
}

/// DTLS-001 to DTLS-043 at a glance.
#[test]
fn every_input_in_every_state() {
    let table = table(Role::Server, &SERVER) + "\n" + &table(Role::Client, &CLIENT);
    compare_golden("states", &table);
}
