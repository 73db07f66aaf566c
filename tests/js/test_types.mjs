// tests/js/test_types.mjs: Compiles types.ts with the declarations of the client and of a generated module.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { found, GAME_PATH } from './environment.mjs';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

test('the_declarations_accept_and_refuse_what_they_should', (t) => {
  const typescript = createRequire(found('GW_NPM', 'build/npm/package.json'))('typescript');
  const folder = mkdtempSync(join(tmpdir(), 'gangway-types-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  for (const name of ['gangway.d.mts', 'control.gen.d.mts']) cpSync(here(`../../tools/clients/js/${name}`), join(folder, name));
  cpSync(GAME_PATH.replace(/\.mjs$/, '.d.mts'), join(folder, 'game.gen.d.mts'));
  cpSync(here('types.ts'), join(folder, 'types.ts'));
  for (const module of ['NodeNext', 'ESNext']) {
    const options = {
      strict: true, noEmit: true, target: typescript.ScriptTarget.ES2022, lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'], types: [],
      module: typescript.ModuleKind[module],
      moduleResolution: typescript.ModuleResolutionKind[module === 'ESNext' ? 'Bundler' : 'NodeNext'],
    };
    const program = typescript.createProgram([join(folder, 'types.ts')], options);
    const problems = typescript.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
      const place = file && file.getLineAndCharacterOfPosition(start);
      return `${file?.fileName}:${place?.line + 1}: ${typescript.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
    assert.deepEqual(problems, [], module);
  }
});
