// tests/js/test_codec.mjs: Tests of the codec of the JavaScript client, and of the rules of a schema.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { check, decode, encode } from '../../tools/clients/js/gangway.mjs';
import { utf8Length } from '../../tools/clients/js/codec.mjs';
import { GAME } from './environment.mjs';
import * as small from '../tools/golden/javascript/small.gen.mjs';

const { Chat, Entered, Move, Position, Snapshot } = GAME;
const { C_Play, Card, Deal, Int } = small;

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const bytes = (text) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** A message of C_Play that keeps all rules. */
const PLAY = () => ({
  marked: new Map([['a', { suit: 1, rank: 2 }]]), cards: [{ suit: 3, name: 'ace' }], stake: 0.5, odds: [1, 0.25], seal: new Uint8Array([1, 2, 3]),
  raw: 'raw', colour: 7, anyColour: 9, words: ['one', ''], ratio: -0, title: 'title', sides: 2, trump: {}, lift: -9,
});

test('every_kind_of_field_survives_a_round', () => {
  const play = decode(C_Play, encode(C_Play, PLAY()));
  assert.deepEqual(play, {
    ...PLAY(), marked: new Map([['a', { suit: 1, rank: 2, name: undefined }]]), cards: [{ suit: 3, rank: undefined, name: 'ace' }],
    trump: { suit: 0, rank: undefined, name: undefined },
  });
  check(C_Play, PLAY());
});

test('absent_members_take_no_bytes_and_have_a_value_when_read', () => {
  assert.equal(hex(encode(C_Play, {})), '');
  assert.equal(hex(encode(C_Play, C_Play.create())), '');
  assert.deepEqual(decode(Entered, new Uint8Array(0)), { result: 0, room: '', members: [], line: 0n });
});

test('lengths_of_every_number_of_bytes_are_right', () => {
  for (const length of [0, 1, 127, 128, 129, 16383, 16384, 2097151, 2097152]) {
    const raw = 'a'.repeat(length);
    assert.equal(decode(C_Play, encode(C_Play, { raw })).raw, raw, `${length}`);
    const done = { deal: { done: { deal: undefined } } };
    assert.deepEqual(decode(Deal, encode(Deal, { done })), { done });
  }
});

test('texts_of_any_code_points_survive_a_round', () => {
  for (const raw of ['\u007F', '\u0080', '\u07FF', '\u0800', '\uFFFF', '\uFEFFbom', '\u{10000}', '\u{10FFFF}', 'a\u00E9\u263A\u{1F600}'.repeat(20), '\0']) {
    const encoded = encode(C_Play, { raw });
    assert.equal(hex(encoded).slice(-2 * Buffer.byteLength(raw)), Buffer.from(raw).toString('hex'));
    assert.equal(decode(C_Play, encoded).raw, raw);
    assert.equal(utf8Length(raw), Buffer.byteLength(raw));
  }
});

test('values_of_another_type_are_named', () => {
  for (const [type, message, wanted] of [
    [Move, { x: 1.5 }, 'Move.x is 1.5, not a whole number of 32 bits'], [Move, { x: NaN }, 'Move.x is NaN, not'],
    [Move, { x: '1' }, 'Move.x is "1", not'], [Move, { x: 2 ** 31 }, 'Move.x is 2147483648, not'], [Move, { x: null }, 'Move.x is null, not'],
    [Move, { x: 1n }, 'Move.x is 1n, not'], [Chat, { text: 5 }, 'Chat.text is 5, not a string'], [Chat, { text: null }, 'Chat.text is null, not a string'],
    [Chat, { text: '\uD800' }, 'not well-formed'], [Chat, { text: '\uDC00\uD800' }, 'not well-formed'],
    [Position, { player: 1 }, 'Position.player is 1, not a BigInt'], [Position, { player: -1n }, 'not an unsigned number of 64 bits'],
    [Position, { player: 1n << 64n }, 'not an unsigned number of 64 bits'], [Snapshot, { positions: {} }, 'Snapshot.positions is an object, not an array'],
    [Snapshot, { positions: [undefined] }, 'Snapshot.positions[0] is undefined'], [Snapshot, { positions: [5] }, 'Snapshot.positions is 5, not an object'],
    [C_Play, { seal: [1] }, 'C_Play.seal is an object, not a Uint8Array'], [C_Play, { marked: {} }, 'C_Play.marked is an object, not a Map'],
    [C_Play, { stake: '1' }, 'C_Play.stake is "1", not a number'], [C_Play, { sides: -1 }, 'C_Play.sides is -1, not a whole number from 0'],
    [Card, { rank: 1, name: 'a' }, 'Card.face: 2 members are set'],
  ]) {
    assert.throws(() => encode(type, message), (error) => error instanceof TypeError && error.message.includes(wanted), wanted);
  }
});

