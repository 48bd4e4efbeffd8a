//! What each command does.

use core::time::Duration;

use anyhow::{Context as _, bail};
use pollrtc::dtls::Role;
use pollrtc::ice::{IceServer, TransportPolicy};
use pollrtc::peer::{
    BundlePolicy, ChannelConfig, ChannelId, Config, Data, Description, IceCandidate, Kind, RtpMode,
    SdpType, Transceiver,
};
use pollrtc::rng::Rng;
use pollrtc::{Instant, PeerConnection};
use serde_json::{Value, json};

use crate::jobs::Job;
use crate::media::Media;
use crate::protocol::{self, Bundle, Command, Init, NewChannel, NewTrack, Policy, Server, Setup};
use crate::session::Session;
use crate::{content, facts};

/// What comes after a command?
pub(crate) enum Next {
    GoOn,
    Exit,
}

/// Executes one line and answers it.
pub(crate) fn execute(line: &str, session: &mut Session, now: Instant) -> Next {
    if line.trim().is_empty() {
        return Next::GoOn;
    }
    let (id, command) = protocol::parse(line);
    match command {
        Ok(Command::Quit) => return Next::Exit,
        Ok(command) => match session.command(id, command, now) {
            Ok(Some(event)) => protocol::answer(id, event),
            Ok(None) => {} // the answer comes later
            Err(e) => protocol::error(id, &format!("{e:#}")),
        },
        Err(e) => protocol::error(id, &e),
    }
    Next::GoOn
}

