// One connection to the library: HTTP carries the two descriptions, everything else is WebRTC.

const PING = { label: 'ping', id: 100 }; // negotiated: both sides know it, nobody announces it

export class ServerGone extends Error {}

export class Connection {
  // hear: onState(states), onChannel(dc), onRoundTrip(ms), onPath({remote, dtls})
  constructor(hear) {
    this.hear = hear;
    this.pc = new RTCPeerConnection();
    for (const name of ['signalingstate', 'icegatheringstate', 'iceconnectionstate', 'connectionstate']) {
      this.pc.addEventListener(`${name}change`, () => this.tellStates());
    }
    this.pc.addEventListener('datachannel', (event) => this.adopt(event.channel));
    this.ping = this.pc.createDataChannel(PING.label, { negotiated: true, id: PING.id, ordered: false, maxRetransmits: 0 });
    this.ping.addEventListener('open', () => { this.timer = setInterval(() => this.measure(), 500); this.measure(); });
    this.ping.addEventListener('message', (event) => this.measured(event.data));
    // The library closes its side of every channel when it ends: the last to know would be ICE.
    this.ping.addEventListener('close', () => { if (!this.over) this.end(); });
  }

  get connected() {
    return this.pc.connectionState === 'connected';
  }

  static async serverAnswers() {
    try {
      return (await fetch('alive', { cache: 'no-store', signal: AbortSignal.timeout(3000) })).ok;
    } catch {
      return false;
    }
  }

  // offerer: 'page' or 'library'
  async start(offerer) {
    this.tellStates();
    if (offerer === 'page') {
      this.openChannel('chat', {});
      await this.pc.setLocalDescription(await this.pc.createOffer());
      await this.gathered();
      const { sdp } = await post('offer', { sdp: this.pc.localDescription.sdp });
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
    } else {
      const { id, sdp } = await post('connection', {});
      await this.pc.setRemoteDescription({ type: 'offer', sdp });
      await this.pc.setLocalDescription(await this.pc.createAnswer());
      await this.gathered();
      await post('answer', { id, sdp: this.pc.localDescription.sdp });
    }
  }

  openChannel(label, options) {
    this.adopt(this.pc.createDataChannel(label, options));
  }

  close() {
    this.over = true;
    clearInterval(this.timer);
    this.pc.close();
  }

  end() {
    this.close();
    this.hear.onState({ connection: 'closed' });
  }

  adopt(dc) {
    dc.binaryType = 'arraybuffer';
    this.hear.onChannel(dc);
  }

  tellStates() {
    if (this.over) return;
    const { signalingState, iceGatheringState, iceConnectionState, connectionState } = this.pc;
    this.hear.onState({ signaling: signalingState, gathering: iceGatheringState, ice: iceConnectionState, connection: connectionState });
    if (connectionState === 'connected') this.tellPath();
  }

  async tellPath() {
    const stats = [...(await this.pc.getStats()).values()];
    const by = (id) => stats.find((entry) => entry.id === id);
    const transport = stats.find((entry) => entry.type === 'transport');
    const pair = by(transport?.selectedCandidatePairId)
      ?? stats.find((entry) => entry.type === 'candidate-pair' && entry.nominated && entry.state === 'succeeded');
    const remote = by(pair?.remoteCandidateId);
    const place = (candidate) => candidate && `${candidate.address || candidate.ip || candidate.candidateType}:${candidate.port}`;
    const cipher = transport?.dtlsCipher?.match(/AES_\d+_GCM|AES_\d+_CBC|CHACHA20/)?.[0].replaceAll('_', '-');
    const version = { FEFD: '1.2', FEFC: '1.3' }[transport?.tlsVersion?.toUpperCase()];
    if (!this.over) this.hear.onPath({ remote: place(remote), dtls: [version, cipher].filter(Boolean).join(' ') || null });
  }

  measure() {
    if (this.ping.readyState === 'open' && this.ping.bufferedAmount === 0) this.ping.send(String(performance.now()));
  }

  measured(text) {
    const millis = performance.now() - Number(text);
    if (millis >= 0) this.hear.onRoundTrip(millis);
  }

  gathered() {
    if (this.pc.iceGatheringState === 'complete') return Promise.resolve();
    return new Promise((resolve) => {
      const look = () => { if (this.pc.iceGatheringState === 'complete') resolve(); };
      this.pc.addEventListener('icegatheringstatechange', look);
      setTimeout(resolve, 2000); // what was found until then will do
    });
  }
}

async function post(path, body) {
  let response;
  try {
    response = await fetch(path, {
      method: 'POST', cache: 'no-store', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
      signal: AbortSignal.timeout(10000),
    });
  } catch {
    throw new ServerGone();
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? `HTTP status ${response.status}`);
  return answer;
}