test('each_rule_of_a_schema_is_checked', () => {
  for (const [change, wanted] of [
    [{ cards: [] }, 'C_Play.cards is required: it has no element'], [{ cards: Array(6).fill({}) }, 'C_Play.cards has 6 elements, and may have 5'],
    [{ cards: [{ suit: 4 }] }, 'C_Play.cards[0].suit is 4, and may be 0 to 3'], [{ cards: [{ name: 'a'.repeat(17) }] }, '.name has 17 bytes, and may have 16'],
    [{ marked: new Map([['a'.repeat(9), {}]]) }, '.key has 9 bytes, and may have 8'], [{ marked: new Map([[1, {}], [2, {}], [3, {}], [4, {}]]) }, null],
    [{ trump: undefined }, 'C_Play.trump is required'], [{ stake: 1e10 }, 'C_Play.stake is 10000000000, and may be -0.5 to 1000000000'],
    [{ stake: NaN }, 'C_Play.stake is NaN, and must be finite'], [{ odds: [1e300] }, 'C_Play.odds[0] is 1e+300, and must be finite'],
    [{ seal: new Uint8Array(2) }, 'C_Play.seal has 2 bytes, and must have 3'], [{ raw: 'a'.repeat(65) }, 'C_Play.raw has 65 bytes'],
    [{ colour: 1 }, 'C_Play.colour is 1, which the enum does not have'], [{ words: Array(17).fill('') }, 'C_Play.words has 17 elements'],
    [{ words: ['a\0'] }, 'C_Play.words[0] contains the character NUL'], [{ title: '' }, 'C_Play.title has 0 bytes, and must have 1'],
    [{ title: 'a\u202E' }, 'C_Play.title contains U+202E, which is not printable'], [{ sides: 1 }, 'C_Play.sides is 1, and may be 2 to 100'],
    [{ sides: undefined }, 'C_Play.sides is required'], [{ lift: 0 }, 'C_Play.lift is 0, and must not be'], [{ colour: 7, any: 1 }, 'has no member "any"'],
    [{ cards: [{ colour: 7 }] }, 'C_Play.cards[0] has no member "colour"'],
  ]) {
    if (wanted === null) {
      assert.throws(() => encode(C_Play, { ...PLAY(), ...change }), TypeError);
      continue;
    }
    const message = { ...PLAY(), ...change };
    encode(C_Play, message);
    assert.throws(() => check(C_Play, message), (error) => error.message.includes(wanted), wanted);
  }
});

test('printable_is_what_the_library_says', () => {
  const source = readFileSync(new URL('../../protocol/utf8.c', import.meta.url), 'utf8');
  const ranges = [...source.matchAll(/^ {4}\{0x([0-9A-F]+), 0x([0-9A-F]+)\},/gm)].map(([, first, last]) => [parseInt(first, 16), parseInt(last, 16)]);
  assert.ok(ranges.length > 20);
  const type = { name: 'Text', rules: { text: { printable: true } } };
  let printable = '';
  for (let point = 0; point <= 0x10FFFF; point++) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    const character = String.fromCodePoint(point);
    if ((point & 0xFFFE) === 0xFFFE || ranges.some(([first, last]) => point >= first && point <= last)) {
      assert.throws(() => check(type, { text: character }), RangeError, `U+${point.toString(16)}`);
    } else {
      printable += character;
    }
  }
  check(type, { text: printable });
});

