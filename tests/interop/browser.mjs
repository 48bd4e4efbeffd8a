// Drives the page of `cargo run --example browser` through headless Chromium, as a person would, in both roles.
//   node browser.mjs PROGRAM [SCREENSHOT-FOLDER]
// Prints a line for each check; exit code 0 only if all of them hold.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const lab = process.env.POLLRTC_LAB ?? join(tmpdir(), 'pollrtc-lab');
const { chromium } = createRequire(join(lab, 'npm', 'package.json'))('playwright-core');
const [program, folder] = process.argv.slice(2);
const FLAGS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync', '--allow-loopback-in-peer-connection', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];

let passed = 0;
let failed = 0;

async function check(name, body) {
  const start = Date.now();
  try {
    await body();
    passed++;
    console.log(`pass ${name} (${((Date.now() - start) / 1000).toFixed(1)} s)`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message.split('\n').slice(0, 6).join('\n     ')}`);
  }
}

// The program under test: its URL, its output, its standard input.
class Program {
  static async start() {
    const it = new Program();
    it.lines = [];
    it.process = spawn(resolve(program), ['--listen', '127.0.0.1:0'], { stdio: ['pipe', 'pipe', 'inherit'] });
    it.url = await new Promise((found, lost) => {
      createInterface({ input: it.process.stdout }).on('line', (line) => {
        it.lines.push(line);
        const match = line.match(/http:\S+/);
        if (match) found(match[0]);
      });
      it.process.on('exit', (code) => lost(new Error(`the program ended with ${code}`)));
      setTimeout(() => lost(new Error('the program printed no URL')), 10000);
    });
    return it;
  }

  type(line) {
    this.process.stdin.write(`${line}\n`);
  }

  async says(pattern) {
    await until(() => this.lines.some((line) => pattern.test(line)), `the program did not print ${pattern}`);
  }

  stop() {
    this.process.kill();
  }
}

async function until(test, why, seconds = 10) {
  const end = Date.now() + seconds * 1000;
  while (!(await test())) {
    if (Date.now() > end) throw new Error(why);
    await new Promise((go) => setTimeout(go, 50));
  }
}

function expect(condition, why) {
  if (!condition) throw new Error(why);
}

// A person in front of the page.
class Visitor {
  constructor(page) {
    this.page = page;
    this.log = page.locator('#log');
    this.pill = page.locator('#pill');
  }

  async connect(offerer, camera = false) {
    await this.page.locator(`input[value=${offerer}]`).check({ force: true });
    await this.page.locator('#camera').setChecked(camera);
    await this.page.getByRole('button', { name: 'Connect', exact: true }).click();
    await this.pill.getByText('connected', { exact: true }).waitFor({ timeout: 15000 });
    await this.tab('chat', 'open');
  }

  async disconnect() {
    await this.page.getByRole('button', { name: 'Disconnect' }).click();
    await this.pill.getByText('not connected').waitFor();
  }

  async tab(label, state) {
    await this.page.locator(`#tabs [role=tab][data-state=${state}]`, { hasText: label }).first().waitFor({ timeout: 10000 });
  }

  async show(label) {
    await this.page.getByRole('tab', { name: label }).click();
  }

  async write(text) {
    await this.page.locator('#text').fill(text);
    await this.page.locator('#text').press('Enter');
  }

  // Sends through the menu, and waits until it has come back unchanged.
  async more(kind) {
    const before = await this.unchanged();
    await this.page.locator('#more summary').click();
    await this.page.locator(`[data-send="${kind}"]`).click();
    await until(async () => (await this.unchanged()) === before + 1, `${kind} did not come back unchanged`);
  }

  async echo(text) {
    const before = await this.unchanged();
    await this.write(text);
    await until(async () => (await this.unchanged()) === before + 1, `“${text.slice(0, 40)}” did not come back unchanged`);
  }

  unchanged() {
    return this.log.locator('.mine small.good').count();
  }

  async picture(name, options = {}) {
    if (!folder) return;
    mkdirSync(folder, { recursive: true });
    await new Promise((go) => setTimeout(go, 300)); // until nothing moves any more
    await this.page.screenshot({ path: join(folder, `${name}.png`), ...options });
  }
}

