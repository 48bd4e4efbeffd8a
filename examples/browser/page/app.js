// The page's side of the chat. Plain JavaScript, nothing loaded from elsewhere.
// connection.js speaks WebRTC and HTTP; this file shows what happens and hears what is wanted.
import { Connection, ServerGone } from './connection.js';

const $ = (id) => document.getElementById(id);
const MAX_MESSAGE = 262144;

let connection = null;
let active = null; // the channel whose messages are shown
let retry = null; // what the banner's button does
const samples = []; // round-trip times, newest last

// ---------------------------------------------------------------- connecting

async function connect() {
  hideBanner();
  samples.length = 0;
  drawRoundTrips();
  if (!('RTCPeerConnection' in window)) {
    showBanner('This browser has no WebRTC.', 'Try a current Chromium, Firefox or Safari.', null);
    return;
  }
  connection = new Connection({ onState, onChannel, onRoundTrip, onPath, onPicture, onPictureFacts });
  setBusy(true);
  try {
    const camera = $('camera').checked ? await openCamera() : null;
    await connection.start(document.querySelector('input[name=offerer]:checked').value, camera);
  } catch (error) {
    disconnect();
    if (error instanceof ServerGone) serverGone();
    else showBanner('The connection could not be set up.', error.message, connect);
  }
}

function disconnect() {
  connection?.close();
  connection = null;
  setBusy(false);
  $('pictures').hidden = true;
  showStates({});
  pill('idle', 'not connected');
  for (const channel of channels.values()) onChannelState(channel, 'closed');
  refreshComposer();
}

function setBusy(busy) {
  $('connect').textContent = busy ? 'Disconnect' : 'Connect';
  $('connect').classList.toggle('stop', busy);
  for (const radio of document.querySelectorAll('input[name=offerer], #camera')) radio.disabled = busy;
}

function onState(states) {
  showStates(states);
  refreshComposer();
  switch (states.connection) {
    case 'connected':
      hideBanner();
      pill('good', 'connected');
      break;
    case 'disconnected':
      pill('busy', 'no answer…');
      explainSilence();
      break;
    case 'failed':
      disconnect();
      pill('bad', 'failed');
      explainSilence('The connection failed.', 'No path to the library was found, or it was lost. A firewall between the two can be the reason.');
      break;
    case 'closed':
      disconnect();
      note('The library closed the connection.');
      break;
    default:
      pill('busy', 'connecting…');
  }
}

async function explainSilence(title = 'The library has gone quiet.', text = 'Waiting for it to come back…') {
  if (await Connection.serverAnswers()) showBanner(title, text, connection ? null : connect);
  else serverGone();
}

function serverGone() {
  showBanner('The program does not answer.', 'Is cargo run --release --example browser still running?', connect);
}

// ---------------------------------------------------------------- pictures

async function openCamera() {
  if (!navigator.mediaDevices) throw new Error('Browsers give the camera only to pages from this machine (or over HTTPS).');
  const camera = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480 } });
  $('own').srcObject = camera;
  $('echo').srcObject = null;
  $('picture-facts').textContent = 'Waiting for the first picture…';
  $('pictures').hidden = false;
  return camera;
}

function onPicture(stream) {
  $('echo').srcObject = stream;
}

function onPictureFacts({ codec, width, height, rate, freezes }) {
  $('picture-facts').textContent = `${codec} · ${width} × ${height} · ${rate} a second${freezes ? ` · froze ${freezes} times` : ''}`;
}

// ---------------------------------------------------------------- channels

const channels = new Map(); // label -> { label, dc, state, tab, messages, unread, waiting }

function onChannel(dc) {
  channels.get(dc.label)?.tab.remove();
  const channel = { label: dc.label, dc, state: dc.readyState, messages: [], unread: 0, waiting: [], tab: document.createElement('button') };
  channel.tab.type = 'button';
  channel.tab.role = 'tab';
  channel.tab.onclick = () => show(channel);
  $('tabs').append(channel.tab);
  channels.set(dc.label, channel);
  dc.addEventListener('open', () => onChannelState(channel, 'open'));
  dc.addEventListener('closing', () => onChannelState(channel, 'closing'));
  dc.addEventListener('close', () => onChannelState(channel, 'closed'));
  dc.addEventListener('message', (event) => onMessage(channel, event.data));
  if (!active || active.state === 'closed' || active.label === channel.label) show(channel);
  drawTab(channel);
  if (dc.readyState === 'open') onChannelState(channel, 'open');
}

function onChannelState(channel, state) {
  if (channel.state === state && state !== 'open') return;
  channel.state = state;
  if (state === 'open') note(`Channel “${channel.label}” is open.`, channel);
  if (state === 'closed') note(`Channel “${channel.label}” is closed.`, channel);
  drawTab(channel);
  if (channel === active) refreshComposer();
}