test('fields_that_the_schema_does_not_have_are_skipped', () => {
  // Field 99 as each wire type, and a group inside a group; then x.
  const unknown = '9806 8001' + '9906 0102030405060708' + '9a06 02 ffff' + '9d06 01020304' + '9b06 9b06 08ff01 9c06 9c06';
  assert.deepEqual(decode(Int, bytes(`${unknown} 0802`)), { value: 1 });
  assert.deepEqual(decode(Int, bytes('0a0101 0802')), { value: 1 }); // another wire type
});

test('numbers_are_read_packed_or_not', () => {
  assert.deepEqual(decode(C_Play, bytes('fa0104 0000803f fd01 00000040')).odds, [1, 2]);
});

test('a_message_that_occurs_twice_is_merged_and_the_last_member_of_a_oneof_counts', () => {
  assert.deepEqual(decode(C_Play, bytes('c20202 0801 c20202 1005')).trump, { suit: 1, rank: 5, name: undefined });
  assert.deepEqual(decode(Card, bytes('1005 1a0161')), { suit: 0, rank: undefined, name: 'a' });
});

test('bytes_that_are_no_message_are_refused', () => {
  for (const [type, text] of [
    [Int, '08'], [Int, '08 80'], [Int, '08 ffffffffffffffffffff01'], [Int, '00 01'], [Int, '0f'], [Int, '0c'], [Int, '9d06 0102'], [Int, '9906 01'],
    [Int, '9a06 05 00'], [Int, '9b06'], [Int, '9b06 9c07'], [Chat, '0a 05 61'], [Snapshot, '0a 05 09'], [Snapshot, '0a 02 0901'],
    [C_Play, 'fa01 03 000080'], [Position, '09 01020304'],
  ]) {
    assert.throws(() => decode(type, bytes(text)), (error) => error instanceof RangeError && /^not a message: /.test(error.message), text);
  }
});

test('messages_that_nest_without_end_are_refused', () => {
  let nested = {};
  for (let i = 0; i < 200; i++) nested = { done: { deal: nested } };
  assert.throws(() => decode(Deal, encode(Deal, nested)), /more than 100 messages inside each other/);
  assert.throws(() => decode(Int, bytes('9b06'.repeat(200))), /more than 100 messages inside each other/);
});

test('bytes_of_a_message_are_copied', () => {
  const encoded = Buffer.from(encode(C_Play, { seal: new Uint8Array([1, 2, 3]) }));
  const { seal } = decode(C_Play, encoded);
  encoded.fill(0);
  assert.deepEqual(seal, new Uint8Array([1, 2, 3]));
});

test('any_bytes_give_a_message_or_a_range_error', () => {
  let state = 1;
  const random = (below) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const good = encode(C_Play, PLAY());
  let refused = 0;
  for (let round = 0; round < 20000; round++) {
    const broken = good.slice(0, random(4) === 0 ? random(good.length) : good.length);
    for (let count = random(4); count >= 0 && broken.length > 0; count--) broken[random(broken.length)] = random(256);
    try {
      decode(C_Play, broken);
    } catch (error) {
      assert.equal(error.name, 'RangeError', error.stack);
      refused++;
    }
  }
  assert.ok(refused > 1000 && refused < 20000, `${refused}`);
});

test('a_message_may_be_encoded_while_another_one_is', () => {
  const inner = encode(Int, { value: 1 });
  const outer = {
    get seal() {
      return encode(Int, { value: 1 });
    },
    raw: 'a',
  };
  assert.deepEqual(encode(C_Play, outer), encode(C_Play, { seal: inner, raw: 'a' }));
  assert.throws(() => encode(C_Play, { raw: 'b', words: [5] }), TypeError);
  assert.deepEqual(encode(Int, { value: 1 }), inner);
});