async function conversation(visitor, role, server) {
  await check(`${role} offers: connects, with the camera`, () => visitor.connect(role, true));
  await check(`${role} offers: text, UTF-8, and 256 KiB of text`, async () => {
    await visitor.echo('Hello, library!');
    await visitor.echo('grüße €𝄞 — “quotes” <b>no markup</b>');
    await visitor.page.evaluate(() => { document.getElementById('text').value = 'x'.repeat(262144); });
    const before = await visitor.unchanged();
    await visitor.page.locator('#send').click();
    await until(async () => (await visitor.unchanged()) === before + 1, '256 KiB of text did not come back');
    await visitor.page.evaluate(() => { for (const p of document.querySelectorAll('.msg p')) if (p.textContent.length > 9999) p.textContent = '262,144 × x'; });
  });
  await check(`${role} offers: empty text, empty binary, 256 KiB of bytes`, async () => {
    await visitor.more('empty-text');
    await visitor.more('empty-binary');
    await visitor.more('large');
  });
  await check(`${role} offers: the negotiated channel measures the round trip`, async () => {
    await until(async () => /^\d/.test(await visitor.page.locator('#rtt').textContent()), 'no round-trip time');
  });
  await check(`${role} offers: states and path are shown`, async () => {
    const state = (id) => visitor.page.locator(`#s-${id}`).textContent();
    expect((await state('signaling')) === 'stable', `signaling is ${await state('signaling')}`);
    expect((await state('connection')) === 'connected', `connection is ${await state('connection')}`);
    await until(async () => (await state('path')).includes('127.0.0.1'), 'no path shown');
  });
  await check(`${role} offers: further channels, opened from either side`, () => channels(visitor));
  await check(`${role} offers: channels closed from either side`, () => closing(visitor));
  await check(`${role} offers: the terminal talks too`, async () => {
    server.type('Good evening from the terminal');
    await visitor.log.getByText('Good evening from the terminal').waitFor({ timeout: 5000 });
  });
  await check(`${role} offers: the camera comes back as a moving picture`, () => moving(visitor));
  await visitor.picture(`connected-${role}`);
}

// Two screenshots of what comes back: neither is black or of one colour, and they differ.
async function moving(visitor) {
  const echo = visitor.page.locator('#echo');
  await until(() => echo.evaluate((video) => video.videoWidth > 0 && video.currentTime > 0.5), 'no picture came back', 15);
  await echo.scrollIntoViewIfNeeded();
  const style = '#own { visibility: hidden }'; // what the camera sees lies above a corner of it
  const first = await echo.screenshot({ style });
  await new Promise((go) => setTimeout(go, 700));
  const second = await echo.screenshot({ style });
  const { mean, spread, changed } = await visitor.page.evaluate(compare, [first, second].map((shot) => shot.toString('base64')));
  const found = `mean ${mean.toFixed(0)}, spread ${spread.toFixed(0)}, ${(changed * 100).toFixed(1)} % of the pixels changed`;
  expect(mean > 16, `the picture is black: ${found}`);
  expect(spread > 8, `the picture is of one colour: ${found}`);
  expect(changed > 0.002, `the picture stands still: ${found}`);
  await until(async () => /VP8|VP9|H264|AV1/.test(await visitor.page.locator('#picture-facts').textContent()), 'no facts on the picture');
}

