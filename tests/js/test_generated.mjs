// tests/js/test_generated.mjs: Modules that protoc-gen-gw generates from schemas with difficult names.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { decode, encode } from '../../tools/clients/js/gangway.mjs';
import { found } from './environment.mjs';

const OTHER = `
syntax = "proto3"; package other.side;
enum Kind { NONE = 0; SOME = -7; }
message Part { Kind kind = 1; message Map { string text = 1; } Map map = 2; }
`;
const SCHEMA = `
syntax = "proto3"; package my.game; import "gw/options.proto"; import "other.proto";
// A comment with */ in it, \`quotes\` and "more".
message Map { option (gw.packet) = { id: 256 from: BOTH stages: "GREETED" max_bytes: 4096 };
  map<string, other.side.Part> uint8array = 1; string constructor = 2; uint32 to_string = 3; bool _x_1y = 4; repeated Promise then = 5; }
message Promise { oneof await { sint64 return = 1; bytes class_ = 2; } }
message Close { option (gw.packet) = { id: 257 from: BOTH stages: "GREETED" }; }
message On { option (gw.packet) = { id: 258 from: CLIENT stages: "GREETED" reply: "Then" }; other.side.Part.Map schema = 1; }
message Then { option (gw.packet) = { id: 259 from: SERVER }; schema which = 1; }
enum schema { undefined = 0; Infinity = 1; class = 2; }
`;

async function generated(t, files) {
  const folder = mkdtempSync(join(tmpdir(), 'gangway-generated-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const proto = fileURLToPath(new URL('../../proto', import.meta.url));
  execFileSync('protoc', [`-I${folder}`, `-I${proto}`, `--plugin=protoc-gen-gw=${found('GW_PLUGIN', 'build/release/protoc-gen-gw')}`,
    '--gw_opt=js=game.gen.mjs', `--gw_out=${folder}`, 'game.proto']);
  return { folder, module: await import(pathToFileURL(join(folder, 'game.gen.mjs'))) };
}

test('words_of_javascript_and_names_of_a_connection_get_an_underscore', async (t) => {
  const { folder, module } = await generated(t, { 'game.proto': SCHEMA, 'other.proto': OTHER });
  const { Map_, Promise_, schema, schema_, other_side_Kind, other_side_Part } = module;
  assert.deepEqual(schema.packets.map(({ name }) => name), ['map', 'close_', 'on_', 'then_']);
  assert.deepEqual(schema_, { undefined: 0, Infinity: 1, class: 2 });
  assert.equal(other_side_Kind.SOME, -7);
  const message = {
    uint8array: new Map([['a', { kind: -7, map: { text: 'b' } }]]), constructor: 'c', toString: 5, x1y: true,
    then: [{ return: -1n, class: undefined }, { return: undefined, class: new Uint8Array([1]) }],
  };
  assert.deepEqual(decode(Map_, encode(Map_, message)), message);
  assert.deepEqual(decode(Promise_, encode(Promise_, { return: 0n })), { return: 0n, class: undefined });
  assert.equal(other_side_Part.name, 'other.side.Part');

  const typescript = createRequire(found('GW_NPM', 'build/npm/package.json'))('typescript');
  const { diagnostics } = typescript.transpileModule(readFileSync(join(folder, 'game.gen.d.mts'), 'utf8'), { reportDiagnostics: true });
  assert.deepEqual(diagnostics, []);
});
