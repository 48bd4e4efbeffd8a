//! Consent, alerts and the end.

use super::script::*;
use super::*;

/// DTLS-041: plaintext alerts count during the handshake, and never after it.
#[test]
fn dtls_041_plaintext_alerts_end_only_a_handshake() {
    let fatal = Alert::fatal(AlertDescription::HandshakeFailure);
    let close = Alert::warning(AlertDescription::CloseNotify);
    let warning = Alert::warning(AlertDescription::NoRenegotiation);
    for alert in [fatal, close, warning] {
        let mut script = Script::new(Role::Server);
        script.alert(0, alert);
        assert_eq!(script.reason(), None);
        for mut script in [connected_server(), connected_client()] {
            script.alert(0, alert);
            assert!(script.end.is_connected());
        }
    }
    for mut script in [greeted_server(), greeted_client()] {
        let before = script.heard.len();
        script.alert(0, warning);
        assert_eq!(script.reason(), None);
        script.alert(0, fatal);
        let reason = CloseReason::Alerted(AlertDescription::HandshakeFailure);
        assert_eq!(script.reason(), Some(reason));
        assert_eq!(script.heard.len(), before);
    }
}

/// DTLS-042: close_notify is answered once, and is the end.
#[test]
fn dtls_042_close_notify_is_answered_once() {
    for mut script in [connected_server(), connected_client()] {
        let before = script.heard.len();
        script.alert(1, Alert::warning(AlertDescription::CloseNotify));
        script.alert(1, Alert::warning(AlertDescription::CloseNotify));
        assert_eq!(script.reason(), Some(CloseReason::ByPeer));
        assert_eq!(script.heard.len(), before + 1);
        assert_eq!(script.end.dtls.state(), DtlsState::Closed);
        script.record(ContentType::ApplicationData, 1, b"late");
        assert!(script.end.data.is_empty());
        assert_eq!(script.end.seal(b"late"), None);
        assert_eq!(script.end.dtls.stats().after_close, 2);
        assert_eq!(script.end.dtls.poll_timeout(), None);
    }
}

/// The handshake ends only when the owner says so, in both roles.
#[test]
fn d_2_nothing_happens_without_acceptance() {
    let mut pair = Pair::new(1);
    pair.client.accepts = false;
    pair.server.accepts = false;
    for _ in 0..6 {
        assert!(pair.step());
    }
    assert!(matches!(
        pair.client.events[..],
        [Event::PeerCertificate(_)]
    ));
    assert!(pair.server.events.is_empty());
    assert_eq!(pair.client.seal(b"data"), None);
    pair.client.dtls.accept_peer();
    for _ in 0..6 {
        assert!(pair.step());
    }
    assert!(matches!(
        pair.server.events[..],
        [Event::PeerCertificate(_)]
    ));
    assert!(!pair.client.is_connected() && !pair.server.is_connected());
    let mut out = [0; 4];
    let exported = pair.server.dtls.export_keying_material("x", None, &mut out);
    assert_eq!(exported, Err(ExportError::NotConnected));
    pair.server.dtls.accept_peer();
    pair.run();
    assert!(pair.client.is_connected() && pair.server.is_connected());
}

/// DTLS-016, DTLS-017, DTLS-018, D-2, D-3: a refused certificate is the end, in both roles.
#[test]
fn dtls_017_a_refused_certificate_ends_it_in_both_roles() {
    for role in [Role::Client, Role::Server] {
        let mut pair = Pair::new(1);
        let (refuser, other) = match role {
            Role::Client => (&mut pair.client, &mut pair.server),
            Role::Server => (&mut pair.server, &mut pair.client),
        };
        refuser.accepts = false;
        let mut now = Instant::ZERO;
        while refuser.events.is_empty() {
            refuser
                .outputs(now, MTU)
                .into_iter()
                .for_each(|datagram| other.input(now, datagram));
            other
                .outputs(now, MTU)
                .into_iter()
                .for_each(|datagram| refuser.input(now, datagram));
            now += Duration::from_millis(1);
        }
        assert!(matches!(refuser.events[..], [Event::PeerCertificate(_)]));
        refuser.dtls.close(CloseReason::BadFingerprint);
        refuser.dtls.accept_peer();
        assert_eq!(refuser.dtls.state(), DtlsState::Failed);
        let alert = refuser.output(now, MTU).expect("an alert");
        other.input(now, alert);
        let reason = CloseReason::Alerted(AlertDescription::BadCertificate);
        assert_eq!(refuser.closed(), Some(CloseReason::BadFingerprint));
        assert_eq!(other.closed(), Some(reason));
        assert!(refuser.srtp().is_none() && refuser.data.is_empty());
        assert_eq!(refuser.output(now, MTU), None);
    }
}

/// Closing before anything was said says nothing; closing later says close_notify.
#[test]
fn closes_in_every_state() {
    for role in [Role::Client, Role::Server] {
        let mut end = End::new(config(), role, 1);
        end.dtls.close(CloseReason::Requested);
        assert_eq!(end.output(Instant::ZERO, MTU), None);
        assert_eq!(end.closed(), Some(CloseReason::Requested));
        assert_eq!(end.dtls.state(), DtlsState::Closed);
    }
    let mut script = Script::new(Role::Client);
    script.end.dtls.close(CloseReason::Requested);
    script.listen();
    assert_eq!(
        script.heard.last().expect("an alert"),
        "DTLS Alert warning close_notify"
    );
    let mut pair = Pair::new(1).connected();
    pair.client.dtls.close(CloseReason::Requested);
    pair.drain();
    assert_eq!(pair.client.closed(), Some(CloseReason::Requested));
    assert_eq!(pair.server.closed(), Some(CloseReason::ByPeer));
}