impl Session {
    /// The answer; `None` if it is given when the work is done.
    fn command(
        &mut self,
        id: Option<u64>,
        command: Command,
        now: Instant,
    ) -> anyhow::Result<Option<Value>> {
        match command {
            Command::Init(init) => self.init(&init, now)?,
            Command::AddTrack(new) => self.add_track(&new)?,
            Command::RemoveTrack { kind } => self.remove_track(kind.into())?,
            Command::StopTransceiver { kind } => self.stop_transceiver(kind.into())?,
            Command::RequestKeyFrame => self.request_key_frames()?,
            Command::KeepMedia { folder } => self.media.record(folder.as_deref()),
            Command::CreateChannel(new) => self.create_channel(new)?,
            Command::Mode { mode } => self.mode = mode,
            Command::Offer { .. } | Command::Answer { .. } => {
                return self.describe(id, &command).map(|()| None);
            }
            Command::SetRemote { r#type, sdp } => {
                let kind = SdpType::from_word(&r#type)
                    .with_context(|| format!("unknown type {:?}", r#type))?;
                self.peer()?
                    .set_remote_description(&Description { kind, sdp })?;
            }
            Command::Rollback => {
                let rollback = Description {
                    kind: SdpType::Rollback,
                    sdp: String::new(),
                };
                self.peer()?.set_local_description(Some(&rollback))?;
            }
            Command::Candidate(candidate) => self.candidate(&candidate)?,
            Command::Send {
                label,
                text,
                kind,
                size,
                seed,
            } => {
                let data = text.map_or_else(|| content::message(kind, seed, size), Data::Text);
                let channel = self.channel(&label)?;
                self.peer()?.send(now, channel, data)?;
            }
            Command::EchoRun {
                label,
                messages,
                window,
            } => {
                let channel = self.channel(&label)?;
                self.jobs
                    .push(Job::echo(id, channel, now, messages, window));
                return Ok(None);
            }
            Command::BulkSend {
                label,
                bytes,
                chunk,
            } => {
                let channel = self.channel(&label)?;
                self.jobs.push(Job::bulk(id, channel, now, bytes, chunk));
                return Ok(None);
            }
            Command::Burst {
                label,
                count,
                size,
                interval_ms,
            } => {
                let channel = self.channel(&label)?;
                let interval = Duration::from_millis(interval_ms);
                self.jobs
                    .push(Job::burst(id, channel, now, count, size, interval));
                return Ok(None);
            }
            Command::SinkReport { label } => {
                let channel = self.channel(&label)?;
                let channel = self.channels.get_mut(channel).context("no such channel")?;
                return Ok(Some(channel.sink.report()));
            }
            Command::CloseChannel { label } => {
                let channel = self.channel(&label)?;
                self.peer()?.close_channel(channel);
            }
            Command::Stats { raw } => return self.stats(raw, now).map(Some),
            Command::Close => self.peer()?.close(),
            Command::Quit => {}
        }
        Ok(Some(json!({ "event": "ok" })))
    }

    fn init(&mut self, init: &Init, now: Instant) -> anyhow::Result<()> {
        if self.peer.is_some() {
            bail!("there is a connection already");
        }
        self.trickle = init.trickle;
        let mut config = Config::new();
        config.ice.tcp = true;
        config.ice.hide_addresses = init.hide_addresses;
        if init.echo_media {
            config.rtp_mode = RtpMode::Packets;
            config.mtu = 1280; // browsers send larger packets than ours
        }
        config.ice.policy = match init.ice_transport_policy {
            Policy::All => TransportPolicy::All,
            Policy::Relay => TransportPolicy::Relay,
        };
        if let Some(policy) = init.bundle_policy {
            config.bundle_policy = match policy {
                Bundle::Balanced => BundlePolicy::Balanced,
                Bundle::Compat => BundlePolicy::MaxCompat,
                Bundle::One => BundlePolicy::MaxBundle,
            };
        }
        config.ice.servers = init
            .ice_servers
            .iter()
            .map(server)
            .collect::<Result<_, _>>()?;
        let mut peer = PeerConnection::new(config, &mut Rng::from_os()?)?;
        self.sockets.introduce_to(&mut peer)?;
        if init.bundle_policy.is_some() {
            self.sockets.open_spares(&mut peer, 3)?;
        }
        if let Some(unix) = wall_clock() {
            peer.set_wall_clock(now, unix);
        }
        self.media = Media::new(init.echo_media);
        self.peer = Some(peer);
        Ok(())
    }

    fn add_track(&mut self, new: &NewTrack) -> anyhow::Result<()> {
        let peer = self.peer.as_mut().context("not initialised")?;
        self.media.add_track(peer, new)
    }

    fn remove_track(&mut self, kind: Kind) -> anyhow::Result<()> {
        let peer = self.peer.as_mut().context("not initialised")?;
        self.media.remove_track(peer, kind)
    }

    fn stop_transceiver(&mut self, kind: Kind) -> anyhow::Result<()> {
        let peer = self.peer()?;
        let is_live = |t: &&Transceiver| t.kind() == kind && !t.is_stopping();
        let live = peer.transceivers().find(is_live).map(Transceiver::id);
        Ok(peer.stop_transceiver(live.context("nothing to stop")?)?)
    }

    /// Of all video that comes.
    fn request_key_frames(&mut self) -> anyhow::Result<()> {
        let peer = self.peer()?;
        let video = peer.transceivers().filter(|t| t.kind() == Kind::Video);
        let video: Vec<_> = video.map(Transceiver::id).collect();
        let asked = video
            .into_iter()
            .filter(|id| peer.request_key_frame(*id, ""));
        if asked.count() == 0 {
            bail!("nothing to ask");
        }
        Ok(())
    }

    fn create_channel(&mut self, new: NewChannel) -> anyhow::Result<()> {
        if new.negotiated && new.sid.is_none() {
            bail!("a negotiated channel needs a sid");
        }
        let config = ChannelConfig {
            ordered: new.ordered,
            max_packet_life_time: new.max_packet_life_time,
            max_retransmits: new.max_retransmits,
            protocol: new.protocol,
            negotiated: new.sid.filter(|_| new.negotiated),
            ..ChannelConfig::default()
        };
        let id = self.peer()?.create_data_channel(&new.label, config)?;
        self.channels.add(id, new.label);
        Ok(())
    }

    /// Makes and applies an offer or an answer; the session answers when the candidates are known.
    fn describe(&mut self, id: Option<u64>, command: &Command) -> anyhow::Result<()> {
        let peer = self.peer()?;
        let description = match command {
            Command::Answer { setup } => {
                match setup {
                    Some(Setup::Active) => peer.prefer_dtls_role(Role::Client),
                    Some(Setup::Passive) => peer.prefer_dtls_role(Role::Server),
                    None => {}
                }
                peer.create_answer()?
            }
            Command::Offer { ice_restart: true } => {
                peer.restart_ice();
                peer.create_offer()?
            }
            _ => peer.create_offer()?,
        };
        peer.set_local_description(Some(&description))?;
        self.gathering = Some(id);
        Ok(())
    }

    fn candidate(&mut self, candidate: &protocol::Candidate) -> anyhow::Result<()> {
        let candidate = IceCandidate {
            candidate: &candidate.candidate,
            sdp_mid: candidate.sdp_mid.as_deref(),
            sdp_mline_index: candidate.sdp_mline_index,
            username_fragment: None,
        };
        Ok(self.peer()?.add_ice_candidate(candidate)?)
    }

    fn stats(&self, raw: bool, now: Instant) -> anyhow::Result<Value> {
        let peer = self.peer.as_ref().context("not initialised")?;
        let pair = peer.selected_pair().map(|pair| {
            json!({
                "local": facts::candidate(peer, &pair.local),
                "remote": facts::candidate(peer, &pair.remote),
                "rtt_ms": pair.rtt.map(|rtt| rtt.as_secs_f64() * 1000.0),
            })
        });
        let data: Vec<Value> = self
            .channels
            .iter()
            .map(|(id, channel)| {
                let state = peer
                    .channel(id)
                    .map_or("closed", |info| info.state.as_str());
                json!({ "label": channel.label, "state": state, "sent": null, "received": null })
            })
            .collect();
        let dtls = peer.dtls_negotiated();
        let mut event = json!({
            "event": "stats",
            "ice_state": peer.ice_connection_state().to_string(),
            "connection_state": peer.connection_state().to_string(),
            "signaling_state": peer.signaling_state().to_string(),
            "dtls_version": dtls.map(|dtls| dtls.version.to_string()),
            "dtls_cipher": dtls.map(|dtls| dtls.cipher_suite.to_string()),
            "dtls_role": peer.dtls_role().map(|role| role.to_string()),
            "selected_pair": pair,
            "data": data,
        });
        let report = peer.get_stats(now);
        let mut ciphers = report.transports.iter().filter_map(|one| one.srtp_cipher);
        event["srtp_cipher"] = ciphers.next().map(|cipher| cipher.to_string()).into();
        event["inbound"] = report
            .inbound_rtp
            .iter()
            .map(|x| facts::inbound(x, &report))
            .collect();
        event["outbound"] = report
            .outbound_rtp
            .iter()
            .map(|x| facts::outbound(x, &report))
            .collect();
        if raw {
            event["raw"] = format!("{:?}", peer.stats()).into();
        }
        Ok(event)
    }

    fn peer(&mut self) -> anyhow::Result<&mut PeerConnection> {
        self.peer.as_mut().context("not initialised")
    }

    fn channel(&self, label: &str) -> anyhow::Result<ChannelId> {
        self.channels
            .find(label)
            .with_context(|| format!("no channel {label:?}"))
    }
}

/// The time since the Unix epoch.
#[expect(
    clippy::disallowed_types,
    reason = "a program may ask the system for the time"
)]
fn wall_clock() -> Option<Duration> {
    let now = std::time::SystemTime::now();
    now.duration_since(std::time::UNIX_EPOCH).ok()
}

fn server(server: &Server) -> anyhow::Result<IceServer> {
    let urls: Result<_, _> = server.urls.iter().map(|url| url.parse()).collect();
    Ok(IceServer {
        urls: urls?,
        username: server.username.clone(),
        credential: server.credential.clone(),
    })
}
