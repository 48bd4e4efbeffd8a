"""The scenarios with pictures and sound. Coroutines like those of data_channels.py."""
import asyncio
import json
import os
import re
import subprocess
import time

from data_channels import echo
from session import Failure, check

BOTH = ("audio", "video")
SECONDS = 3  # how long media is watched


# ---------------------------------------------------------------- what is sent and what arrives

def streams(stats, side, kind):
    """The streams of a kind that carry something; `side` is inbound or outbound."""
    return [x for x in stats[side] if x["kind"] == kind and x["packets"]]


def total(stats, side, kind, field):
    """The sum over the streams; None if the peer does not know it."""
    known = [x[field] for x in streams(stats, side, kind) if x.get(field) is not None]
    return sum(known) if known else None


async def until(peer, seconds, what, test):
    """Asks for stats until the test holds."""
    deadline = time.monotonic() + seconds
    while not test(stats := await peer.ask("stats")):
        check(time.monotonic() < deadline, f"{peer}: no {what} in {seconds} s")
        await asyncio.sleep(0.2)
    return stats


def rise(first, last, kind, field):
    """By how much it rose from the first stats to the last; None if the peer does not know it."""
    new = total(last, "inbound", kind, field)
    return None if new is None else new - (total(first, "inbound", kind, field) or 0)


async def flows(s, receiver, kinds=BOTH, seconds=SECONDS):
    """Pictures and sound arrive whole and go on arriving: no freeze, no silence."""
    for kind in kinds:
        await until(receiver, 20, f"decoded {kind}", lambda stats: total(stats, "inbound", kind, "frames"))
    for _ in range(3):  # a busy machine may be the reason for one
        first = await receiver.ask("stats")
        await asyncio.sleep(seconds)
        last = await receiver.ask("stats")
        if s.proxy or not rise(first, last, "video", "freezes"):
            break
    remarks = []
    for kind in kinds:
        codec = streams(last, "inbound", kind)[0]["codec"]
        if kind == "video":
            rate = rise(first, last, kind, "frames") / seconds
            check(rate >= 8, f"{receiver} shows {rate:.1f} pictures a second of {codec}")
            check(total(last, "inbound", kind, "key_frames") != 0, f"{receiver} got no key frame")
            check(s.proxy or not rise(first, last, kind, "freezes"), f"{receiver} froze in each of three windows")
            remarks.append(f"{codec} {rate:.0f}/s")
        else:
            check(rise(first, last, kind, "packets") >= 35 * seconds, f"{receiver} got {rise(first, last, kind, 'packets')} packets of {codec} in {seconds} s")
            check(rise(first, last, kind, "frames") > 0, f"{receiver} decodes no {codec}")
            energy = rise(first, last, kind, "energy")
            check(energy is None or energy > 1e-4, f"{receiver} hears silence: {energy}")
            remarks.append(codec)
    return f"{receiver.role} gets {', '.join(remarks)}"


async def keep(s, *receivers):
    """What arrives is written to files, where the peer can do that; see `kept`."""
    for peer in receivers:
        if "keep_media" in peer.features:
            await peer.ask("keep_media", folder=s.folder(peer))


async def kept(s, receiver, kinds=BOTH):
    """Another program decodes what has been written."""
    if "keep_media" not in receiver.features:
        return ""
    await receiver.ask("keep_media", folder=None)
    found = await asyncio.to_thread(decode, s.folder(receiver))
    for kind in kinds:
        x = next((x for x in found if x["kind"] == kind), None)
        check(x, f"{receiver} has kept no {kind}")
        check(not x["errors"], f"{x['file']} of {receiver}: {x['errors']}")
        check(x["decoded"] >= 0.95 * x["frames"] and x["frames"] >= 20, f"{x['file']} of {receiver}: {x['decoded']} of {x['frames']} decoded")
        check(x["moves"], f"{x['file']} of {receiver} has the same frame again and again")
    return ", ".join(f"{x['decoded']} of {x['frames']} {x['codec']} decoded" for x in found)


def decode(folder):
    """What decode.py says of the files in a folder."""
    done = subprocess.run([os.path.join(os.environ["POLLRTC_LAB"], "venv", "bin", "python"),
                           os.path.join(os.path.dirname(os.path.abspath(__file__)), "decode.py"), folder], capture_output=True, text=True)
    check(done.returncode == 0, f"decode.py: {done.stderr.strip()[-300:]}")
    return [json.loads(line) for line in done.stdout.splitlines()]


