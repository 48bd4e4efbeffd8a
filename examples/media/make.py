#!/usr/bin/env python3
"""Makes the sample files of this folder, and looks into them. Needs PyAV (`pip install av`), which brings FFmpeg with it.

make.py            makes them anew
make.py --check    decodes them and says what is in them

Four seconds that can be repeated without a seam: a picture of 320 x 240 in which everything moves, and a melody of four notes.
"""
import fractions
import math
import os
import struct
import sys

import av
from av.bitstream import BitStreamFilterContext

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS, FPS, WIDTH, HEIGHT = 4, 30, 320, 240
KEY_FRAME_EVERY = 2 * FPS
NOTES = (440.0, 550.0, 660.0, 880.0)  # Hz; each a whole number of periods in a second


def picture(n):
    """Frame n: stripes that drift to the left, and a white square that goes round."""
    wave = bytes(60 + abs(x % 240 - 120) for x in range(WIDTH + 480))
    angle = 2 * math.pi * n / (SECONDS * FPS)
    left, top = int(140 + 110 * math.cos(angle)), int(100 + 80 * math.sin(angle))
    luma = bytearray()
    for y in range(HEIGHT):
        shift = (2 * n + y) % 240
        row = bytearray(wave[shift:shift + WIDTH])
        if top <= y < top + 40:
            row[left:left + 40] = b"\xeb" * 40
        luma += row
    blue = bytes(128 + (x - 80) // 2 for x in range(WIDTH // 2)) * (HEIGHT // 2)
    red = bytes(int(128 + 60 * math.sin(angle + y / 40)) for y in range(HEIGHT // 2) for _ in range(WIDTH // 2))
    frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
    for plane, data in zip(frame.planes, (luma, blue, red)):
        assert plane.line_size == plane.width
        plane.update(bytes(data))
    frame.pts, frame.time_base = n, fractions.Fraction(1, FPS)
    return frame


def sound(n, rate, size):
    """Samples n * size and on: one note a second, faded in and out."""
    wave = []
    for i in range(n * size, (n + 1) * size):
        second, rest = divmod(i, rate)
        fade = min(1.0, rest / rate * 20, (rate - rest) / rate * 20)
        wave.append(int(9000 * fade * math.sin(2 * math.pi * NOTES[second % len(NOTES)] * i / rate)))
    frame = av.AudioFrame(format="s16", layout="mono", samples=size)
    frame.planes[0].update(struct.pack(f"<{size}h", *wave))
    frame.sample_rate, frame.pts, frame.time_base = rate, n * size, fractions.Fraction(1, rate)
    return frame


def encode(container, stream, frames, filters=None):
    for frame in [*frames, None]:
        for packet in stream.encode(frame):
            for part in filters.filter(packet) if filters else [packet]:
                part.stream = stream
                container.mux(part)


def video(name, codec, form, bit_rate, options, unwanted=None):
    with av.open(os.path.join(HERE, name), "w", format=form) as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = WIDTH, HEIGHT, "yuv420p", bit_rate
        stream.gop_size = KEY_FRAME_EVERY
        stream.thread_count = 1
        filters = BitStreamFilterContext(unwanted, stream) if unwanted else None
        encode(container, stream, map(picture, range(SECONDS * FPS)), filters)


def audio(name, codec, form, rate, size, bit_rate=None, options=None):
    with av.open(os.path.join(HERE, name), "w", format=form, options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono", options=options or {})
        if bit_rate:
            stream.bit_rate = bit_rate
        encode(container, stream, (sound(n, rate, size) for n in range(SECONDS * rate // size)))


def make():
    # No frame that is not shown, none that waits for a later one: each packet is a picture.
    video("picture.ivf", "libvpx", "ivf", 220_000,
          {"deadline": "good", "cpu-used": "1", "auto-alt-ref": "0", "lag-in-frames": "0", "keyint_min": str(KEY_FRAME_EVERY)})
    # Constrained baseline with the parameter sets before each key frame; without the note of the encoder on itself (SEI, type 6).
    video("picture.h264", "libx264", "h264", 220_000,
          {"profile": "baseline", "level": "3.1", "tune": "zerolatency", "preset": "medium",
           "x264-params": f"repeat-headers=1:sliced-threads=0:slices=1:scenecut=0:keyint={KEY_FRAME_EVERY}:min-keyint={KEY_FRAME_EVERY}"},
          "filter_units=remove_types=6")
    audio("tone.opus", "libopus", "ogg", 48_000, 960, 24_000, {"frame_duration": "20", "vbr": "on"})
    audio("tone.ulaw", "pcm_mulaw", "mulaw", 8_000, 160)


def check():
    for name in ("picture.ivf", "picture.h264", "tone.opus"):
        with av.open(os.path.join(HERE, name)) as container:
            stream = container.streams[0]
            frames = list(container.decode(stream))
            keys = f", {sum(f.key_frame for f in frames)} key frames" if stream.type == "video" else ""
            print(f"{name}: {stream.codec_context.name}, {len(frames)} frames{keys}")


if __name__ == "__main__":
    if sys.argv[1:] != ["--check"]:
        make()
    check()
