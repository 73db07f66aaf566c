// tests/js/test_example.mjs: Runs the example of the client's README with the server program.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { GAME_PATH } from './environment.mjs';
import { startServer } from './server.mjs';

const CLIENT = fileURLToPath(new URL('../../tools/clients/js/', import.meta.url));
const ADDRESS = 'tcp://127.0.0.1:7777';

test('the_example_of_the_readme_runs', async (t) => {
  const server = await startServer();
  t.after(() => server.stop());
  const folder = mkdtempSync(join(tmpdir(), 'gangway-js-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [, example] = /^```js\n(.*?)^```$/ms.exec(readFileSync(join(CLIENT, 'README.md'), 'utf8'));
  assert.equal(example.split(ADDRESS).length, 2);
  for (const name of ['gangway.mjs', 'frames.mjs', 'codec.mjs', 'transport.mjs', 'control.gen.mjs']) cpSync(join(CLIENT, name), join(folder, name));
  cpSync(GAME_PATH, join(folder, 'game.gen.mjs'));
  writeFileSync(join(folder, 'example.mjs'), example.replace(ADDRESS, `tcp://127.0.0.1:${server.ports.tcp}`));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [join(folder, 'example.mjs')]);
  assert.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  assert.deepEqual(lines.filter((line) => !/^\d+: /.test(line)), ["[ 'Ann' ]", "{ text: 'how are you?' }", 'closed by the client: SHUTDOWN']);
});
