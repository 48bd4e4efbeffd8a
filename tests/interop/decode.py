#!/usr/bin/env python3
"""Decodes the media files of a folder, one JSON line for each. Needs PyAV, which aiortc brings along.

video.ivf, video.h264, audio.opus.packets (32-bit length, big-endian, and packet), audio.pcmu
"""
import json
import os
import struct
import sys

import av


def packets(path):
    """A codec context and the packets of the file."""
    if path.endswith((".ivf", ".h264")):
        container = av.open(path)
        stream = container.streams.video[0]
        return av.CodecContext.create(stream.codec_context.name, "r"), [bytes(p) for p in container.demux(stream) if p.size]
    with open(path, "rb") as f:
        data = f.read()
    if path.endswith(".pcmu"):
        context = av.CodecContext.create("pcm_mulaw", "r")
        context.sample_rate, context.layout = 8000, "mono"
        return context, [data[at:at + 160] for at in range(0, len(data), 160)]
    context = av.CodecContext.create("libopus", "r")
    context.sample_rate, context.layout = 48000, "stereo"
    found, at = [], 0
    while at < len(data):
        size = struct.unpack_from(">I", data, at)[0]
        found.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return context, found


def look(path):
    context, found = packets(path)
    decoded, errors, shown = 0, [], set()
    for data in [*found, None]:
        try:
            for frame in context.decode(av.Packet(data) if data is not None else None):
                decoded += 1
                shown.add(bytes(frame.planes[0]))
        except av.FFmpegError as e:
            errors.append(str(e))
    name = os.path.basename(path)
    return {"file": name, "kind": name.split(".")[0], "codec": context.name, "frames": len(found), "decoded": decoded,
            "moves": len(shown) > (len(found) // 4 if name.startswith("video") else 1), "errors": errors[:3]}


for name in sorted(os.listdir(sys.argv[1])):
    print(json.dumps(look(os.path.join(sys.argv[1], name))))