// In the page, which can read PNG: brightness of the first picture, and what share of the pixels is another in the second.
async function compare(shots) {
  const pixels = await Promise.all(shots.map(async (shot) => {
    const image = await createImageBitmap(await (await fetch(`data:image/png;base64,${shot}`)).blob());
    const canvas = new OffscreenCanvas(image.width, image.height).getContext('2d');
    canvas.drawImage(image, 0, 0);
    return canvas.getImageData(0, 0, image.width, image.height).data;
  }));
  const light = pixels.map((data) => Float32Array.from({ length: data.length / 4 }, (_, i) => (data[4 * i] + data[4 * i + 1] + data[4 * i + 2]) / 3));
  const mean = light[0].reduce((sum, x) => sum + x, 0) / light[0].length;
  const spread = Math.sqrt(light[0].reduce((sum, x) => sum + (x - mean) ** 2, 0) / light[0].length);
  const changed = light[0].filter((x, i) => Math.abs(x - light[1][i]) > 24).length / light[0].length;
  return { mean, spread, changed };
}

async function channels(visitor) {
  await visitor.page.locator('#add').click();
  await visitor.page.locator('dialog input[name=label]').fill('quick');
  await visitor.page.locator('dialog select').selectOption('retransmits');
  await visitor.page.locator('dialog input[name=ordered]').uncheck();
  await visitor.picture('dialog');
  await visitor.page.locator('dialog').getByRole('button', { name: 'Open' }).click();
  await visitor.tab('quick', 'open');
  expect(/unordered · at most 0 retransmissions/.test(await visitor.page.locator('#about-text').textContent()), 'the options are not shown');
  await visitor.echo('on an unordered channel');
  await visitor.show('chat');
  await visitor.write('/open from the library');
  await visitor.tab('from the library', 'open');
  await visitor.show('from the library');
  await visitor.echo('on the channel of the library');
}

async function closing(visitor) {
  await visitor.show('quick');
  await visitor.page.getByRole('button', { name: 'Close channel' }).click();
  await visitor.tab('quick', 'closed');
  await visitor.show('from the library');
  await visitor.page.locator('#more summary').click();
  await visitor.page.locator('[data-send="/close"]').click();
  await visitor.tab('from the library', 'closed');
  await visitor.show('chat');
  await visitor.echo('the first channel is still there');
}

async function main() {
  const server = await Program.start();
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: FLAGS });
  try {
    const context = await browser.newContext({ viewport: { width: 1180, height: 780 }, colorScheme: 'light' });
    const page = await context.newPage();
    page.setDefaultTimeout(10000);
    const problems = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => { if (message.type() === 'error') problems.push(message.text()); });
    await page.goto(server.url);
    const visitor = new Visitor(page);
    await visitor.picture('welcome');

    await conversation(visitor, 'page', server);
    await check('the page disconnects and the library sees it', async () => {
      await visitor.disconnect();
      await server.says(/\[1\] the end/);
    });
    await page.reload();
    await conversation(visitor, 'library', server);
    await check('the library closes the connection and the page sees it', async () => {
      await visitor.write('/bye');
      await visitor.pill.getByText('not connected').waitFor();
    });
    await check('no error in the page', async () => expect(!problems.length, problems.join('; ')));

    await pictures(visitor);
    await check('the page says when the program is gone', async () => {
      await page.setViewportSize({ width: 1180, height: 780 });
      server.stop();
      await page.getByRole('alert').getByText('does not answer').waitFor({ timeout: 15000 });
      await visitor.picture('gone');
    });
  } finally {
    await browser.close();
    server.stop();
  }
  console.log(`browser page: ${passed} passed, ${failed} failed`);
  process.exitCode = failed ? 1 : 0;
}

// Dark, and on a telephone.
async function pictures(visitor) {
  if (!folder) return;
  await visitor.page.reload();
  await visitor.page.emulateMedia({ colorScheme: 'dark' });
  await visitor.connect('page');
  await visitor.echo('Does it look as good in the dark?');
  await visitor.more('large');
  await visitor.write('/help');
  await new Promise((go) => setTimeout(go, 6000));
  await visitor.picture('dark');
  await visitor.page.setViewportSize({ width: 390, height: 844 });
  await visitor.picture('small', { fullPage: true });
  await visitor.page.emulateMedia({ colorScheme: 'light' });
  await visitor.disconnect();
}

main().catch((error) => {
  console.error(error.stack ?? error);
  process.exit(1);
});
