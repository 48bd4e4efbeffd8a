// The page's side of a browser peer: env for core.js.
'use strict';
(() => {
  const hex = (b) => [...new Uint8Array(b)].map((x) => x.toString(16).padStart(2, '0')).join('');
  window.unlock = async () => { window.keep = await navigator.mediaDevices.getUserMedia({ audio: true, video: true }); };
  // Whether a connection made for nothing else finds a host candidate with a .local name in so many milliseconds.
  window.showsName = (patience) => new Promise((resolve) => {
    const pc = new RTCPeerConnection();
    const end = (found) => { pc.close(); resolve(found); };
    setTimeout(end, patience, false);
    pc.onicecandidate = (e) => { if (/\.local \d+ typ host/.test(e.candidate?.candidate ?? '')) end(true); };
    pc.createDataChannel('');
    pc.setLocalDescription();
  });
  window.handle = window.makePeer({
    RTCPeerConnection,
    emit: (o) => window.emitToHost(JSON.stringify(o)),
    sha256: async (bytes) => hex(await crypto.subtle.digest('SHA-256', bytes)),
  });
})();
