// tests/js/test_connection.mjs: Tests of connections of the JavaScript client, with a fake socket.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { CloseReason, ClosedError, connect, ErrorCode, GangwayError } from '../../tools/clients/js/gangway.mjs';
import * as control from '../../tools/clients/js/control.gen.mjs';
import { GAME } from './environment.mjs';
import { ACK, begin, ERROR, fakeSocketClass, frameOf, greeted, HELLO_TAG, REPLY } from './fake_socket.mjs';

const { ChatLine, Entered, Gone, Joined, Said, schema } = GAME;
const turn = () => new Promise(setImmediate);
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function recorded(game, ...events) {
  const seen = [];
  for (const event of events) game.on(event, (value) => seen.push([event, value]));
  return seen;
}

test('hello_is_the_first_frame_and_has_the_schema', async () => {
  const { connecting, socket } = await begin({ build: 'test 1', credentials: new Uint8Array([1, 2]) });
  assert.deepEqual(socket.protocols, ['gangway.v1']);
  assert.equal(socket.binaryType, 'arraybuffer');
  const [hello] = socket.sent;
  assert.deepEqual([hello.id, hello.flags, hello.tag], [1, 0, HELLO_TAG]);
  assert.deepEqual(hello.message, {
    protocolMajor: 1, schemaHash: schema.hash, clientBuild: 'test 1', name: 'Ann', credentials: new Uint8Array([1, 2]),
  });
  socket.reply(control.HelloAck, ACK, HELLO_TAG);
  const game = await connecting;
  assert.equal(game.sessionId, 7n);
  assert.equal(game.state, 'open');
});

test('a_refusal_rejects_connect_with_the_reason', async () => {
  const { connecting, socket } = await begin();
  socket.deliver(frameOf(control.Close, { reason: CloseReason.NOT_WELCOME, text: 'no' }));
  socket.finish(4012);
  await assert.rejects(connecting, (error) => error instanceof ClosedError && error.reason === CloseReason.NOT_WELCOME &&
    error.text === 'no' && error.by === 'server' && /NOT_WELCOME: no/.test(error.message));
});

test('a_failed_connection_rejects_connect', async () => {
  const { connecting, socket } = await begin();
  socket.finish(1006);
  await assert.rejects(connecting, (error) => error instanceof ClosedError && error.reason === CloseReason.NETWORK && error.by === 'network');
});

test('a_server_that_does_not_answer_rejects_connect_in_time', async () => {
  const { connecting, socket } = await begin({ timeoutMs: 20 });
  await assert.rejects(connecting, /no answer within 20 ms/);
  assert.notEqual(socket.closedWith, null);
});

test('wrong_options_and_addresses_are_named', async () => {
  await assert.rejects(connect('ws://127.0.0.1:1', { name: 'Ann' }), /needs the option schema/);
  await assert.rejects(connect('http://127.0.0.1:1', { schema }), /begins with http:\/\/, not ws/);
  await assert.rejects(connect('tcp://127.0.0.1', { schema }), /has no port/);
  await assert.rejects(connect('nothing', { schema }), TypeError);
  await assert.rejects(connect('ws://127.0.0.1:1', { schema, name: 'a'.repeat(40) }), /gw\.Hello\.name has 40 bytes, and may have 32/);
  await assert.rejects(connect('ws://127.0.0.1:1', { schema, name: 'a\u200Bb' }), /U\+200B, which is not printable/);
  await assert.rejects(connect('ws://127.0.0.1:1', { schema, name: 5 }), /Hello\.name is 5, not a string/);
});

test('a_request_resolves_with_the_answer_that_has_its_tag', async () => {
  const { game, socket } = await greeted();
  const first = game.say({ text: 'one' });
  const second = game.say({ text: 'two' });
  const [, one, two] = socket.sent;
  assert.notEqual(one.tag, 0);
  assert.notEqual(one.tag, two.tag);
  socket.reply(Said, { text: 'TWO' }, two.tag);
  socket.reply(Said, { text: 'ONE' }, one.tag);
  assert.deepEqual(await first, { text: 'ONE' });
  assert.deepEqual(await second, { text: 'TWO' });
});

