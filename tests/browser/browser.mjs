// tests/browser/browser.mjs: Fixture: headless Chromium, and a page with the client in JavaScript.

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { found, GAME_PATH } from '../js/environment.mjs';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
  '--disable-sync',
];
const CLIENT = fileURLToPath(new URL('../../tools/clients/js/', import.meta.url));
const PAGE = fileURLToPath(new URL('page.html', import.meta.url));

/** Serves the page, the client and the module of the game. Resolves with { port, stop() }. */
async function servePage() {
  const server = createServer(({ url }, response) => {
    const name = url.slice(1);
    const path = name === '' ? PAGE : name === 'game.gen.mjs' ? GAME_PATH : join(CLIENT, name);
    if (!/^[\w.]*$/.test(name) || !existsSync(path)) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { 'content-type': name.endsWith('.mjs') ? 'text/javascript' : 'text/html' }).end(readFileSync(path));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: server.address().port, stop: () => server.close() };
}

/** Starts Chromium with a profile of its own. Resolves with { newPage(), open(), stop(), problems }; open() resolves with a page that has the client. */
export async function startBrowser(...flags) {
  if (!existsSync(CHROMIUM)) throw new Error(`there is no ${CHROMIUM}: install Debian's package chromium (tools/setup.sh test)`);
  const { chromium } = createRequire(found('GW_NPM', 'build/npm/package.json'))('playwright-core');
  const site = await servePage();
  const profile = mkdtempSync(join(tmpdir(), 'gangway-chromium-'));
  const context = await chromium.launchPersistentContext(profile, { executablePath: CHROMIUM, args: [...FLAGS, ...flags], timeout: 60000 });
  const problems = [];
  const newPage = async () => {
    const page = await context.newPage();
    page.on('pageerror', (error) => problems.push(String(error)));
    return page;
  };
  const open = async () => {
    const page = await newPage();
    await page.goto(`http://127.0.0.1:${site.port}/`);
    await page.waitForFunction(() => window.isReady);
    return page;
  };
  const stop = async () => {
    await context.close();
    site.stop();
    rmSync(profile, { recursive: true, force: true, maxRetries: 10 });
  };
  return { newPage, open, stop, problems };
}