function drawTab(channel) {
  channel.tab.replaceChildren(document.createElement('i'), channel.label);
  channel.tab.dataset.state = channel.state;
  channel.tab.setAttribute('aria-selected', channel === active);
  channel.tab.tabIndex = channel === active ? 0 : -1;
  if (channel.unread) {
    const count = document.createElement('b');
    count.textContent = channel.unread;
    channel.tab.append(count);
  }
}

function show(channel) {
  const before = active;
  active = channel;
  channel.unread = 0;
  if (before) drawTab(before);
  drawTab(channel);
  $('log').replaceChildren(...(channel.messages.length ? channel.messages : [$('empty')].filter(Boolean)));
  $('log').scrollTop = $('log').scrollHeight;
  refreshComposer();
}

function describe(dc) {
  const limit = dc.maxRetransmits !== null ? `at most ${dc.maxRetransmits} retransmissions`
    : dc.maxPacketLifeTime !== null ? `at most ${dc.maxPacketLifeTime} ms` : 'reliable';
  return [dc.ordered ? 'ordered' : 'unordered', limit, dc.id === null ? null : `stream ${dc.id}`].filter(Boolean).join(' · ');
}

function refreshComposer() {
  const open = active?.state === 'open';
  $('text').disabled = $('send').disabled = !open;
  $('text').placeholder = open ? `Message on “${active.label}”` : connection ? 'Waiting for the channel…' : 'Connect first';
  $('more').classList.toggle('off', !open);
  $('more').querySelector('summary').ariaDisabled = String(!open);
  $('add').disabled = !connection?.connected;
  $('about').hidden = !active;
  $('close-channel').disabled = !open;
  if (active) $('about-text').textContent = describe(active.dc);
}

// ---------------------------------------------------------------- messages

function send(data, name = '') {
  if (active?.state !== 'open') return;
  try {
    active.dc.send(data);
  } catch (error) {
    note(`Not sent: ${error.message}`, active);
    return;
  }
  const element = bubble('mine', data, name);
  append(active, element);
  if (!(typeof data === 'string' && data.startsWith('/'))) {
    active.waiting.push({ data, element, name, at: performance.now() });
  }
}

function onMessage(channel, data) {
  // What comes back is compared with what was sent; a lossy channel may skip some.
  const place = channel.waiting.findIndex((sent) => same(sent.data, data));
  let caption = 'library';
  let name = '';
  if (place >= 0) {
    const [sent] = channel.waiting.splice(0, place + 1).slice(-1);
    name = sent.name;
    const millis = performance.now() - sent.at;
    caption = `library · ${millis < 10 ? millis.toFixed(1) : Math.round(millis)} ms`;
    mark(sent.element, 'came back unchanged', 'good');
  }
  const element = bubble('theirs', data, name, caption);
  append(channel, element);
  if (channel !== active) {
    channel.unread++;
    drawTab(channel);
  }
}

function same(a, b) {
  if (typeof a === 'string' || typeof b === 'string') return a === b;
  if (a.byteLength !== b.byteLength) return false;
  const [x, y] = [new Uint8Array(a), new Uint8Array(b)];
  return x.every((byte, i) => byte === y[i]);
}

function bubble(side, data, name, caption = '') {
  const element = document.createElement('div');
  element.className = `msg ${side}`;
  const body = document.createElement('p');
  if (typeof data === 'string') {
    body.textContent = data || 'empty text';
    body.classList.toggle('nothing', !data);
  } else {
    body.className = data.byteLength ? 'bytes' : 'nothing';
    body.textContent = data.byteLength ? `${name ? name + '\n' : ''}${data.byteLength.toLocaleString('en')} bytes` : 'empty binary message';
    if (/\.(png|jpe?g|gif|webp|svg)$/i.test(name)) {
      const image = document.createElement('img');
      image.src = URL.createObjectURL(new Blob([data], { type: name.endsWith('.svg') ? 'image/svg+xml' : '' }));
      image.alt = name;
      body.prepend(image);
    }
  }
  element.append(body);
  mark(element, caption);
  return element;
}

function mark(element, text, tone = '') {
  if (!text) return;
  let caption = element.querySelector('small');
  if (!caption) {
    caption = document.createElement('small');
    element.append(caption);
  }
  caption.textContent = text;
  caption.className = tone;
}

function note(text, channel = active) {
  const element = document.createElement('div');
  element.className = 'note';
  element.textContent = text;
  if (channel) append(channel, element);
}

function append(channel, element) {
  channel.messages.push(element);
  if (channel.messages.length > 500) channel.messages.shift().remove();
  if (channel !== active) return;
  const log = $('log');
  document.getElementById('empty')?.remove();
  log.append(element);
  log.scrollTop = log.scrollHeight;
}

// ---------------------------------------------------------------- figures

function onRoundTrip(millis) {
  samples.push(millis);
  if (samples.length > 60) samples.shift();
  $('rtt').textContent = millis < 10 ? millis.toFixed(1) : Math.round(millis);
  drawRoundTrips();
}