test('an_error_rejects_its_request', async () => {
  const { game, socket } = await greeted();
  const asked = game.say({ text: 'one' });
  socket.reply(control.Error, { code: ErrorCode.REFUSED, text: 'busy' }, socket.sent[1].tag, REPLY | ERROR);
  await assert.rejects(asked, (error) => error instanceof GangwayError && error.code === ErrorCode.REFUSED && error.text === 'busy' &&
    error.message === 'REFUSED: busy');
});

test('a_request_times_out_and_its_tag_is_not_used_again_until_it_is_answered', async () => {
  const { game, socket } = await greeted({ requestTimeoutMs: 10 });
  const seen = recorded(game, 'said');
  const asked = game.say({ text: 'one' });
  await assert.rejects(asked, (error) => error instanceof GangwayError && error.code === ErrorCode.TIMEOUT);
  socket.reply(Said, { text: 'late' }, socket.sent[1].tag);
  await turn();
  assert.deepEqual(seen, []);
  assert.equal(game.state, 'open');
  const next = game.say({ text: 'two' });
  socket.reply(Said, { text: 'TWO' }, socket.sent[2].tag);
  assert.deepEqual(await next, { text: 'TWO' });
});

test('a_seventeenth_open_request_is_refused_in_the_caller', async () => {
  const { game, socket } = await greeted();
  const asked = Array.from({ length: 16 }, () => game.say({ text: 'x' }));
  await assert.rejects(game.say({ text: 'x' }), /16 requests are open/);
  assert.equal(socket.sent.length, 17);
  socket.finish();
  for (const one of asked) await assert.rejects(one, ClosedError);
});

test('an_answer_of_another_type_ends_the_connection', async () => {
  const { game, socket } = await greeted();
  const asked = game.say({ text: 'one' });
  socket.reply(Entered, {}, socket.sent[1].tag);
  await assert.rejects(asked, ClosedError);
  assert.equal(socket.sent.at(-1).message.reason, CloseReason.BAD_FLAGS);
});

test('packets_behind_an_answer_wait_until_the_program_has_seen_it', async () => {
  const { connecting, socket } = await begin();
  socket.deliver(frameOf(control.HelloAck, ACK, HELLO_TAG, REPLY), frameOf(ChatLine, { text: 'early' }));
  const game = await connecting;
  const seen = recorded(game, 'chatLine');
  await turn();
  await turn();
  assert.deepEqual(seen.map(([, line]) => line.text), ['early']);
});

test('any_split_of_the_bytes_gives_the_same_frames', async () => {
  const stream = Buffer.concat([
    frameOf(control.HelloAck, ACK, HELLO_TAG, REPLY), frameOf(ChatLine, { text: 'a'.repeat(300), line: 1n }), frameOf(Gone, { player: 3n }),
    frameOf(control.Ping, { stamp: 9n }), frameOf(Joined, { member: { name: 'Ben' } }),
  ]);
  for (const size of [1, 2, 3, 7, 8, 9, 64, 301, stream.length]) {
    const { connecting, socket } = await begin();
    for (let at = 0; at < stream.length; at += size) socket.deliver(stream.subarray(at, at + size));
    const game = await connecting;
    const seen = recorded(game, 'chatLine', 'gone', 'joined');
    await turn();
    await turn();
    assert.deepEqual(seen, [
      ['chatLine', { player: 0n, text: 'a'.repeat(300), line: 1n }], ['gone', { player: 3n }],
      ['joined', { member: { player: 0n, name: 'Ben', x: 0, y: 0 } }],
    ], `chunks of ${size}`);
    assert.deepEqual(socket.sent.at(-1).message, { stamp: 9n });
  }
});

test('a_message_without_bytes_changes_nothing', async () => {
  const { game, socket } = await greeted();
  const seen = recorded(game, 'gone');
  const frame = frameOf(Gone, { player: 3n });
  socket.deliver(frame.subarray(0, 5));
  socket.deliver();
  socket.deliver(frame.subarray(5));
  socket.deliver();
  assert.equal(seen.length, 1);
});

test('ping_is_answered_with_its_stamp', async () => {
  const { socket } = await greeted();
  socket.deliver(frameOf(control.Ping, { stamp: 0x0123456789ABCDEFn }));
  assert.equal(socket.sent[1].type, control.Pong);
  assert.equal(socket.sent[1].message.stamp, 0x0123456789ABCDEFn);
});

