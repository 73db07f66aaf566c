// tests/browser/test_browser.mjs: A page in headless Chromium plays with the server program over WebSocket.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { connect } from '../../tools/clients/js/gangway.mjs';
import { makeCertificate } from '../js/certificate.mjs';
import { GAME } from '../js/environment.mjs';
import { startServer } from '../js/server.mjs';
import { startBrowser } from './browser.mjs';

const { schema } = GAME;
const certificate = makeCertificate();
let server;
let browser;

before(async () => {
  browser = await startBrowser(`--ignore-certificate-errors-spki-list=${certificate.pin}`);
  try {
    server = await startServer({ listen: ['tcp', 'ws', 'wss'], options: certificate.options });
  } catch (error) {
    if (!/this build has no TLS/.test(error.message)) throw error;
    server = await startServer({ listen: ['tcp', 'ws'] });
  }
});

after(async () => {
  await browser?.stop();
  await server?.stop();
  certificate.remove();
});

const eventsOf = (page, name) => page.waitForFunction((wanted) => {
  const events = window.seen.filter(({ event }) => event === wanted);
  // A BigInt does not go through JSON.
  return events.length > 0 && JSON.stringify(events.map(({ value }) => value), (_, one) => (typeof one === 'bigint' ? String(one) : one));
}, name).then(async (handle) => JSON.parse(await handle.jsonValue()));

for (const scheme of ['ws', 'wss']) {
  test(`a_page_greets_enters_a_room_and_chats_over_${scheme}`, async (t) => {
    if (server.ports[scheme] === undefined) {
      t.skip('this build has no TLS');
      return;
    }
    const room = `room of ${scheme}`;
    const other = await connect(`tcp://127.0.0.1:${server.ports.tcp}`, { schema, name: 'Node' });
    await other.enter({ room });
    const received = new Promise((resolve) => other.once('chatLine', resolve));

    const page = await browser.open();
    const url = `${scheme}://127.0.0.1:${server.ports[scheme]}`;
    const joined = await page.evaluate(([...words]) => window.join(...words), [url, 'Page \u263A', room]);
    assert.equal(joined.ok, true);
    assert.deepEqual(new Set(joined.names), new Set(['Node', 'Page \u263A']));
    await page.evaluate(() => window.game.chat({ text: 'hello from a page' }));
    const line = await received;
    assert.deepEqual([line.text, String(line.player)], ['hello from a page', joined.session]);
    const [own] = await eventsOf(page, 'chatLine');
    assert.deepEqual([own.text, own.player], ['hello from a page', joined.session]);

    const gone = new Promise((resolve) => other.once('gone', resolve));
    const info = await page.evaluate(() => window.game.close());
    assert.deepEqual([info.name, info.by], ['SHUTDOWN', 'client']);
    assert.equal(String((await gone).player), joined.session);
    await other.close();
    await page.close();
    assert.deepEqual(browser.problems, []);
  });
}

test('a_page_sees_why_the_server_closes', async () => {
  const page = await browser.open();
  const url = `ws://127.0.0.1:${server.ports.ws}`;
  await page.evaluate(async (address) => {
    await window.greet(address, 'Page');
    window.game.chat({ text: 'before it is in a room' });
  }, url);
  const [info] = await eventsOf(page, 'close');
  assert.deepEqual([info.name, info.by], ['WRONG_STAGE', 'server']);
  assert.match(info.text, /Chat/);
  await page.close();
});

test('the_close_of_the_server_is_a_status_of_the_websocket', async () => {
  const page = await browser.open();
  const code = await page.evaluate((url) => new Promise((resolve) => {
    const socket = new WebSocket(url, ['gangway.v1']);
    socket.onopen = () => socket.send(new Uint8Array([2, 0, 0, 0, 1, 0, 0x47, 0x57, 8, 9])); // HELLO of version 9
    socket.onclose = (event) => resolve(event.code);
  }), `ws://127.0.0.1:${server.ports.ws}`);
  assert.equal(code, 4011);
  await page.close();
});

test('a_page_is_asked_to_leave_before_the_server_ends', async () => {
  const own = await startServer({ listen: ['ws'], options: ['--drain-ms', '300'] });
  const page = await browser.open();
  await page.evaluate(([...words]) => window.join(...words), [`ws://127.0.0.1:${own.ports.ws}`, 'Page', 'drain']);
  const stopped = own.stop();
  const [goaway] = await eventsOf(page, 'goaway');
  const [info] = await eventsOf(page, 'close');
  assert.ok(goaway.retryMs >= goaway.retryMinMs);
  assert.deepEqual([info.name, info.by, info.retryMs], ['SHUTDOWN', 'server', goaway.retryMs]);
  await stopped;
  await page.close();
});
