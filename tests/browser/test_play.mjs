// tests/browser/test_play.mjs: The play page of the server in headless Chromium: joining, walking, chatting, the end.

import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';

import { connect } from '../../tools/clients/js/gangway.mjs';
import { GAME } from '../js/environment.mjs';
import { startServer } from '../js/server.mjs';
import { startBrowser } from './browser.mjs';

const { schema } = GAME;
const SHOTS = process.env.GW_SCREENSHOTS ?? fileURLToPath(new URL('../../build/screenshots/', import.meta.url));
let server;
let browser;
let other; // a player in Node, in the same room

before(async () => {
  mkdirSync(SHOTS, { recursive: true });
  browser = await startBrowser();
  server = await startServer({ listen: ['tcp', 'ws'], admin: '127.0.0.1:0' });
  other = await connect(`tcp://127.0.0.1:${server.ports.tcp}`, { schema, name: 'Node' });
  await other.enter({ room: 'hall' });
});

after(async () => {
  await other?.close();
  await browser?.stop();
  await server?.stop();
});

/** Opens the page and enters a room as a user does, by the keyboard alone. */
async function join(name, viewport = { width: 1200, height: 800 }) {
  const page = await browser.newPage();
  await page.setViewportSize(viewport);
  await page.goto(`http://127.0.0.1:${server.admin}/play`);
  await page.fill('#name', name);
  await page.press('#name', 'Enter');
  await page.waitForSelector('#world:not([hidden])');
  return page;
}

const next = (event, matches) => new Promise((resolve) => {
  const listener = (value) => {
    if (matches(value)) {
      other.off(event, listener);
      resolve(value);
    }
  };
  other.on(event, listener);
});

test('a_player_of_the_page_walks_by_keys_and_mouse_and_chats', async () => {
  const joined = next('joined', ({ member }) => member.name === 'Ann');
  const page = await join('Ann');
  const { member } = await joined;
  const movesOf = (matches) => next('snapshot', ({ positions }) => positions.some((one) => one.player === member.player && matches(one)));

  const east = movesOf(({ x, y }) => x > 50 && y === member.y);
  await page.keyboard.down('KeyD');
  await east;
  await page.keyboard.up('KeyD');
  const box = await page.locator('#map').boundingBox();
  const northWest = movesOf(({ x, y }) => x < -400 && y < -400);
  await page.mouse.click(box.x + box.width / 2 - 0.4 * box.height, box.y + 0.1 * box.height);
  await northWest;

  const line = next('chatLine', ({ player }) => player === member.player);
  await page.keyboard.press('Enter');
  await page.keyboard.type('hello from the map');
  await page.keyboard.press('Enter');
  assert.equal((await line).text, 'hello from the map');
  await page.getByText('Ann: hello from the map').waitFor();
  other.chat({ text: 'hello from Node' });
  await page.getByText('Node: hello from Node').waitFor();
  assert.equal(await page.textContent('#count'), '2 players');
  await page.screenshot({ path: `${SHOTS}play.png` });

  const gone = next('gone', ({ player }) => player === member.player);
  await page.click('#leave');
  await gone;
  await page.waitForSelector('#join:not([hidden])');
  await page.close();
  assert.deepEqual(browser.problems, []);
});

test('text_of_players_is_text_and_nothing_else', async () => {
  const page = await join('Ann');
  const text = '<img src=x onerror="document.title=1">';
  other.chat({ text });
  await page.getByText(text).waitFor();
  assert.equal(await page.title(), 'Gangway: play');
  assert.equal(await page.locator('#lines img').count(), 0);
  await page.close();
});

test('the_page_fits_a_telephone', async () => {
  const page = await join('Ann', { width: 390, height: 844 });
  const { width, view } = await page.evaluate(() => ({ width: document.documentElement.scrollWidth, view: innerWidth }));
  assert.ok(width <= view, `${width} is wider than ${view}`);
  await page.screenshot({ path: `${SHOTS}play-390.png`, fullPage: true });
  await page.close();
});

test('a_refused_room_and_a_lost_server_are_explained', async () => {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${server.admin}/play`);
  await page.fill('#room', '\u00E4'.repeat(20)); // 40 bytes
  await page.click('#enter');
  await page.getByText('A room has a name of 1 to 32 bytes.').waitFor();
  await page.goto(`http://127.0.0.1:${server.admin}/play?server=ws://127.0.0.1:1`);
  await page.click('#enter');
  await page.waitForFunction(() => document.querySelector('#problem').textContent !== '');
  await page.close();
});

test('a_disconnected_player_comes_back', async () => {
  const page = await browser.newPage();
  await page.addInitScript(() => {
    window.sockets = [];
    window.WebSocket = class extends WebSocket {
      constructor(...words) {
        super(...words);
        window.sockets.push(this);
      }
    };
  });
  await page.goto(`http://127.0.0.1:${server.admin}/play`);
  await page.fill('#name', 'Ben');
  await page.press('#name', 'Enter');
  await page.waitForSelector('#world:not([hidden])');
  const again = next('joined', ({ member }) => member.name === 'Ben');
  await page.evaluate(() => window.sockets[0].close());
  await page.getByText(/trying again/).waitFor();
  await again;
  await page.getByText(/^connected to/).waitFor();
  await page.close();
});