test('a_silent_server_is_pinged_and_then_given_up', async () => {
  const { game, socket } = await greeted({}, { heartbeatMs: 10 });
  const [[event, info]] = await new Promise((resolve) => {
    const seen = recorded(game, 'close');
    socket.once('closing', () => {
      socket.finish();
      resolve(seen);
    });
  });
  assert.equal(event, 'close');
  assert.deepEqual([info.reason, info.by], [CloseReason.HEARTBEAT_LOST, 'client']);
  assert.ok(socket.sent.some(({ type }) => type === control.Ping));
  assert.equal(socket.sent.at(-1).message.reason, CloseReason.HEARTBEAT_LOST);
});

test('a_server_that_answers_pings_is_not_given_up', async () => {
  const { game, socket } = await greeted({}, { heartbeatMs: 5 });
  socket.on('sent', ({ type, message }) => {
    if (type === control.Ping) socket.deliver(frameOf(control.Pong, message));
  });
  await pause(100);
  assert.equal(game.state, 'open');
  socket.finish();
});

test('goaway_gives_a_time_to_reconnect_in_the_window', async () => {
  const { game, socket } = await greeted();
  const seen = recorded(game, 'goaway', 'close');
  socket.deliver(frameOf(control.GoAway, { deadlineMs: 2000, retryMinMs: 100, retryMaxMs: 300 }));
  assert.equal(game.state, 'open');
  const [[, info]] = seen;
  assert.ok(info.retryMs >= 100 && info.retryMs <= 300, `${info.retryMs}`);
  socket.deliver(frameOf(control.Close, { reason: CloseReason.SHUTDOWN }));
  socket.finish(4002);
  assert.equal(seen[1][1].retryMs, info.retryMs);
});

test('the_close_of_the_server_reaches_the_program', async () => {
  const { game, socket } = await greeted();
  const seen = recorded(game, 'gone', 'close');
  const asked = game.say({ text: 'one' });
  socket.deliver(frameOf(Gone, { player: 3n }), frameOf(control.Close, { reason: CloseReason.KICKED, text: 'bye' }), frameOf(Gone, { player: 4n }));
  socket.finish(4003);
  await assert.rejects(asked, (error) => error instanceof ClosedError && error.reason === CloseReason.KICKED);
  assert.deepEqual(seen, [['gone', { player: 3n }], ['close', { reason: CloseReason.KICKED, name: 'KICKED', text: 'bye', by: 'server' }]]);
  assert.equal(game.state, 'closed');
  assert.throws(() => game.chat({ text: 'x' }), ClosedError);
  assert.equal((await game.close()).name, 'KICKED');
});

test('the_status_of_the_websocket_is_a_reason_too', async () => {
  for (const [status, name, by] of [[4025, 'TOO_OFTEN', 'server'], [4099, 'NONE', 'server'], [1006, 'NETWORK', 'network'], [1000, 'NETWORK', 'network']]) {
    const { game, socket } = await greeted();
    const seen = recorded(game, 'close');
    socket.finish(status, '');
    assert.deepEqual([seen[0][1].name, seen[0][1].by], [name, by], `${status}`);
  }
});

test('reasons_of_a_game_are_reported_unchanged', async () => {
  const { game, socket } = await greeted();
  socket.deliver(frameOf(control.Close, { reason: 1234, text: 'the game is over' }));
  socket.finish();
  const info = await game.close();
  assert.deepEqual([info.reason, info.name, info.text], [1234, 'GAME', 'the game is over']);
});

test('close_sends_close_and_waits_for_the_end', async () => {
  const { game, socket } = await greeted();
  const closing = game.close({ text: 'dinner' });
  assert.equal(game.state, 'closing');
  assert.deepEqual(socket.sent.at(-1).message, { reason: CloseReason.SHUTDOWN, text: 'dinner' });
  assert.equal(socket.closedWith, 1000);
  socket.deliver(frameOf(Gone, { player: 3n })); // discarded
  socket.finish(1000);
  assert.deepEqual(await closing, { reason: CloseReason.SHUTDOWN, name: 'SHUTDOWN', text: 'dinner', by: 'client' });
});

test('close_takes_only_what_a_close_may_have', async () => {
  const { game, socket } = await greeted();
  assert.throws(() => game.close({ text: 'a'.repeat(201) }), /gw\.Close\.text has 201 bytes, and may have 200/);
  assert.throws(() => game.close({ text: '\uD800' }), TypeError);
  assert.throws(() => game.close({ reason: 1.5 }), TypeError);
  assert.equal(game.state, 'open');
  game.close({ reason: 1000, text: '\u{1F600}'.repeat(50) });
  assert.equal(socket.sent.at(-1).message.reason, 1000);
});

