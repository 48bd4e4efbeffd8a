// The page's side of a browser peer: env for core.js.
'use strict';
(() => {
  const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, '0')).join('');
  window.unlock = async () => { window.keep = await navigator.mediaDevices.getUserMedia({ audio: true, video: true }); };
  // The codecs that the build both encodes and decodes.
  window.videoCodecs = () => {
    const names = (side) => side.getCapabilities('video').codecs.map((c) => c.mimeType.split('/')[1]);
    const sent = new Set(names(RTCRtpSender));
    return [...new Set(names(RTCRtpReceiver))].filter((name) => sent.has(name));
  };
  // Whether a connection made for nothing else finds a host candidate with a .local name in so many milliseconds.
  window.showsName = (patience) => new Promise((resolve) => {
    const pc = new RTCPeerConnection();
    const end = (found) => { pc.close(); resolve(found); };
    setTimeout(end, patience, false);
    pc.onicecandidate = (e) => { if (/\.local \d+ typ host/.test(e.candidate?.candidate ?? '')) end(true); };
    pc.createDataChannel('');
    pc.setLocalDescription();
  });
  // A picture of 960 x 540 in which a square moves.
  function drawing() {
    const canvas = Object.assign(document.createElement('canvas'), { width: 960, height: 540 });
    const c = canvas.getContext('2d');
    let n = 0;
    setInterval(() => {
      c.fillStyle = `hsl(${n} 60% 40%)`;
      c.fillRect(0, 0, 960, 540);
      c.fillStyle = '#fff';
      c.fillRect((n++ * 8) % 960, 200, 120, 120);
    }, 50);
    return canvas.captureStream(20);
  }
  window.handle = window.makePeer({
    RTCPeerConnection,
    emit: (o) => window.emitToHost(JSON.stringify(o)),
    sha256: async (bytes) => hex(await crypto.subtle.digest('SHA-256', bytes)),
    // The browser's fake devices: a picture in which something turns, and beeps. Its picture is too small for three layers.
    fakeMedia: async (kind, large) => {
      const stream = large ? drawing() : await navigator.mediaDevices.getUserMedia(
        kind === 'audio' ? { audio: true } : { video: { width: 320, height: 240, frameRate: 30 } });
      return { track: stream.getTracks()[0], stream };
    },
    play: (track) => {
      const element = document.createElement(track.kind);
      element.muted = track.kind === 'video';
      element.autoplay = true;
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
    },
  });
})();
