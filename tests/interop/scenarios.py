"""Which scenarios there are, what each has around it, and what foreign peers cannot do."""
from dataclasses import dataclass, field
from typing import Callable, Optional

import data_channels as data
import media
import network


@dataclass
class Scenario:
    function: Callable
    seconds: int = 60
    path: Optional[dict] = None  # settings of udp_proxy.Proxy
    turn: Optional[list] = None  # a TURN server with these options
    lan: bool = False  # two machines instead of one loopback
    environment: dict = field(default_factory=dict)
    waits: bool = False  # for most of its time: such ones run beside the others


LOSSY = {"loss": 0.1, "delay_ms": 20, "jitter_ms": 10, "reorder": 0.03, "dup": 0.01}
SCENARIOS = {
    "full": Scenario(data.full),
    "trickle": Scenario(data.trickle),
    "dc_echo": Scenario(data.dc_echo, 320),
    "dc_string": Scenario(data.dc_string),
    "dc_many": Scenario(data.dc_many, 90),
    "dc_bulk": Scenario(data.dc_bulk, 320),
    "dc_partial": Scenario(data.dc_partial, 90),
    "dc_close": Scenario(data.dc_close, 120),
    "dc_negotiated": Scenario(data.dc_negotiated),
    "loss": Scenario(data.loss, 420, path=LOSSY, waits=True),
    "loss_partial": Scenario(data.dc_partial, 300, path=LOSSY, waits=True),
    "dtls_active": Scenario(data.dtls_active),
    "dtls_passive": Scenario(data.dtls_passive),
    "rollback": Scenario(data.rollback),
    "fingerprint": Scenario(data.fingerprint),
    "ice_restart": Scenario(network.ice_restart, 90),
    "ice_restart_busy": Scenario(network.ice_restart_busy, 120),
    "turn_only": Scenario(network.turn_only, 90, turn=[]),
    "turn_tcp": Scenario(network.turn_tcp, 90, turn=[]),
    "turn_tls": Scenario(network.turn_tls, 90, turn=[]),
    "turn_bulk": Scenario(network.turn_bulk, 180, turn=[]),
    "turn_trickle": Scenario(network.turn_trickle, 90, turn=[]),
    "turn_password": Scenario(network.turn_password, turn=[]),
    "turn_password_alone": Scenario(network.turn_password_alone, 90, turn=[], waits=True),
    "turn_quota": Scenario(network.turn_quota, turn=["--user-quota=1"]),
    "turn_nonce": Scenario(network.turn_nonce, turn=[f"--stale-nonce={network.NONCE_SECONDS}"]),
    "turn_gone": Scenario(network.turn_gone, 90),
    "ice_tcp": Scenario(network.ice_tcp),
    "mdns": Scenario(network.mdns, lan=True, environment={"CHROMIUM_HIDES": "1"}),
    "mdns_both": Scenario(network.mdns_both, lan=True, environment={"CHROMIUM_HIDES": "1"}),
    "media_one_way": Scenario(media.media_one_way),
    "media_recvonly": Scenario(media.media_recvonly),
    "media_audio_video": Scenario(media.media_audio_video, 90),
    "media_vp8": Scenario(media.media_vp8),
    "media_h264": Scenario(media.media_h264),
    "media_pcmu": Scenario(media.media_pcmu),
    "media_echo": Scenario(media.media_echo),
    "turn_media": Scenario(media.turn_media, 90, turn=[]),
    "loss_media": Scenario(media.loss_media, 90, path={"loss": 0.05, "delay_ms": 10}),
    "key_frames": Scenario(media.key_frames),
    "renegotiate": Scenario(media.renegotiate, 90),
    "rejected": Scenario(media.rejected),
    "stopped": Scenario(media.stopped, 90),
    "simulcast": Scenario(media.simulcast),
    "max_compat": Scenario(media.max_compat, 90),
    "balanced": Scenario(media.balanced, 90),
}

# What a foreign peer truly cannot do: (peer, feature). A scenario that needs it is listed as a gap, not as passed.
KNOWN_GAPS = {
    ("aiortc", "rollback"),
    ("aiortc", "ice_restart"),
    ("aiortc", "ice_tcp"),
    ("aiortc", "mdns_hide"),
    ("aiortc", "reject"),
    ("aiortc", "simulcast"),
    ("aiortc", "simulcast_receive"),
    ("chromium", "simulcast_receive"),
}