test('frames_that_a_server_may_not_send_end_the_connection_with_their_reason', async () => {
  const header = (bodyBytes, flags, id, tag = 0) => Buffer.from([bodyBytes & 0xFF, (bodyBytes >> 8) & 0xFF, bodyBytes >> 16, flags, id & 0xFF, id >> 8, tag, 0]);
  for (const [bytes, name] of [
    [header(0, 0x04, 1103), 'BAD_FLAGS'], [frameOf(control.HelloAck, ACK, 5, REPLY), 'BAD_FLAGS'], [header(65537, 0, 1103), 'TOO_LONG'], [header(0, 0, 0), 'UNKNOWN_PACKET'],
    [header(0, 0, 999), 'UNKNOWN_PACKET'], [header(0, 0, 1001), 'WRONG_WAY'], [header(17, 0, 3), 'TOO_LONG'],
    [Buffer.concat([header(1, 0, 1103), Buffer.from([0xFF])]), 'BAD_BODY'], [frameOf(control.HelloAck, ACK, HELLO_TAG, REPLY), 'WRONG_STAGE'],
  ]) {
    const { game, socket } = await greeted();
    await turn();
    socket.deliver(bytes);
    socket.finish();
    const info = await game.close();
    assert.deepEqual([info.name, info.by], [name, 'client']);
    assert.equal(socket.sent.at(-1).message.reason, CloseReason[name]);
  }
});

