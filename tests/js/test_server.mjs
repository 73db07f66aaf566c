// tests/js/test_server.mjs: Tests of the JavaScript client over TCP and TLS with the server program.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import net from 'node:net';

import { CloseReason, ClosedError, connect } from '../../tools/clients/js/gangway.mjs';
import { makeCertificate } from './certificate.mjs';
import { GAME } from './environment.mjs';
import { startServer } from './server.mjs';

const { EnterResult, schema } = GAME;
let server;
let address;

before(async () => {
  server = await startServer({ options: ['--heartbeat-ms', '300', '--room-tick-ms', '10'] });
  address = `tcp://127.0.0.1:${server.ports.tcp}`;
});

after(() => server.stop());

/** Resolves with the next value of an event for which `is` is true. */
function next(game, event, is = () => true) {
  return new Promise((resolve) => {
    const listener = (value) => {
      if (is(value)) {
        game.off(event, listener);
        resolve(value);
      }
    };
    game.on(event, listener);
  });
}

async function player(t, name) {
  const game = await connect(address, { schema, name });
  t.after(() => game.close());
  return game;
}

test('two_players_chat_and_move_in_a_room', async (t) => {
  const ann = await player(t, 'Ann');
  const entered = await ann.enter({ room: 'hall' });
  assert.equal(entered.result, EnterResult.ENTERED_OK);
  assert.deepEqual(entered.members, [{ player: ann.sessionId, name: 'Ann', x: 0, y: 0 }]);

  const joined = next(ann, 'joined');
  const ben = await player(t, 'Ben');
  const { members } = await ben.enter({ room: 'hall' });
  assert.deepEqual(new Set(members.map(({ name }) => name)), new Set(['Ann', 'Ben']));
  assert.deepEqual((await joined).member, { player: ben.sessionId, name: 'Ben', x: 0, y: 0 });

  const lines = [next(ann, 'chatLine'), next(ben, 'chatLine')];
  ann.chat({ text: 'hello, Ben \u263A' });
  for (const line of lines) assert.deepEqual(await line, { player: ann.sessionId, text: 'hello, Ben \u263A', line: 1n });

  const snapshot = next(ann, 'snapshot', ({ positions }) => positions.some(({ x, y }) => x === 7 && y === -3));
  ben.move({ x: 7, y: -3 });
  assert.equal((await snapshot).positions.find(({ x }) => x === 7).player, ben.sessionId);
  const here = await ann.who();
  assert.deepEqual(here.members.find(({ name }) => name === 'Ben'), { player: ben.sessionId, name: 'Ben', x: 7, y: -3 });

  const gone = next(ann, 'gone');
  assert.deepEqual(await ben.close(), { reason: CloseReason.SHUTDOWN, name: 'SHUTDOWN', text: '', by: 'client' });
  assert.deepEqual(await gone, { player: ben.sessionId });
});

test('a_quiet_player_stays_connected', async (t) => {
  const game = await player(t, 'Quiet');
  await new Promise((resolve) => setTimeout(resolve, 1500)); // five intervals of the heartbeat
  assert.deepEqual(await game.say({ text: 'still here' }), { text: 'still here' });
});

test('an_answer_that_refuses_is_an_answer', async (t) => {
  const game = await player(t, 'Ann');
  const { result } = await game.enter({ room: 'x'.repeat(33) });
  assert.equal(result, EnterResult.BAD_ROOM_NAME);
});

test('many_requests_are_answered_in_order', async (t) => {
  const game = await player(t, 'Ann');
  for (const round of [0, 1]) {
    const texts = Array.from({ length: 16 }, (_, index) => `number ${round} ${index}`);
    const said = await Promise.all(texts.map((text) => game.say({ text })));
    assert.deepEqual(said.map(({ text }) => text), texts);
  }
});

test('a_packet_of_another_stage_ends_the_connection_and_says_which', async (t) => {
  const game = await player(t, 'Ann');
  const closed = next(game, 'close');
  game.chat({ text: 'nobody is here' });
  const info = await closed;
  assert.deepEqual([info.reason, info.name, info.by], [CloseReason.WRONG_STAGE, 'WRONG_STAGE', 'server']);
  assert.match(info.text, /Chat/);
});

test('a_name_that_the_game_refuses_rejects_connect', async () => {
  await assert.rejects(connect(address, { schema, name: '' }), (error) => error instanceof ClosedError && error.reason === CloseReason.NOT_WELCOME);
});

test('a_port_without_a_server_rejects_connect', async () => {
  const listener = net.createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => listener.once('listening', resolve));
  const { port } = listener.address();
  await new Promise((resolve) => listener.close(resolve));
  await assert.rejects(connect(`tcp://127.0.0.1:${port}`, { schema, name: 'Ann' }), (error) =>
    error instanceof ClosedError && error.reason === CloseReason.NETWORK && error.cause.code === 'ECONNREFUSED');
});

test('a_server_that_shuts_down_says_goaway_and_then_closes', async (t) => {
  const own = await startServer({ options: ['--drain-ms', '200'] });
  t.after(() => own.stop());
  const game = await connect(`tcp://127.0.0.1:${own.ports.tcp}`, { schema, name: 'Ann' });
  const goaway = next(game, 'goaway');
  const closed = next(game, 'close');
  own.signal('SIGTERM');
  const { deadlineMs, retryMs } = await goaway;
  assert.ok(deadlineMs > 0);
  const info = await closed;
  assert.deepEqual([info.name, info.by, info.retryMs], ['SHUTDOWN', 'server', retryMs]);
});

test('over_tls_the_certificate_of_the_server_is_checked', async (t) => {
  const certificate = makeCertificate();
  t.after(certificate.remove);
  let own;
  try {
    own = await startServer({ listen: ['tls'], options: certificate.options });
  } catch (error) {
    if (!/this build has no TLS/.test(error.message)) throw error;
    t.skip('this build has no TLS');
    return;
  }
  t.after(() => own.stop());
  const url = `tls://127.0.0.1:${own.ports.tls}`;
  const game = await connect(url, { schema, name: 'Ann', tls: { ca: certificate.pem } });
  assert.deepEqual(await game.say({ text: 'in private' }), { text: 'in private' });
  await game.close();
  await assert.rejects(connect(url, { schema, name: 'Ann' }), (error) =>
    error instanceof ClosedError && error.reason === CloseReason.NETWORK && /self-signed/.test(error.message));
});

test('a_client_with_plain_tcp_is_refused_on_a_port_for_websockets', async (t) => {
  const own = await startServer({ listen: ['ws'] });
  t.after(() => own.stop());
  await assert.rejects(connect(`tcp://127.0.0.1:${own.ports.ws}`, { schema, name: 'Ann', timeoutMs: 5000 }), ClosedError);
});

test('node_connects_by_its_own_websocket', { skip: globalThis.WebSocket === undefined && 'this version of Node has none' }, async (t) => {
  const own = await startServer({ listen: ['ws'] });
  t.after(() => own.stop());
  const game = await connect(`ws://127.0.0.1:${own.ports.ws}`, { schema, name: 'Ann' });
  assert.deepEqual(await game.say({ text: 'by WebSocket' }), { text: 'by WebSocket' });
  assert.equal((await game.close()).by, 'client');
});