function drawRoundTrips() {
  const [area, line] = $('spark').querySelectorAll('path');
  if (samples.length < 2) {
    line.setAttribute('d', '');
    area.setAttribute('d', '');
    if (!samples.length) $('rtt').textContent = '–';
    return;
  }
  const top = Math.max(...samples) * 1.15;
  const points = samples.map((value, i) => `${((i + 60 - samples.length) * 240 / 59).toFixed(1)},${(46 - value / top * 42).toFixed(1)}`);
  line.setAttribute('d', 'M' + points.join('L'));
  area.setAttribute('d', `M${points[0].split(',')[0]},48L${points.join('L')}L240,48Z`);
}

function onPath({ remote, dtls }) {
  $('s-path').textContent = remote ?? '–';
  $('s-dtls').textContent = dtls ?? '–';
}

function showStates(states) {
  const tones = { connected: 'good', completed: 'good', stable: 'good', complete: 'good', failed: 'bad', disconnected: 'bad' };
  for (const which of ['signaling', 'gathering', 'ice', 'connection']) {
    $(`s-${which}`).textContent = states[which] ?? '–';
    $(`s-${which}`).dataset.tone = tones[states[which]] ?? '';
  }
  if (!states.connection) onPath({});
}

function pill(tone, text) {
  $('pill').dataset.tone = tone;
  $('pill').lastElementChild.textContent = text;
}

function showBanner(title, text, action) {
  $('banner-title').textContent = title;
  $('banner-text').textContent = text;
  $('banner-action').hidden = !action;
  retry = action;
  $('banner').hidden = false;
}

function hideBanner() {
  $('banner').hidden = true;
}

// ---------------------------------------------------------------- controls

$('connect').onclick = () => (connection ? disconnect() : connect());
$('banner-action').onclick = () => retry?.();
$('close-channel').onclick = () => active?.dc.close();

$('theme').onclick = () => {
  const dark = getComputedStyle(document.documentElement).colorScheme.includes('dark')
    && (document.documentElement.dataset.theme === 'dark' || matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.dataset.theme = dark ? 'light' : 'dark';
};

$('composer').onsubmit = (event) => {
  event.preventDefault();
  if (!$('text').value) return;
  send($('text').value);
  $('text').value = '';
  $('text').style.height = '';
};
$('text').onkeydown = (event) => {
  if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $('composer').requestSubmit();
  }
};
$('text').oninput = () => {
  $('text').style.height = 'auto';
  $('text').style.height = `${Math.min($('text').scrollHeight + 2, 140)}px`;
};

$('more').onclick = (event) => {
  const kind = event.target.dataset?.send;
  if (active?.state !== 'open' && event.target.closest('summary')) event.preventDefault();
  if (!kind) return;
  $('more').open = false;
  if (kind === 'file') $('file').click();
  else if (kind === 'large') send(randomBytes(MAX_MESSAGE));
  else if (kind === 'empty-text') send('');
  else if (kind === 'empty-binary') send(new ArrayBuffer(0));
  else send(kind);
};
document.addEventListener('click', (event) => {
  if (!event.target.closest('#more')) $('more').open = false;
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape') $('more').open = false;
});

$('file').onchange = async () => {
  const [file] = $('file').files;
  $('file').value = '';
  if (!file) return;
  if (file.size > MAX_MESSAGE) note(`“${file.name}” is larger than 256 KiB.`);
  else send(await file.arrayBuffer(), file.name);
};

$('add').onclick = () => $('dialog').showModal();
$('dialog-cancel').onclick = () => $('dialog').close();
$('new-channel').elements.delivery.onchange = (event) => {
  const what = { retransmits: 'Retransmissions', lifetime: 'Milliseconds' }[event.target.value];
  $('limit').hidden = !what;
  $('limit').firstElementChild.textContent = what ?? '';
};
$('new-channel').onsubmit = () => {
  const fields = new FormData($('new-channel'));
  const options = { ordered: fields.has('ordered') };
  if (fields.get('delivery') === 'retransmits') options.maxRetransmits = Number(fields.get('limit'));
  if (fields.get('delivery') === 'lifetime') options.maxPacketLifeTime = Number(fields.get('limit'));
  const label = fields.get('label');
  if (channels.has(label) && channels.get(label).state !== 'closed') {
    note(`There is a channel “${label}” already.`);
    return;
  }
  connection?.openChannel(label, options);
  show(channels.get(label));
};

$('tabs').onkeydown = (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || !active) return;
  const all = [...channels.values()];
  const next = all[(all.indexOf(active) + step + all.length) % all.length];
  show(next);
  next.tab.focus();
};

// While nothing is connected, the program can end without the page noticing.
setInterval(async () => {
  if (!document.hidden && !connection && !(await Connection.serverAnswers())) serverGone();
}, 4000);

function randomBytes(size) {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 65536) crypto.getRandomValues(bytes.subarray(at, at + 65536));
  return bytes.buffer;
}

new ResizeObserver(() => { $('log').scrollTop = $('log').scrollHeight; }).observe($('log'));
refreshComposer();
