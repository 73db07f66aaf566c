// tests/js/environment.mjs: Where the tests find the build: generated modules and the server program.

import { existsSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';

const TREE = new URL('../../', import.meta.url);

export function found(variable, usual) {
  const path = process.env[variable] ?? fileURLToPath(new URL(usual, TREE));
  if (!existsSync(path)) {
    throw new Error(`there is no ${path}: build first (cmake --preset release && cmake --build --preset release), or set ${variable}`);
  }
  return path;
}

export const SERVER = () => found('GW_SERVER', 'build/release/gangway-server');
export const GAME_PATH = found('GW_GAME', 'build/release/gen/proto/game/game.gen.mjs');
export const GAME = await import(pathToFileURL(GAME_PATH));
