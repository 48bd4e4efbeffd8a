#!/usr/bin/env python3
"""aiortc as a peer. Needs the package aiortc."""
import asyncio
import collections
import fractions
import hashlib
import json
import math
import os
import re
import struct
import sys
import time

import aioice.ice
import aiortc
import av
from aiortc import (MediaStreamTrack, RTCBundlePolicy, RTCConfiguration, RTCDataChannel, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection,
                    RTCSessionDescription)
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcrtpreceiver import RTCRtpReceiver
from aiortc.rtcrtpsender import RTCRtpSender
from aiortc.sdp import candidate_from_sdp

# One address, the loopback one if nothing else is said: aioice leaves it out of its own list.
aioice.ice.get_host_addresses = lambda use_ipv4=True, use_ipv6=True: [os.environ.get("INTEROP_ADDRESS", "127.0.0.1")]

FEATURES = ["dc", "media", "feedback", "renegotiate", "request_key_frame", "empty", "max_life", "close_channel", "dtls_role", "relay", "relay_tcp", "relay_tls",
            "mdns", "stats", "bundle_policy"]


def emit(**event):
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def content(kind, seed, size):
    if kind == "text":
        block = "".join(chr(33 + (seed + i) % 94) for i in range(94))
        return (block * (size // 94 + 1))[:size]
    block = bytes((seed + i) % 251 for i in range(251))
    return (block * (size // 251 + 1))[:size]


# What aiortc does not count itself: how often (a sender or receiver, what).
COUNTS = collections.Counter()
FEEDBACK = {(205, 1): "nack", (206, 1): "pli", (206, 4): "fir"}
FEEDBACK_TYPES = {"RtcpRtpfbPacket": 205, "RtcpPsfbPacket": 206}


def counted(owner, name, what):
    """Counts the calls of a method; `what` names one by its arguments and its result."""
    original = getattr(owner, name)

    async def method(self, *args):
        result = await original(self, *args)
        COUNTS[self, what(args, result)] += 1
        return result
    setattr(owner, name, method)


counted(RTCRtpSender, "_handle_rtcp_packet",
        lambda args, _: FEEDBACK.get((FEEDBACK_TYPES.get(type(args[0]).__name__), getattr(args[0], "fmt", None))))
counted(RTCRtpSender, "_next_encoded_frame", lambda _, frame: "frames" if frame else None)
counted(RTCRtpSender, "_retransmit", lambda *_: "repairs")
counted(RTCRtpReceiver, "_send_rtcp_nack", lambda *_: "nack")
counted(RTCRtpReceiver, "_send_rtcp_pli", lambda *_: "pli")


class FakeVideo(MediaStreamTrack):
    """Fifteen pictures a second, of stripes that drift."""
    kind = "video"

    def __init__(self):
        super().__init__()
        self.count, self.start = 0, time.monotonic()

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        pts = self.count * 6000
        await asyncio.sleep(max(0, self.start + pts / 90000 - time.monotonic()))
        row = bytes((x + self.count * 4) % 256 for x in range(320))
        frame = av.VideoFrame(320, 240, "yuv420p")
        for plane, data in zip(frame.planes, (row, b"\x60", b"\xa0")):
            plane.update((data * (plane.buffer_size // len(data) + 1))[:plane.buffer_size])
        frame.pts, frame.time_base = pts, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


class FakeAudio(MediaStreamTrack):
    """A tone of 440 Hz."""
    kind = "audio"
    WAVE = struct.pack("<48000h", *(int(8000 * math.sin(2 * math.pi * 440 * i / 48000)) for i in range(48000)))

    def __init__(self):
        super().__init__()
        self.count, self.start = 0, time.monotonic()

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        pts = self.count * 960
        await asyncio.sleep(max(0, self.start + pts / 48000 - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=960)
        frame.planes[0].update(self.WAVE[pts % 48000 * 2:][:1920])
        frame.sample_rate, frame.pts, frame.time_base = 48000, pts, fractions.Fraction(1, 48000)
        self.count += 1
        return frame


class Heard:
    """What has been decoded of one track."""

    def __init__(self):
        self.frames, self.energy = 0, 0.0
        self.span, self.last, self.pace = 0, None, None

    def take(self, frame):
        if isinstance(frame, av.AudioFrame):
            self.frames += frame.samples
            samples = struct.unpack(f"<{frame.samples}h", bytes(frame.planes[0])[:2 * frame.samples])
            self.energy += sum(x * x for x in samples[::16]) * 16 / 32768 ** 2 / frame.sample_rate
        else:
            self.frames += 1
            if self.last is not None:
                self.span += frame.pts - self.last
                self.pace = min(self.pace or frame.pts - self.last, frame.pts - self.last)
            self.last = frame.pts

    def skipped(self):
        """How many pictures of a stream of one pace are missing between those that were decoded."""
        return self.span // self.pace + 1 - self.frames if self.pace else 0


def codec(transceiver):
    return transceiver._codecs[0].mimeType.split("/")[1] if transceiver._codecs else None


class Channel:
    def __init__(self, peer, dc):
        self.dc = dc
        self.wait = None
        self.messages = self.size = self.dup = self.ooo = 0
        self.top, self.seen, self.sha = -1, set(), hashlib.sha256()
        self.first = self.last = 0.0
        label = dc.label
        dc.on("open", lambda: emit(event="channel_state", label=label, value="open"))
        dc.on("closing", lambda: emit(event="channel_state", label=label, value="closing"))
        dc.on("close", lambda: emit(event="channel_state", label=label, value="closed"))
        dc.on("message", lambda data: peer.incoming(self, data))
        if dc.readyState == "open":
            emit(event="channel_state", label=label, value="open")

    def sink(self, raw, binary):
        self.last = time.monotonic()
        if not self.messages:
            self.first = self.last
        self.messages += 1
        self.size += len(raw)
        self.sha.update(raw)
        if binary and len(raw) >= 4:
            i = struct.unpack(">I", raw[:4])[0]
            self.dup += i in self.seen
            self.seen.add(i)
            self.ooo += i < self.top
            self.top = max(self.top, i)


class Peer:
    def __init__(self):
        self.channels = {}
        self.mode = "report"
        self.heard = {}
        self.tasks = set()

    def incoming(self, ch, data):
        if ch.wait:
            ch.wait(data)
            return
        if self.mode == "echo":
            ch.dc.send(data)
            return
        text = isinstance(data, str)
        raw = data.encode() if text else data
        if self.mode == "sink":
            ch.sink(raw, not text)
            return
        extra = {"text": data} if text and len(raw) <= 256 else {}
        emit(event="message", label=ch.dc.label, kind="text" if text else "binary", size=len(raw),
             sha256=hashlib.sha256(raw).hexdigest(), **extra)

    def adopt(self, dc):
        self.channels[dc.label] = Channel(self, dc)

    async def drain(self, dc, high):
        while dc.bufferedAmount > high:
            if dc.readyState != "open":
                raise RuntimeError("channel is " + dc.readyState)
            await asyncio.sleep(0.002)

    async def init(self, c):
        servers = [RTCIceServer(urls=s["urls"], username=s.get("username"), credential=s.get("credential"))
                   for s in c.get("ice_servers") or []]
        policy = RTCIceTransportPolicy(c.get("ice_transport_policy") or "all")
        bundle = RTCBundlePolicy(c.get("bundle_policy") or "balanced")
        pc = self.pc = RTCPeerConnection(RTCConfiguration(iceServers=servers, iceTransportPolicy=policy, bundlePolicy=bundle))
        for which, name in (("ice", "iceConnectionState"), ("connection", "connectionState"),
                            ("signaling", "signalingState"), ("gathering", "iceGatheringState")):
            pc.on(name.lower() + "change",
                  lambda which=which, name=name: emit(event="state", which=which, value=getattr(pc, name)))

        @pc.on("datachannel")
        def on_channel(dc: RTCDataChannel):
            emit(event="channel", label=dc.label, ordered=dc.ordered, max_retransmits=dc.maxRetransmits,
                 max_packet_life_time=dc.maxPacketLifeTime, protocol=dc.protocol, sid=dc.id)
            self.adopt(dc)

        @pc.on("track")
        def on_track(track):
            heard = self.heard[track] = Heard()
            emit(event="track", kind=track.kind, mid=next((t.mid for t in pc.getTransceivers() if t.receiver.track is track), None))
            self.spawn(self.consume(track, heard))

    async def consume(self, track, heard):
        while True:
            try:
                heard.take(await track.recv())
            except MediaStreamError:
                return

    def spawn(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def add_track(self, c):
        direction = c.get("direction") or "sendrecv"
        fake = None if direction == "recvonly" else (FakeVideo if c["kind"] == "video" else FakeAudio)()
        for t in self.pc.getTransceivers():
            if t.kind == c["kind"] and t.mid is not None and t.sender.track is None and not t.stopped:
                t.sender.replaceTrack(fake)
                t.direction = direction
                return
        self.pc.addTransceiver(fake or c["kind"], direction=direction)

    async def remove_track(self, c):
        t = next(t for t in self.pc.getTransceivers() if t.kind == c["kind"] and t.sender.track is not None)
        t.sender.replaceTrack(None)
        t.direction = "recvonly" if "recv" in t.direction else "inactive"

    async def request_key_frame(self, c):
        for t in self.pc.getTransceivers():
            if t.kind == "video":
                for ssrc in t.receiver._RTCRtpReceiver__remote_streams:
                    await t.receiver._send_rtcp_pli(ssrc)

    async def create_channel(self, c):
        options = {"ordered": c.get("ordered", True), "protocol": c.get("protocol", ""),
                   "maxRetransmits": c.get("max_retransmits"), "maxPacketLifeTime": c.get("max_packet_life_time")}
        if c.get("negotiated"):
            options.update(negotiated=True, id=c["sid"])
        self.adopt(self.pc.createDataChannel(c["label"], **options))

    async def set_mode(self, c):
        self.mode = c["mode"]

    async def offer(self, c):
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.local()

    async def answer(self, c):
        if c.get("setup"):  # createAnswer keeps a role that is set already
            self.transport()._role = {"active": "client", "passive": "server"}[c["setup"]]
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        return self.local()

    def local(self):
        d = self.pc.localDescription
        return {"event": "local_description", "type": d.type, "sdp": d.sdp}

    async def set_remote(self, c):
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp=c["sdp"], type=c["type"]))

    async def candidate(self, c):
        if not c.get("candidate"):
            await self.pc.addIceCandidate(None)
            return
        k = candidate_from_sdp(c["candidate"].split(":", 1)[1])
        if not re.fullmatch(r"[0-9.]+|.*\.local", k.ip):
            return  # no IPv6 socket here
        k.sdpMid, k.sdpMLineIndex = c.get("sdp_mid"), c.get("sdp_mline_index")
        await self.pc.addIceCandidate(k)

    async def send(self, c):
        self.channels[c["label"]].dc.send(c["text"] if c.get("text") is not None
                                          else content(c["kind"], c.get("seed", 0), c["size"]))

    async def echo_run(self, c):
        ch, plan, window = self.channels[c["label"]], c["messages"], c.get("window", 8)
        got = bad = sent = 0
        wake = asyncio.Event()
        start = time.monotonic()

        def on_message(data):
            nonlocal got, bad
            kind, size = plan[got]
            bad += content(kind, got, size) != data
            got += 1
            wake.set()
        ch.wait = on_message
        while got < len(plan):
            while sent < len(plan) and sent - got < window:
                kind, size = plan[sent]
                ch.dc.send(content(kind, sent, size))
                sent += 1
            wake.clear()
            try:
                await asyncio.wait_for(wake.wait(), 1)
            except asyncio.TimeoutError:
                if ch.dc.readyState != "open":
                    break
        ch.wait = None
        return {"event": "echo_done", "received": got, "mismatches": bad, "elapsed_ms": (time.monotonic() - start) * 1000}

    async def bulk_send(self, c):
        dc, sha, start = self.channels[c["label"]].dc, hashlib.sha256(), time.monotonic()
        for k, at in enumerate(range(0, c["bytes"], c["chunk"])):
            m = content("binary", k, min(c["chunk"], c["bytes"] - at))
            sha.update(m)
            await self.drain(dc, 1 << 20)
            dc.send(m)
        await self.drain(dc, 0)
        return {"event": "bulk_sent", "bytes": c["bytes"], "sha256": sha.hexdigest(), "elapsed_ms": (time.monotonic() - start) * 1000}

    async def burst(self, c):
        dc = self.channels[c["label"]].dc
        for i in range(c["count"]):
            await self.drain(dc, 1 << 20)
            dc.send(struct.pack(">I", i) + bytes(c["size"] - 4))
            if c.get("interval_ms"):
                await asyncio.sleep(c["interval_ms"] / 1000)

    async def sink_report(self, c):
        ch = self.channels[c["label"]]
        return {"event": "sink", "messages": ch.messages, "bytes": ch.size, "sha256": ch.sha.hexdigest(),
                "elapsed_ms": (ch.last - ch.first) * 1000, "unique": len(ch.seen), "duplicates": ch.dup, "out_of_order": ch.ooo}

    async def close_channel(self, c):
        self.channels[c["label"]].dc.close()

    async def close(self, c):
        await self.pc.close()

    def transport(self):
        """The one that is shared by all."""
        if self.pc.sctp:
            return self.pc.sctp.transport
        return next((t.receiver.transport for t in self.pc.getTransceivers()), None)

    def inbound(self, t):
        r, heard = t.receiver, self.heard.get(t.receiver.track, Heard())
        streams, repairs = r._RTCRtpReceiver__remote_streams, r._RTCRtpReceiver__rtx_ssrc
        repaired = sum(s.packets_received for ssrc, s in streams.items() if ssrc in repairs)
        return [{"kind": t.kind, "mid": t.mid, "ssrc": ssrc, "codec": codec(t), "packets": s.packets_received, "lost": s.packets_lost,
                 "frames": heard.frames, "whole_frames": heard.frames if t.kind == "video" else None,
                 "skipped": heard.skipped() if t.kind == "video" else None, "energy": heard.energy,
                 "repairs": repaired, "nack": COUNTS[r, "nack"], "pli": COUNTS[r, "pli"]}
                for ssrc, s in streams.items() if ssrc not in repairs]

    async def outbound(self, t):
        s = t.sender
        return [{"kind": t.kind, "mid": t.mid, "ssrc": x.ssrc, "codec": codec(t), "packets": x.packetsSent, "bytes": x.bytesSent,
                 "frames": COUNTS[s, "frames"], **{k: COUNTS[s, k] for k in ("nack", "pli", "fir", "repairs")}}
                for x in (await s.getStats()).values() if x.type == "outbound-rtp" and x.packetsSent]

    async def stats(self, c):
        pc = self.pc
        out = {"event": "stats", "ice_state": pc.iceConnectionState, "connection_state": pc.connectionState,
               "signaling_state": pc.signalingState, "dtls_version": None, "dtls_cipher": None, "dtls_role": None,
               "srtp_cipher": None, "selected_pair": None, "data": []}
        if dtls := self.transport():
            if ssl := getattr(dtls, "_ssl", None):
                out["dtls_version"] = (ssl.get_protocol_version_name() or "").replace("DTLSv", "") or None
                out["dtls_cipher"] = ssl.get_cipher_name()
                out["srtp_cipher"] = (ssl.get_selected_srtp_profile() or b"").decode() or None
            out["dtls_role"] = dtls._role
            if pair := dtls.transport._connection._nominated.get(1):
                out["selected_pair"] = {
                    side: {"type": k.type, "ip": k.host, "port": k.port, "protocol": k.transport.lower()}
                    for side, k in (("local", pair.local_candidate), ("remote", pair.remote_candidate))}
        out["inbound"] = [x for t in pc.getTransceivers() for x in self.inbound(t)]
        out["outbound"] = [x for t in pc.getTransceivers() for x in await self.outbound(t)]
        for label, ch in self.channels.items():
            out["data"].append({"label": label, "state": ch.dc.readyState, "sent": None, "received": None})
        return out

    COMMANDS = {"init", "add_track", "remove_track", "request_key_frame", "create_channel", "mode", "offer", "answer", "set_remote",
                "candidate", "send", "echo_run", "bulk_send", "burst", "sink_report", "close_channel", "close", "stats"}

    async def handle(self, c):
        try:
            if c["cmd"] not in self.COMMANDS:
                raise RuntimeError("unknown command " + c["cmd"])
            answer = await getattr(self, {"mode": "set_mode"}.get(c["cmd"], c["cmd"]))(c) or {"event": "ok"}
            emit(id=c.get("id"), **answer)
        except Exception as e:  # every failure is an answer
            emit(event="error", id=c.get("id"), message=f"{type(e).__name__}: {e}")


async def main():
    peer = Peer()
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    emit(event="ready", protocol=1, peer="aiortc", version=aiortc.__version__, features=FEATURES,
         video_codecs=["VP8", "H264"])
    while line := await reader.readline():
        if not line.strip():
            continue
        c = json.loads(line)
        if c["cmd"] == "quit":
            break
        peer.spawn(peer.handle(c))
    if getattr(peer, "pc", None):
        await asyncio.wait_for(peer.pc.close(), 1.5)


if __name__ == "__main__":
    asyncio.run(main())
