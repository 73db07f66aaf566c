// tests/js/test_vectors.mjs: Replay of tests/vectors/frames.json by the JavaScript client, and by @bufbuild/protobuf.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { decode, encode, encodeFrame, FrameReader } from '../../tools/clients/js/gangway.mjs';
import * as control from '../../tools/clients/js/control.gen.mjs';
import { found, GAME } from './environment.mjs';

const FOLDER = found('GW_VECTORS', 'build/release/tests/vectors');
const EVERY = await import(pathToFileURL(join(FOLDER, 'vectors.gen.mjs')));
const MODULES = { gw: control, game: GAME, vectors: EVERY };
const VECTORS = JSON.parse(readFileSync(new URL('../vectors/frames.json', import.meta.url), 'utf8'));
const HEADER_BYTES = 8;

const bytesOf = (hex) => new Uint8Array(Buffer.from(hex, 'hex'));
const hexOf = (bytes) => Buffer.from(bytes).toString('hex');
const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase());

function typeOf(name) {
  const [module, ...rest] = name.split('.');
  return MODULES[module][rest.join('_')];
}

/** A value of the file as JavaScript has it. */
function revived(value) {
  if (Array.isArray(value)) return value.map(revived);
  if (typeof value !== 'object') return value;
  if ('int' in value) return BigInt(value.int);
  if ('bytes' in value) return bytesOf(value.bytes);
  if ('float' in value) return value.float === '-0' ? -0 : Number(value.float.replace('inf', 'Infinity'));
  if ('map' in value) return new Map(value.map.map(([key, one]) => [revived(key), revived(one)]));
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [camel(name), revived(one)]));
}

/** A message without members that have the value of an absent field. */
function stripped(value) {
  if (Array.isArray(value)) return value.map(stripped);
  if (value instanceof Map) return new Map([...value].map(([key, one]) => [key, stripped(one)]));
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  const isAbsent = (one) => one === undefined || one === '' || one === 0n || one === false || Object.is(one, 0) || one?.length === 0 || one?.size === 0;
  return Object.fromEntries(Object.entries(value).filter(([, one]) => !isAbsent(one)).map(([name, one]) => [name, stripped(one)]));
}

test('the_client_reads_and_writes_every_vector', () => {
  assert.ok(VECTORS.length > 60);
  for (const { name, message, hex, id, tag, flags, fields, writes } of VECTORS) {
    const type = typeOf(message);
    const reader = new FrameReader();
    reader.push(bytesOf(hex));
    const frame = reader.next(() => {});
    assert.deepEqual([frame.id, frame.tag, frame.flags], [id, tag, flags], name);
    assert.equal(reader.next(() => {}), null);
    if (fields === undefined) {
      assert.throws(() => decode(type, frame.body), RangeError, name);
      continue;
    }
    const decoded = decode(type, frame.body);
    assert.deepEqual(stripped(decoded), stripped(revived(fields)), name);
    const written = writes ?? hexOf(frame.body);
    assert.equal(hexOf(encode(type, decoded)), written, name);
    assert.equal(hexOf(encode(type, revived(fields))), written, name);
    if (writes === undefined) assert.equal(hexOf(encodeFrame(id, type, decoded, tag, flags)), hex, name);
  }
});

test('the_client_and_bufbuild_protobuf_read_and_write_the_same', async () => {
  const require = createRequire(found('GW_NPM', 'build/npm/package.json'));
  const { createFileRegistry, fromBinary, toBinary } = await import(pathToFileURL(require.resolve('@bufbuild/protobuf')));
  const { FileDescriptorSetSchema } = await import(pathToFileURL(require.resolve('@bufbuild/protobuf/wkt')));
  const set = readFileSync(join(FOLDER, 'vectors.descriptors'));
  const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, set));
  for (const { name, message, hex, fields } of VECTORS) {
    const schema = registry.getMessage(message);
    const body = bytesOf(hex).subarray(HEADER_BYTES);
    // It reads some that are refused, and takes a field of another wire type for the one of the schema.
    if (fields === undefined || name === 'a field of another wire type is unknown') continue;
    const theirs = toBinary(schema, fromBinary(schema, body, { readUnknownFields: false }), { writeUnknownFields: false });
    const ours = encode(typeOf(message), decode(typeOf(message), body));
    assert.equal(hexOf(theirs), hexOf(ours), name);
  }
});