async def offer_tracks(s, direction, kinds=BOTH, **options):
    for kind in kinds:
        await s.off.ask("add_track", kind=kind, direction=direction, **options)


def answering(s, direction, kinds=BOTH):
    """What the answerer does between offer and answer."""
    async def add():
        for kind in kinds:
            await s.ans.ask("add_track", kind=kind, direction=direction)
    return add


# ---------------------------------------------------------------- flows

async def one_way(s, kinds=BOTH, edit=None, seconds=SECONDS):
    """The offerer sends, the answerer only receives."""
    s.needs("media")
    await s.init()
    await keep(s, s.ans)
    await offer_tracks(s, "sendonly", kinds)
    await s.negotiate(edit_offer=edit)
    for kind in kinds:
        await s.ans.wait(lambda e: e["event"] == "track" and e["kind"] == kind, 10, f"{kind} track")
    remark = await flows(s, s.ans, kinds, seconds)
    return "; ".join(filter(None, (remark, await kept(s, s.ans, kinds))))


async def media_one_way(s):
    return await one_way(s)


async def media_recvonly(s):
    """The offerer asks to receive only; the answerer sends."""
    s.needs("media")
    await s.init()
    await keep(s, s.off)
    await offer_tracks(s, "recvonly")
    await s.negotiate(before_answer=answering(s, "sendonly"))
    remark = await flows(s, s.off)
    return "; ".join(filter(None, (remark, await kept(s, s.off))))


async def media_audio_video(s):
    """Both ways, with a data channel beside it."""
    s.needs("media")
    await s.init()
    await offer_tracks(s, "sendrecv")
    await s.channel()
    await s.negotiate(before_answer=answering(s, "sendrecv"))
    await s.opened()
    remarks = await asyncio.gather(*(flows(s, p) for p in (s.off, s.ans)))
    return "; ".join([*remarks, await echo(s, count=30)])


async def media_echo(s):
    """One side sends back each packet as it comes: the other sees and hears itself."""
    echoer = s.one_with("echo_media")
    await echoer.ask("init", echo_media=True, trickle=False)
    await s.other(echoer).ask("init", trickle=False)
    await offer_tracks(s, "sendrecv")
    await s.negotiate(before_answer=answering(s, "sendrecv"))
    return await flows(s, s.other(echoer))


async def turn_media(s):
    """One way, between two relays: full packets have to fit into what is left."""
    s.needs("media", "relay")
    await s.init(ice_transport_policy="relay", ice_servers=[s.turn.entry("udp")])
    await offer_tracks(s, "sendonly")
    await s.negotiate()
    return await flows(s, s.ans)


async def codec(s, name, kind="video"):
    """One way with one codec left in the offer."""
    if kind == "video":
        s.needs_codec(name)
    remark = await one_way(s, (kind,), edit=lambda sdp: keep_codec(sdp, kind, name))
    check(f" {name}/".lower() in s.sdp["answer"].lower(), f"{name} is not in the answer")
    check(f"gets {name}".lower() in remark.lower(), remark)
    return remark


async def media_vp8(s):
    return await codec(s, "VP8")


async def media_h264(s):
    return await codec(s, "H264")


async def media_pcmu(s):
    return await codec(s, "PCMU", "audio")


def keep_codec(sdp, kind, name):
    """Leaves one codec of a kind, and its RTX, in the description."""
    head, *sections = re.split(r"(?m)^(?=m=)", sdp)
    for i, part in enumerate(sections):
        if not part.startswith(f"m={kind}"):
            continue
        wanted = set(re.findall(rf"(?mi)^a=rtpmap:(\d+) {name}/", part))
        if not wanted and name == "PCMU":
            wanted = {"0"}
        check(wanted, f"{name} is not in the offer")
        wanted |= {p for p, apt in re.findall(r"(?m)^a=fmtp:(\d+) apt=(\d+)", part) if apt in wanted}
        lines = []
        for line in part.split("\r\n"):
            m = re.match(r"a=(?:rtpmap|fmtp|rtcp-fb):(\d+)", line)
            if m and m.group(1) not in wanted:
                continue
            if line.startswith("m="):
                words = line.split()
                line = " ".join(words[:3] + [p for p in words[3:] if p in wanted])
            lines.append(line)
        sections[i] = "\r\n".join(lines)
    return head + "".join(sections)