test('any_bytes_of_a_server_end_a_connection_at_most', async () => {
  let state = 1;
  const random = (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const good = Buffer.concat([
    frameOf(ChatLine, { text: 'a' }), frameOf(control.Ping, { stamp: 1n }), frameOf(Joined, { member: { name: 'Ben' } }), frameOf(Said, { text: 'b' }, 1, REPLY),
    frameOf(control.GoAway, {}), frameOf(control.Error, { code: 2 }, 1, REPLY | ERROR), frameOf(control.Close, { reason: 3 }),
  ]);
  const names = new Set();
  for (let round = 0; round < 300; round++) {
    const { game, socket } = await greeted();
    const asked = game.say({ text: 'x' });
    asked.catch(() => {});
    const stream = Buffer.from(good);
    for (let count = random(3); count >= 0; count--) stream[random(stream.length)] = random(256);
    for (let at = 0; at < stream.length;) {
      const size = 1 + random(20);
      socket.deliver(stream.subarray(at, at + size));
      at += size;
    }
    socket.finish();
    const [closed] = await Promise.all([game.close(), asked.catch(() => {})]);
    names.add(closed.name);
  }
  assert.ok(names.has('BAD_BODY') && names.has('KICKED') && names.has('TOO_LONG') && names.size > 5, [...names].join());
});

test('a_packet_before_the_greeting_ends_the_connection', async () => {
  const { connecting, socket } = await begin();
  socket.deliver(frameOf(Gone, { player: 3n }));
  socket.finish();
  await assert.rejects(connecting, (error) => error.reason === CloseReason.WRONG_STAGE);
});

test('a_text_message_ends_the_connection', async () => {
  const { game, socket } = await greeted();
  socket.onmessage({ data: 'hello' });
  const info = await game.close();
  assert.match(info.text, /text message/);
});

test('messages_that_break_a_rule_of_the_schema_are_not_sent', async () => {
  const { game, socket } = await greeted();
  assert.throws(() => game.chat({ text: '' }), /game\.Chat\.text has 0 bytes|game\.Chat\.text is required/);
  assert.throws(() => game.chat(), /game\.Chat\.text is required/);
  assert.throws(() => game.chat({ text: 'a'.repeat(401) }), { name: 'RangeError', message: 'game.Chat.text has 401 bytes, and may have 400' });
  assert.throws(() => game.chat({ txt: 'a' }), /game\.Chat has no member "txt"/);
  assert.throws(() => game.chat('hello'), /chat\(\) takes an object/);
  assert.throws(() => game.chat({ text: 'a\0b' }), /NUL/);
  assert.throws(() => game.chat({ text: 'a\uD800b' }), /surrogate/);
  assert.throws(() => game.move({ x: 1.5 }), /Move\.x is 1\.5/);
  assert.throws(() => game.move({ x: 1000001 }), /game\.Move\.x is 1000001, and may be -1000000 to 1000000/);
  await assert.rejects(game.enter({ room: 'a'.repeat(63) }), RangeError);
  assert.equal(socket.sent.length, 1);
});

test('the_limit_of_the_server_on_bodies_is_kept', async () => {
  const { game } = await greeted({}, { bodyBytesMax: 16 });
  assert.throws(() => game.chat({ text: 'a'.repeat(20) }), /game\.Chat has 22 bytes, and may have 16/);
});

test('a_rate_is_kept_and_the_error_has_the_time_to_wait', async () => {
  const { game, socket } = await greeted();
  const { burst, rate } = schema.packets.find(({ name }) => name === 'move');
  let error;
  let count = 0;
  const began = performance.now();
  for (; count <= 2 * burst && error === undefined; count++) {
    try {
      game.move({ x: count });
    } catch (caught) {
      error = caught;
    }
  }
  const spentMs = performance.now() - began;
  assert.match(error.message, /game\.Move is sent too often: at most 40 at once and 20 per second/);
  assert.ok(error.retryMs > 0 && error.retryMs <= 1000 / rate);
  assert.ok(count - 1 >= burst && count - 1 <= burst + 1 + (spentMs * rate) / 1000, `${count}`);
  game.chat({ text: 'another packet has a rate of its own' });
  await pause(error.retryMs + 2);
  game.move({ x: 1 });
  assert.equal(socket.sent.at(-1).message.x, 1);
});

test('bytes_that_wait_to_be_sent_are_limited', async () => {
  const { game, socket } = await greeted({ sendBytesMax: 1000 });
  game.chat({ text: 'a' });
  socket.bufferedAmount = 995;
  assert.equal(game.bufferedAmount, 995);
  assert.throws(() => game.chat({ text: 'a' }), /995 bytes wait to be sent, and at most 1000 may \(sendBytesMax\)/);
  socket.bufferedAmount = 0;
  game.chat({ text: 'a' });
});

test('a_listener_that_throws_ends_nothing', async () => {
  const { game, socket } = await greeted();
  const seen = recorded(game, 'error');
  game.on('gone', () => {
    throw new Error('of the program');
  });
  game.on('gone', async () => {
    throw new Error('later');
  });
  const after = recorded(game, 'gone');
  socket.deliver(frameOf(Gone, { player: 3n }));
  await turn();
  assert.equal(after.length, 1);
  assert.deepEqual(seen.map(([, error]) => error.message), ['of the program', 'later']);
  assert.equal(game.state, 'open');
});

test('listeners_are_added_once_and_removed', async () => {
  const { game, socket } = await greeted();
  const seen = [];
  const listener = () => seen.push('on');
  game.on('gone', listener).once('gone', () => seen.push('once'));
  socket.deliver(frameOf(Gone));
  socket.deliver(frameOf(Gone));
  game.off('gone', listener);
  socket.deliver(frameOf(Gone));
  assert.deepEqual(seen, ['on', 'once', 'on']);
  assert.throws(() => game.on('gnoe', listener), /there is no event "gnoe": there are close, error, goaway, entered/);
  assert.throws(() => game.on('gone', 5), /not a function/);
});

test('no_packet_hides_a_member_of_a_connection', async () => {
  const { game } = await greeted();
  const own = new Set([...Object.getOwnPropertyNames(Object.getPrototypeOf(game)), ...Object.keys(game), 'close', 'error', 'goaway', 'then']);
  for (const { name, fromClient } of schema.packets) {
    if (fromClient) own.delete(name);
  }
  const { readFileSync } = await import('node:fs');
  const names = readFileSync(new URL('../../tools/protoc-gen-gw/emit_js_names.c', import.meta.url), 'utf8');
  const [, list] = /reserved_packets\[\] = \{(.*?)\};/s.exec(names);
  for (const name of own) assert.match(list, new RegExp(`"${name}"`));
});

test('a_class_of_sockets_is_needed_where_there_is_none', { skip: globalThis.WebSocket !== undefined }, async () => {
  await assert.rejects(connect('ws://127.0.0.1:1', { schema }), /needs a WebSocket, which this version of Node does not have/);
  assert.equal(typeof fakeSocketClass(), 'function');
});
