"""The data-channel scenarios. Each is a coroutine over a Session that raises Failure or returns a remark."""
import asyncio
import re
import time

from session import check

SIZES = [0, 1, 1200, 16384, 65535, 262144]


def echo_plan(count, largest, heavy=6):
    """`count` messages, text and binary in turn; the two big sizes only in one round of `heavy`."""
    plan = []
    for i in range(count):
        size = SIZES[i // 2 % len(SIZES)]
        if size > 20000 and i % (12 * heavy) >= 12:
            size = (i * 37) % 4000
        plan.append(["text" if i % 2 else "binary", min(size, largest)])
    return plan


async def echo(s, label="main", count=1000, timeout=150):
    """Echoes both ways round, one way at a time."""
    s.needs("empty")
    remarks = []
    for a, b in ((s.off, s.ans), (s.ans, s.off)):
        await b.ask("mode", mode="echo")
        plan = echo_plan(count, s.max_message())
        r = await a.ask("echo_run", timeout, label=label, messages=plan, window=8)
        check(r["received"] == len(plan), f"{a.name} got {r['received']} of {len(plan)} echoes")
        check(r["mismatches"] == 0, f"{a.name} got {r['mismatches']} wrong echoes")
        await b.ask("mode", mode="report")
        remarks.append(f"{a.role} {r['elapsed_ms'] / 1000:.1f} s")
    return ", ".join(remarks)


async def connect(s, **config):
    await s.init(**config)
    await s.channel()
    await s.negotiate()
    await s.opened(timeout=60 if s.proxy else 30)


async def full(s):
    """Candidates in the descriptions, 30 echoes each way."""
    await connect(s)
    return await echo(s, count=30)


async def trickle(s):
    """Candidates one by one where a peer can; the descriptions must work without any in them."""
    check({"trickle"} & (s.off.features | s.ans.features), "neither trickles")
    await connect(s, trickle=True)
    return await echo(s, count=30)


async def dc_echo(s):
    """UTF-8 text, then 1,000 echoes each way of 0 to 262,144 bytes, text and binary in turn."""
    await connect(s)
    for a, b in ((s.off, s.ans), (s.ans, s.off)):
        words = "grüße €𝄞 " + a.role
        await a.ask("send", label="main", text=words)
        await b.wait(lambda e: e["event"] == "message" and e.get("text") == words, 10, "UTF-8 message")
    return await echo(s) + f", largest {s.max_message()}"


async def dc_string(s):
    """Label and protocol outside ASCII; empty text and empty binary message."""
    s.needs("empty")
    await s.init()
    # aiortc counts characters where RFC 8832 section 5.1 wants bytes: it can read such labels, not write them.
    plain = "utf8_label" not in s.off.features
    label, protocol = ("kanal", "proto") if plain else ("kanal-ä€", "prōto")
    await s.channel(label, protocol=protocol)
    await s.negotiate()
    await s.opened(label)
    e = await s.ans.wait(lambda e: e["event"] == "channel" and e["label"] == label, 5, "channel")
    check(e["protocol"] == protocol, f"protocol is {e['protocol']!r}")
    for kind in ("text", "binary"):
        await s.off.ask("send", label=label, kind=kind, size=0, seed=0)
    for kind in ("text", "binary"):
        await s.ans.wait(lambda e: e["event"] == "message" and e["kind"] == kind and e["size"] == 0, 10, f"empty {kind}")
    return f"{s.off.name} writes ASCII labels only" if plain else ""


async def dc_many(s):
    """After the first channel, 50 more from each side at once; stream ids differ; a message both ways on each."""
    await s.init()
    await s.channel("first")
    await s.negotiate()
    await s.opened("first")
    for i in range(50):
        await s.channel(f"o{i}")
        await s.channel(f"a{i}", by=s.ans)
    labels = [f"{x}{i}" for i in range(50) for x in "oa"]
    await asyncio.gather(*(s.opened(x) for x in labels))
    sids = [e["sid"] for p in (s.off, s.ans) for e in p.events if e["event"] == "channel" and e["label"] != "first"]
    check(len(set(sids)) == 100, f"{len(set(sids))} stream ids for 100 channels")
    for p, q in ((s.off, s.ans), (s.ans, s.off)):
        for x in labels:
            await p.ask("send", label=x, text=f"{p.role} {x}")
        for x in labels:
            await q.wait(lambda e: e["event"] == "message" and e["label"] == x and e.get("text") == f"{p.role} {x}",
                         20, f"message on {x}")


async def dc_bulk(s):
    """32 MiB one way, then the other; the SHA-256 must agree."""
    await connect(s)
    return await bulk(s, 32 << 20)


async def bulk(s, size, timeout=150):
    """So many bytes one way, then the other."""
    remarks = []
    for a, b in ((s.off, s.ans), (s.ans, s.off)):
        await b.ask("mode", mode="sink")
        start = time.monotonic()
        sent = await a.ask("bulk_send", timeout, label="main", bytes=size, chunk=min(16384, s.max_message()))
        got = await b.ask("sink_report", label="main")
        while got["bytes"] < size and time.monotonic() - start < timeout:
            await asyncio.sleep(0.2)
            got = await b.ask("sink_report", label="main")
        check(got["bytes"] == size, f"{got['bytes']} of {size} bytes")
        check(got["sha256"] == sent["sha256"], "SHA-256 differs")
        remarks.append(f"{a.name}->{b.name} {size * 8 / 1000 / got['elapsed_ms']:.0f} Mbit/s")
        await b.ask("mode", mode="report")
    return ", ".join(remarks)


PARTIAL = {
    "rtx0": {"ordered": False, "max_retransmits": 0},
    "life": {"ordered": False, "max_packet_life_time": 100},
    "ordered0": {"ordered": True, "max_retransmits": 0},
}


async def dc_partial(s):
    """Unordered with maxRetransmits 0 and with maxPacketLifeTime 100, ordered with maxRetransmits 0: 300 messages each."""
    s.needs("max_life")
    await s.init()
    for label, options in PARTIAL.items():
        await s.channel(label, **options)
    await s.channel("main")
    await s.negotiate()
    remarks = []
    for label, wanted in PARTIAL.items():
        await s.opened(label)
        e = await s.ans.wait(lambda e: e["event"] == "channel" and e["label"] == label, 5, "channel")
        check(e["ordered"] == wanted["ordered"]
              and (e["max_retransmits"] or 0) == (wanted.get("max_retransmits") or 0)
              and e["max_packet_life_time"] == wanted.get("max_packet_life_time"), f"{label} opened as {e}")
        await s.ans.ask("mode", mode="sink")
        await s.off.ask("burst", 60, label=label, count=300, size=400, interval_ms=2)
        remarks.append(judge_burst(s, label, wanted["ordered"], await settled(s.ans, label)))
    await s.opened("main")
    await echo(s, count=30)
    return ", ".join(remarks)


async def settled(peer, label):
    """The sink's report once two seconds bring nothing more: what was lost must first be given up."""
    report, quiet = {"messages": -1}, 0
    while quiet < 4:
        await asyncio.sleep(0.5)
        last, report = report["messages"], await peer.ask("sink_report", label=label)
        quiet = quiet + 1 if report["messages"] == last else 0
    return report


def judge_burst(s, label, ordered, r):
    # Ordered without retransmission under loss: stacks differ so much that only order and doubles are judged.
    check((r["unique"] > 0 or s.proxy and ordered) and r["duplicates"] == 0, f"{label}: {r}")
    check(not (ordered and r["out_of_order"]), f"{label}: out of order")
    if s.proxy:
        check(label == "life" or r["unique"] < 300, f"{label}: nothing was lost behind a lossy path")
    else:
        check(r["unique"] >= 290, f"{label}: {r['unique']} of 300 without loss")
    return f"{label} {r['unique']}/300"


async def dc_close(s):
    """Each side closes a channel, a new one is opened, then the connection is closed and the far side notices."""
    s.needs("close_channel")
    await s.init()
    for label in ("x", "y", "main"):
        await s.channel(label)
    await s.negotiate()
    for label in ("x", "y", "main"):
        await s.opened(label)
    for p, label in ((s.off, "x"), (s.ans, "y")):
        await p.ask("close_channel", label=label)
        for q in (s.off, s.ans):
            await q.channel_state(label, "closed", 15)
    await s.channel("z")  # stream ids can be used again
    await s.opened("z")
    await echo(s, "z", count=12)
    start = time.monotonic()
    await s.off.ask("close")
    ended = ("disconnected", "failed", "closed")
    await s.ans.wait(lambda e: (e["event"] == "channel_state" and e["label"] == "main" and e["value"] == "closed")
                     or (e["event"] == "state" and e["which"] in ("connection", "ice") and e["value"] in ended),
                     40, "sign of the far close")
    return f"close seen after {time.monotonic() - start:.1f} s"


async def dc_negotiated(s):
    """A channel with `negotiated` and id 7 on both sides."""
    await s.init()
    for p in (s.off, s.ans):
        await s.channel("main", by=p, negotiated=True, sid=7)
    await s.negotiate()
    await s.opened()
    return await echo(s, count=30)


async def loss(s):
    """120 echoes each way behind a path that loses, delays, reorders and doubles."""
    await connect(s)
    remark = await echo(s, count=120, timeout=200)
    return f"{remark}; proxy {s.proxy.stats}"


async def dtls_role(s, setup, offerer_role):
    s.needs("dtls_role", who=s.ans)
    await s.init()
    await s.channel()
    await s.negotiate(answer={"setup": setup})
    check(f"a=setup:{setup}" in s.sdp["answer"], f"answer without setup:{setup}")
    await s.opened()
    stats = await s.off.ask("stats")
    check(stats["dtls_role"] in (offerer_role, None), f"{s.off.name} is {stats['dtls_role']}")
    return await echo(s, count=30)


async def dtls_active(s):
    """The answerer chooses to be the DTLS client; the offerer follows."""
    return await dtls_role(s, "active", "server")


async def dtls_passive(s):
    """The answerer chooses to be the DTLS server; the offerer follows."""
    return await dtls_role(s, "passive", "client")


async def rollback(s):
    """The offerer takes an offer back; then the far side's offer goes through with both sides' channels."""
    s.needs("rollback", who=s.off)
    await s.init()
    await s.channel()
    await s.off.ask("offer")
    await s.off.ask("rollback")
    await s.channel("theirs", by=s.ans)
    await s.negotiate(by=s.ans)
    await s.opened("theirs")
    await s.opened("main")
    return await echo(s, count=30)


async def fingerprint(s):
    """Each side is told a wrong fingerprint of the other: nothing opens, and a connection fails."""
    def wrong(sdp):
        return re.sub(r"(a=fingerprint:\S+ )(..)", lambda m: m.group(1) + ("00" if m.group(2) != "00" else "11"), sdp)
    await s.init()
    await s.channel()
    await s.negotiate(edit_offer=wrong, edit_answer=wrong)
    tasks = [asyncio.ensure_future(p.state("connection", "failed", "closed", timeout=30)) for p in (s.off, s.ans)]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await asyncio.sleep(1)
    for task in tasks:
        task.cancel()
    failed = [p.name for p, t in zip((s.off, s.ans), tasks) if t.done() and not t.cancelled() and not t.exception()]
    check("ours" in failed or not {"ours"} & {s.off.name, s.ans.name}, f"only {failed} noticed")
    for p in (s.off, s.ans):
        check(not any(e["event"] == "channel_state" and e["value"] == "open" for e in p.events), f"{p} opened a channel")
    return f"refused by {' and '.join(failed)}"
