//! Data channels.

use alloc::string::String;

use super::StatsReport;
use super::id::{StatsId, Thing, Timestamp};
use crate::channel::{ChannelId, ChannelState, DataChannels, Traffic};

/// How many data channels were there (`RTCPeerConnectionStats`)?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerConnectionStats {
    /// The connection.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Channels that were open at some time.
    pub data_channels_opened: u64,
    /// Those of them that are not any more.
    pub data_channels_closed: u64,
}

/// How does a data channel fare (`RTCDataChannelStats`)?
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DataChannelStats {
    /// Which one.
    pub id: StatsId,
    /// When the report was taken.
    pub timestamp: Timestamp,
    /// Its name here.
    pub channel: ChannelId,
    /// The name that its opener gave it.
    pub label: String,
    /// Its subprotocol.
    pub protocol: String,
    /// Its SCTP stream, once that is known.
    pub data_channel_identifier: Option<u16>,
    /// Where in its life it is.
    pub state: ChannelState,
    /// What went over it.
    pub traffic: Traffic,
}

impl StatsReport {
    /// What is known of the channels of a connection.
    pub(super) fn add_channels(&mut self, channels: &DataChannels) {
        let timestamp = self.timestamp;
        let counted = channels.stats();
        self.peer_connection = Some(PeerConnectionStats {
            id: StatsId(Thing::PeerConnection),
            timestamp,
            data_channels_opened: counted.opened,
            data_channels_closed: counted.closed,
        });
        let all = channels.ids();
        let all = all.filter_map(|channel| Some((channel, channels.info(channel)?)));
        let all = all.map(|(channel, info)| DataChannelStats {
            id: StatsId(Thing::DataChannel(channel.number())),
            timestamp,
            channel,
            label: info.label.into(),
            protocol: info.config.protocol.clone(),
            data_channel_identifier: info.stream,
            state: info.state,
            traffic: info.traffic,
        });
        self.data_channels = all.collect();
    }
}
