#!/usr/bin/env node
// Chromium as a peer: playwright-core drives the browser, core.js runs in a page.
// CHROMIUM names another browser binary; CHROMIUM_FLAGS adds flags (space-separated).
// CHROMIUM_HIDES=1: it gets no permission, so it shows names that end in .local instead of addresses.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require('playwright-core');
const { emit, serve } = require('./stdio.js');

const hides = process.env.CHROMIUM_HIDES === '1';
const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
  '--allow-loopback-in-peer-connection', '--autoplay-policy=no-user-gesture-required',
  ...(process.env.CHROMIUM_FLAGS || '').split(' ').filter(Boolean)];

// A browser, and the page that plays the peer.
async function open() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', headless: true, args: FLAGS });
  const context = await browser.newContext({ permissions: hides ? [] : ['camera', 'microphone'] });
  await context.route('**/*', (r) => r.fulfill({ contentType: 'text/html', body: '<!doctype html><title>peer</title>' }));
  const page = await context.newPage();
  page.on('console', (m) => process.stderr.write('page: ' + m.text() + '\n'));
  await page.goto('http://localhost/');
  await page.exposeFunction('emitToHost', (s) => process.stdout.write(s + '\n'));
  await page.addScriptTag({ content: fs.readFileSync(path.join(__dirname, 'core.js'), 'utf8') });
  await page.addScriptTag({ content: fs.readFileSync(path.join(__dirname, 'page.js'), 'utf8') });
  return { browser, page };
}

// With a hidden address: the browser's responder does not always come up in a network that is seconds old, and then there
// is no candidate at all. That is nothing to judge us by: such a browser is started again, at most twice.
async function openHidden() {
  for (let restarts = 0; ; restarts++) {
    const { browser, page } = await open();
    if (await page.evaluate(() => window.showsName(5000))) {
      return { browser, page, remark: restarts ? `Chromium restarted ${restarts} times until it showed a .local name` : undefined };
    }
    await browser.close();
    if (restarts === 2) throw new Error('Chromium shows no .local name');
  }
}

(async () => {
  const { browser, page, remark } = await (hides ? openHidden : open)();
  // One permission for all: with it Chromium gathers every interface and does not hide addresses.
  if (!hides) await page.evaluate(() => window.unlock());
  emit({ event: 'ready', protocol: 1, peer: 'chromium', version: browser.version(), remark,
    video_codecs: await page.evaluate(() => window.videoCodecs()), features: [
    'dc', 'media', 'simulcast', 'feedback', 'reject', 'renegotiate', 'empty', 'trickle', 'rollback', 'max_life', 'utf8_label', 'close_channel', 'stats', 'dtls_role',
    'relay', 'relay_tcp', 'relay_tls', 'candidate_error', 'ice_restart', 'ice_tcp', 'mdns', 'mdns_hide', 'bundle_policy'] });
  serve((c) => page.evaluate((x) => { window.handle(x); }, c).catch((e) => emit({ event: 'error', id: c.id, message: String(e) })), () => browser.close());
})().catch((e) => { process.stderr.write(String(e.stack || e) + '\n'); process.exit(1); });
