// The peer protocol on top of the W3C API. Runs in a page and in Node.
// env: RTCPeerConnection, emit(object), sha256(Uint8Array) -> hex (may be async),
//      fakeMedia(kind, large) -> {track, stream}, play(track)
(function (root) {
  'use strict';
  const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
  const enc = new TextEncoder();

  function binary(seed, n) {
    const a = new Uint8Array(n);
    let v = seed % 251;
    for (let i = 0; i < n; i++) { a[i] = v; if (++v === 251) v = 0; }
    return a;
  }
  function text(seed, n) {
    let block = '';
    for (let i = 0; i < 94; i++) block += String.fromCharCode(33 + ((seed + i) % 94));
    return block.repeat(Math.floor(n / 94) + 1).slice(0, n);
  }
  const content = (kind, seed, n) => (kind === 'text' ? text(seed, n) : binary(seed, n));
  const same = (a, b) => {
    if (typeof a !== typeof b) return false;
    if (typeof a === 'string') return a === b;
    if (a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
    return true;
  };

  const limit = (v) => (v == null || v === 65535 || v < 0 ? null : v); // 65535 is an old "not set"

  function makePeer(env) {
    const { emit } = env;
    let pc = null, cfg = {}, mode = 'report';
    const chans = new Map();

    function adopt(dc) {
      const c = { dc, wait: null, sink: { parts: [], bytes: 0, messages: 0, first: 0, last: 0, seen: new Set(), dup: 0, ooo: 0, max: -1 } };
      chans.set(dc.label, c);
      dc.binaryType = 'arraybuffer';
      dc.bufferedAmountLowThreshold = 256 * 1024;
      const st = (v) => emit({ event: 'channel_state', label: dc.label, value: v });
      dc.onopen = () => st('open');
      dc.onclosing = () => st('closing');
      dc.onclose = () => st('closed');
      dc.onerror = (e) => emit({ event: 'log', message: 'channel ' + dc.label + ': ' + (e.error ? e.error.message : 'error') });
      dc.onmessage = (e) => incoming(c, e.data);
      if (dc.readyState === 'open') st('open');
      return c;
    }

    async function incoming(c, raw) {
      const data = typeof raw === 'string' ? raw : new Uint8Array(raw);
      if (c.wait) { c.wait(data); return; }
      if (mode === 'echo') { c.dc.send(data); return; }
      const bytes = typeof data === 'string' ? enc.encode(data) : data;
      if (mode === 'sink') {
        const s = c.sink;
        s.last = performance.now();
        if (!s.messages) s.first = s.last;
        s.messages++; s.bytes += bytes.length; s.parts.push(bytes);
        if (typeof data !== 'string' && bytes.length >= 4) {
          const i = ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) >>> 0;
          if (s.seen.has(i)) s.dup++; else s.seen.add(i);
          if (i < s.max) s.ooo++; else s.max = i;
        }
        return;
      }
      const ev = { event: 'message', label: c.dc.label, kind: typeof data === 'string' ? 'text' : 'binary', size: bytes.length };
      if (typeof data === 'string' && bytes.length <= 256) ev.text = data;
      ev.sha256 = await env.sha256(bytes);
      emit(ev);
    }

    function chan(label) {
      const c = chans.get(label);
      if (!c) throw new Error('no channel ' + label);
      return c;
    }

    async function drain(dc, high) {
      while (dc.bufferedAmount > high) {
        if (dc.readyState !== 'open') throw new Error('channel ' + dc.label + ' is ' + dc.readyState);
        await sleep(2);
      }
    }

    async function gathered() {
      // Right after an ICE restart the state still says complete, and no candidate is there yet.
      const end = performance.now() + 10000, some = performance.now() + 3000;
      while (performance.now() < end) {
        const has = /a=candidate:/.test(pc.localDescription.sdp);
        if (pc.iceGatheringState === 'complete' && (has || performance.now() > some)) return;
        await sleep(10);
      }
    }

    async function local(desc) {
      if (!cfg.trickle) await gathered();
      const d = pc.localDescription || desc;
      return { event: 'local_description', type: d.type, sdp: d.sdp };
    }

    const kindOf = (t) => t.receiver.track.kind;
    const isLive = (t) => t.direction !== 'stopped' && t.currentDirection !== 'stopped';
    const LAYERS = [{ rid: 'q', scaleResolutionDownBy: 4 }, { rid: 'h', scaleResolutionDownBy: 2 }, { rid: 'f' }];

    // What getStats says of one stream, in the words of the protocol.
    // Its framesReceived leaves out pictures that were whole only after a repair.
    function stream(s, all) {
      const keep = s.type === 'inbound-rtp' ? { packets: s.packetsReceived, bytes: s.bytesReceived, lost: s.packetsLost, jitter_ms: s.jitter * 1000,
        frames: s.kind === 'video' ? s.framesDecoded : s.totalSamplesReceived, whole_frames: Math.max(s.framesReceived, s.framesDecoded + s.framesDropped), key_frames: s.keyFramesDecoded,
        freezes: s.freezeCount, energy: s.totalAudioEnergy, repairs: s.retransmittedPacketsReceived }
        : { rid: s.rid, packets: s.packetsSent, bytes: s.bytesSent, frames: s.framesSent, key_frames: s.keyFramesEncoded,
          repairs: s.retransmittedPacketsSent, target: s.targetBitrate, limited_by: s.qualityLimitationReason, size: `${s.frameWidth} x ${s.frameHeight}` };
      const codec = all.get(s.codecId)?.mimeType.split('/')[1];
      return { kind: s.kind, mid: s.mid, ssrc: s.ssrc, codec, nack: s.nackCount, pli: s.pliCount, fir: s.firCount, ...keep };
    }

    const cmds = {
      async init(c) {
        cfg = c;
        pc = new env.RTCPeerConnection({ iceServers: c.ice_servers || [], iceTransportPolicy: c.ice_transport_policy || 'all',
          bundlePolicy: c.bundle_policy || 'balanced' });
        root.pc = pc;
        pc.onicecandidateerror = (e) => emit({ event: 'candidate_error', url: e.url, code: e.errorCode, reason: e.errorText });
        pc.onicecandidate = (e) => {
          if (!cfg.trickle) return;
          const k = e.candidate;
          if (!k) { emit({ event: 'candidate', candidate: '', sdp_mid: null, sdp_mline_index: null }); return; }
          if (!k.candidate) return;
          emit({ event: 'candidate', candidate: k.candidate, sdp_mid: k.sdpMid, sdp_mline_index: k.sdpMLineIndex });
        };
        const st = (which, value) => emit({ event: 'state', which, value });
        pc.oniceconnectionstatechange = () => st('ice', pc.iceConnectionState);
        pc.onconnectionstatechange = () => st('connection', pc.connectionState);
        pc.onsignalingstatechange = () => st('signaling', pc.signalingState);
        pc.onicegatheringstatechange = () => st('gathering', pc.iceGatheringState);
        pc.ondatachannel = (e) => {
          const d = e.channel;
          emit({ event: 'channel', label: d.label, ordered: d.ordered, max_retransmits: limit(d.maxRetransmits),
            max_packet_life_time: limit(d.maxPacketLifeTime), protocol: d.protocol, sid: d.id });
          adopt(d);
        };
        pc.ontrack = (e) => {
          env.play(e.track);
          emit({ event: 'track', kind: e.track.kind, mid: e.transceiver.mid });
        };
      },
      async add_track(c) {
        const direction = c.direction || 'sendrecv';
        const fake = direction === 'recvonly' ? null : await env.fakeMedia(c.kind, c.simulcast);
        const old = pc.getTransceivers().find((t) => kindOf(t) === c.kind && isLive(t) && t.mid !== null && !t.sender.track);
        if (!old) {
          pc.addTransceiver(fake ? fake.track : c.kind, { direction, streams: fake ? [fake.stream] : [], ...(c.simulcast ? { sendEncodings: LAYERS } : {}) });
          return;
        }
        if (fake) {
          await old.sender.replaceTrack(fake.track);
          old.sender.setStreams(fake.stream);
        }
        old.direction = direction;
      },
      async remove_track(c) {
        const sender = pc.getSenders().find((x) => x.track && x.track.kind === c.kind);
        if (!sender) throw new Error('nothing to remove');
        pc.removeTrack(sender);
      },
      async stop_transceiver(c) {
        const t = pc.getTransceivers().find((x) => kindOf(x) === c.kind && isLive(x));
        if (!t) throw new Error('nothing to stop');
        t.stop();
      },
      async create_channel(c) {
        const o = { ordered: c.ordered !== false, protocol: c.protocol || '' };
        if (c.max_retransmits != null) o.maxRetransmits = c.max_retransmits;
        if (c.max_packet_life_time != null) o.maxPacketLifeTime = c.max_packet_life_time;
        if (c.negotiated) { o.negotiated = true; o.id = c.sid; }
        adopt(pc.createDataChannel(c.label, o));
      },
      async mode(c) { mode = c.mode; },
      async offer(c) {
        const d = await pc.createOffer(c.ice_restart ? { iceRestart: true } : {});
        await pc.setLocalDescription(d);
        return local(d);
      },
      async answer(c) {
        const d = await pc.createAnswer();
        if (c.setup) d.sdp = d.sdp.replace(/a=setup:\w+/g, 'a=setup:' + c.setup);
        await pc.setLocalDescription(d);
        return local(d);
      },
      async set_remote(c) { await pc.setRemoteDescription({ type: c.type, sdp: c.sdp }); },
      async rollback() { await pc.setLocalDescription({ type: 'rollback' }); },
      async candidate(c) {
        if (!c.candidate) { try { await pc.addIceCandidate(); } catch (e) { /* not everywhere */ } return; }
        await pc.addIceCandidate({ candidate: c.candidate, sdpMid: c.sdp_mid, sdpMLineIndex: c.sdp_mline_index });
      },
      async send(c) { chan(c.label).dc.send(c.text != null ? c.text : content(c.kind, c.seed || 0, c.size)); },
      async echo_run(c) {
        const ch = chan(c.label), list = c.messages, window = c.window || 8;
        let next = 0, got = 0, bad = 0, wake = () => {};
        const t0 = performance.now();
        ch.wait = (data) => { const [k, n] = list[got]; if (!same(content(k, got, n), data)) bad++; got++; wake(); };
        while (got < list.length) {
          while (next < list.length && next - got < window) { const [k, n] = list[next]; ch.dc.send(content(k, next, n)); next++; }
          await Promise.race([new Promise((r) => { wake = r; }), sleep(1000)]);
          if (ch.dc.readyState !== 'open') break;
        }
        ch.wait = null;
        return { event: 'echo_done', received: got, mismatches: bad, elapsed_ms: performance.now() - t0 };
      },
      async bulk_send(c) {
        const { dc } = chan(c.label), all = new Uint8Array(c.bytes), t0 = performance.now();
        for (let at = 0, k = 0; at < c.bytes; at += c.chunk, k++) {
          const m = binary(k, Math.min(c.chunk, c.bytes - at));
          all.set(m, at);
          await drain(dc, 1024 * 1024);
          dc.send(m);
        }
        await drain(dc, 0);
        const ms = performance.now() - t0;
        return { event: 'bulk_sent', bytes: c.bytes, sha256: await env.sha256(all), elapsed_ms: ms };
      },
      async burst(c) {
        const { dc } = chan(c.label);
        for (let i = 0; i < c.count; i++) {
          const m = new Uint8Array(c.size);
          m[0] = i >>> 24; m[1] = i >>> 16; m[2] = i >>> 8; m[3] = i;
          await drain(dc, 1024 * 1024);
          dc.send(m);
          if (c.interval_ms) await sleep(c.interval_ms);
        }
      },
      async sink_report(c) {
        const s = chan(c.label).sink, all = new Uint8Array(s.bytes);
        let at = 0;
        for (const p of s.parts) { all.set(p, at); at += p.length; }
        return { event: 'sink', messages: s.messages, bytes: s.bytes, sha256: await env.sha256(all), elapsed_ms: s.last - s.first,
          unique: s.seen.size, duplicates: s.dup, out_of_order: s.ooo };
      },
      async close_channel(c) { chan(c.label).dc.close(); },
      async close() { pc.close(); },
      async stats(c) {
        const out = { event: 'stats', ice_state: pc.iceConnectionState, connection_state: pc.connectionState ?? null, signaling_state: pc.signalingState,
          dtls_version: null, dtls_cipher: null, dtls_role: null, srtp_cipher: null, selected_pair: null, inbound: [], outbound: [], data: [] };
        const all = new Map();
        (await pc.getStats()).forEach((v) => all.set(v.id, v));
        const end = (x) => x && { type: x.candidateType, ip: x.address ?? x.ip ?? null, port: x.port ?? null, protocol: x.protocol, relay_protocol: x.relayProtocol ?? null };
        const versions = { FEFD: '1.2', FEFC: '1.3', FEFF: '1.0' };
        let pair = null;
        for (const s of all.values()) {
          if (s.type === 'transport') {
            if (s.tlsVersion) out.dtls_version = versions[s.tlsVersion.toUpperCase()] || s.tlsVersion;
            out.dtls_cipher = s.dtlsCipher ?? out.dtls_cipher;
            out.dtls_role = s.dtlsRole ?? out.dtls_role;
            out.srtp_cipher = s.srtpCipher ?? out.srtp_cipher;
            if (s.selectedCandidatePairId) pair = all.get(s.selectedCandidatePairId);
          }
        }
        for (const s of all.values()) {
          if (!pair && s.type === 'candidate-pair' && (s.selected || (s.nominated && s.state === 'succeeded'))) pair = s;
          if (s.type === 'inbound-rtp') out.inbound.push(stream(s, all));
          if (s.type === 'outbound-rtp') out.outbound.push(stream(s, all));
          if (s.type === 'data-channel') out.data.push({ label: s.label, state: s.state, sent: s.messagesSent, received: s.messagesReceived });
        }
        if (pair) out.selected_pair = { local: end(all.get(pair.localCandidateId)), remote: end(all.get(pair.remoteCandidateId)),
          rtt_ms: pair.currentRoundTripTime != null ? pair.currentRoundTripTime * 1000 : null, available: pair.availableOutgoingBitrate };
        if (c.raw) out.raw = [...all.values()];
        return out;
      },
    };

    return async function handle(c) {
      try {
        if (!cmds[c.cmd]) throw new Error('unknown command ' + c.cmd);
        const r = (await cmds[c.cmd](c)) || { event: 'ok' };
        if (c.id !== undefined) r.id = c.id;
        emit(r);
      } catch (e) {
        emit({ event: 'error', id: c.id, message: String(e && e.message ? e.message : e) });
      }
    };
  }

  root.makePeer = makePeer;
  if (typeof module !== 'undefined') module.exports = { makePeer };
})(typeof globalThis !== 'undefined' ? globalThis : this);
