// One connection to the library: HTTP carries the two descriptions, everything else is WebRTC.

const PING = { label: 'ping', id: 100 }; // negotiated: both sides know it, nobody announces it

export class ServerGone extends Error {}

export class Connection {
  // hear: onState(states), onChannel(dc), onRoundTrip(ms), onPath({remote, dtls}), onPicture(stream), onPictureFacts(facts)
  constructor(hear) {
    this.hear = hear;
    this.pc = new RTCPeerConnection();
    for (const name of ['signalingstate', 'icegatheringstate', 'iceconnectionstate', 'connectionstate']) {
      this.pc.addEventListener(`${name}change`, () => this.tellStates());
    }
    this.pc.addEventListener('track', ({ track }) => this.hear.onPicture(new MediaStream([track])));
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

  // offerer: 'page' or 'library'; camera: a stream to be echoed, or null
  async start(offerer, camera) {
    this.tellStates();
    this.camera = camera;
    for (const track of camera?.getTracks() ?? []) this.pc.addTrack(track, camera);
    if (camera) this.pictures = setInterval(() => this.lookAtPictures(), 1000);
    if (offerer === 'page') {
      this.openChannel('chat', {});
      await this.pc.setLocalDescription(await this.pc.createOffer());
      await this.gathered();
      const { sdp } = await post('offer', { sdp: this.pc.localDescription.sdp });
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
    } else {
      const { id, sdp } = await post('connection', { video: camera !== null });
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
    clearInterval(this.pictures);
    for (const track of this.camera?.getTracks() ?? []) track.stop();
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

  async lookAtPictures() {
    const stats = [...(await this.pc.getStats()).values()];
    const inbound = stats.find((entry) => entry.type === 'inbound-rtp' && entry.framesDecoded);
    if (this.over || !inbound) return;
    const codec = stats.find((entry) => entry.id === inbound.codecId)?.mimeType.split('/')[1];
    this.hear.onPictureFacts({ codec, width: inbound.frameWidth, height: inbound.frameHeight, rate: inbound.framesPerSecond ?? 0, freezes: inbound.freezeCount });
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