# ---------------------------------------------------------------- feedback

async def loss_media(s):
    """Behind a path that loses packets: they are asked for and sent again, and at most 1 % of the pictures is lost."""
    s.needs("feedback")
    await s.init()
    await offer_tracks(s, "sendonly")
    await s.negotiate()
    await until(s.ans, 20, "video", lambda stats: total(stats, "inbound", "video", "frames"))
    # Nobody can miss the packets before the first one that came.
    before = await missing(s)
    remark = await flows(s, s.ans, seconds=6)
    lost = await missing(s, seconds=15, enough=before) - before
    sent = await s.off.ask("stats")
    frames, nacks, repairs = (total(sent, "outbound", "video", x) for x in ("frames", "nack", "repairs"))
    note = f"{remark}; {lost} of {frames} pictures and {s.proxy.stats['dropped']} packets lost, {nacks} NACKs, {repairs} sent again"
    check(s.proxy.stats["dropped"] > 20, note)
    check(nacks, f"no NACK arrived at {s.off}: {note}")
    check(repairs is None or repairs > 0, f"{s.off} sent nothing again: {note}")
    check(lost <= max(1, frames // 100), note)
    return note


async def missing(s, seconds=2, enough=-1):
    """How many pictures were sent and have not arrived: at the moment at which the fewest are under way or waited for.
    `enough`: so few that there is no need to look on."""
    if s.ans.name == "aiortc":
        # After a loss it lags behind for ever: each packet that comes makes it give out one picture.
        await asyncio.sleep(3)
        return total(await s.ans.ask("stats"), "inbound", "video", "skipped") or 0
    found, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        sent, got = await asyncio.gather(s.off.ask("stats"), s.ans.ask("stats"))
        pictures = total(sent, "outbound", "video", "frames") - (total(got, "inbound", "video", "whole_frames") or 0)
        # Chromium does not count a whole picture that comes too late to be shown. No more can be torn than packets stayed away.
        packets = total(got, "inbound", "video", "lost") - (total(got, "inbound", "video", "repairs") or 0)
        found.append(min(pictures, max(0, packets)) if s.ans.name == "chromium" else pictures)
        if found[-1] <= enough:
            break
        await asyncio.sleep(0.03)
    return min(found)


async def key_frames(s):
    """Each side asks the other for a key frame, and gets it."""
    s.needs("feedback")
    await s.init()
    # Who cannot be told to ask is given pictures that begin in the middle: it has to ask.
    late = {p: "request_key_frame" not in s.other(p).features for p in (s.off, s.ans)}
    for p in late:
        if late[p]:
            s.needs("late", who=p)

    async def answer():
        await s.ans.ask("add_track", kind="video", late=late[s.ans])
    await s.off.ask("add_track", kind="video", late=late[s.off])
    await s.negotiate(before_answer=answer)
    remarks = []
    for sender in (s.off, s.ans):
        receiver = s.other(sender)
        before = 0
        if not late[sender]:
            before = asked(await until(receiver, 20, "video", lambda stats: total(stats, "inbound", "video", "frames")) and await sender.ask("stats"))
            await receiver.ask("request_key_frame", kind="video")
        stats = await until(sender, 10, "request for a key frame", lambda stats: asked(stats) > before)
        await flows(s, receiver, ("video",), seconds=2)
        remarks.append(f"{sender.role} was asked {asked(stats) - before} times")
    return ", ".join(remarks)


def asked(stats):
    return sum(total(stats, "outbound", "video", x) or 0 for x in ("pli", "fir"))


# ---------------------------------------------------------------- changes

async def renegotiate(s):
    """Data first, then video both ways; the offerer takes its own away, then the answerer does."""
    s.needs("media", "renegotiate")
    await s.init()
    await s.channel()
    await s.negotiate()
    await s.opened()
    await echo(s, count=12)
    await s.off.ask("add_track", kind="video")
    await s.negotiate(before_answer=answering(s, "sendrecv", ("video",)))
    await asyncio.gather(*(flows(s, p, ("video",), seconds=2) for p in (s.off, s.ans)))
    await s.off.ask("remove_track", kind="video")
    await s.negotiate()
    await flows(s, s.off, ("video",), seconds=2)  # the answerer still sends
    await quiet(s.ans)
    await s.ans.ask("remove_track", kind="video")
    await s.negotiate(by=s.ans)
    await quiet(s.off)
    return await echo(s, count=12)


async def quiet(receiver):
    """No video comes any more."""
    await asyncio.sleep(1)
    before = await receiver.ask("stats")
    await asyncio.sleep(1.5)
    after = await receiver.ask("stats")
    count = (total(after, "inbound", "video", "packets") or 0) - (total(before, "inbound", "video", "packets") or 0)
    check(count <= 2, f"{receiver} got {count} packets of a track that was removed")


async def max_compat(s):
    """Neither description has a group: sound, pictures and data have a transport each."""
    return await unbundled(s, "max-compat")


async def balanced(s):
    """The same, with one section of each kind."""
    return await unbundled(s, "balanced")


async def unbundled(s, policy):
    s.needs("media", "bundle_policy")
    await s.init(bundle_policy=policy)
    await offer_tracks(s, "sendrecv")
    await s.channel()
    apart = lambda sdp: re.sub(r"(?m)^a=group:BUNDLE.*\r?\n", "", sdp)
    await s.negotiate(before_answer=answering(s, "sendrecv"), edit_offer=apart, edit_answer=apart)
    for name, sdp in s.sdp.items():
        ports = set(re.findall(r"(?m)^m=\w+ (\d+)", sdp))  # the foreign peers have one user fragment for all
        check(len(ports - {"0", "9"}) == 3, f"the {name} has the ports {', '.join(ports)}")
    await s.opened()
    await asyncio.gather(*(p.state("connection", "connected") for p in (s.off, s.ans)))
    done = await asyncio.gather(*(flows(s, p) for p in (s.off, s.ans)))
    return "; ".join([*done, await echo(s, count=30)])


async def rejected(s):
    """Video with a codec that nobody has is rejected with port 0; audio and data go on."""
    s.needs("media", "reject")
    await s.init()
    await offer_tracks(s, "sendonly", ("video", "audio"))  # video first: the rejected section would carry the bundle
    await s.channel()
    await s.negotiate(edit_offer=lambda sdp: keep_codec(sdp, "video", "VP8").replace(" VP8/90000", " NONE/90000"))
    check(re.search("m=video 0 ", s.sdp["answer"]), "video was not rejected")
    await s.opened()
    return "; ".join([await flows(s, s.ans, ("audio",), seconds=2), await echo(s, count=30)])


async def stopped(s):
    """The offerer stops video for good, then adds it again; the section may be used again."""
    s.needs("media", "reject")
    await s.init()
    await offer_tracks(s, "sendonly")
    await s.negotiate()
    await flows(s, s.ans, seconds=2)
    await s.off.ask("stop_transceiver", kind="video")
    await s.negotiate()
    for description in s.sdp.values():
        check("m=video 0 " in description, "the video section is still in use")
    await offer_tracks(s, "sendonly", ("video",))
    await s.negotiate()
    sections = [len(re.findall("(?m)^m=", d)) for d in s.sdp.values()]
    await flows(s, s.ans, seconds=2)
    return f"{sections[0]} sections afterwards"


def start_fast(sdp):
    """Tells Chromium that there is room for all layers: on a busy machine its own measurement may say otherwise."""
    return re.sub(r"(?m)^(a=rtpmap:(\d+) VP8/90000\r)$", "\\1\na=fmtp:\\2 x-google-start-bitrate=3000\r", sdp)


async def simulcast(s):
    """The offerer sends one picture in three sizes; all three arrive."""
    s.needs("media")
    s.needs("simulcast_receive", who=s.ans)
    s.needs("simulcast", who=s.off)
    await s.init()
    await s.off.ask("add_track", kind="video", direction="sendonly", simulcast=True)
    await s.negotiate(edit_answer=start_fast)
    for mark, description in (("send", s.sdp["offer"]), ("recv", s.sdp["answer"])):
        check(f"a=simulcast:{mark}" in description, f"no a=simulcast:{mark}")
    try:
        stats = await until(s.ans, 30, "three layers", lambda stats: len([x for x in streams(stats, "inbound", "video") if x["frames"]]) >= 3)
    except Failure as e:
        raise Failure(f"{e}: {(await s.off.ask('stats'))['outbound']}") from None
    rids = sorted(x.get("rid") or "" for x in streams(stats, "inbound", "video"))
    check(rids == ["f", "h", "q"], f"layers {rids}")
    await flows(s, s.ans, ("video",))
    return f"layers {', '.join(rids)}"
