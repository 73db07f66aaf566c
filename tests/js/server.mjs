// tests/js/server.mjs: Fixture: the server program on a free port.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { SERVER } from './environment.mjs';

const LISTENING = /listening.*?127\.0\.0\.1:(\d+)/;

/** Resolves with { port, log, signal(name), stop() } when the server listens. stop() fails when the server does. */
export async function startServer(...options) {
  const program = spawn(SERVER(), ['--listen', '127.0.0.1:0', ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  const ended = new Promise((resolve) => program.once('close', (code, signal) => resolve(code ?? signal)));
  const port = await new Promise((resolve, reject) => {
    for (const stream of [program.stdout, program.stderr]) {
      createInterface(stream).on('line', (line) => {
        log.push(line);
        const found = LISTENING.exec(line);
        if (found) resolve(Number(found[1]));
      });
    }
    ended.then((status) => reject(new Error(`the server ended with ${status}:\n${log.join('\n')}`)));
  });
  const signal = (name) => program.kill(name);
  const stop = async () => {
    signal('SIGTERM');
    const status = await ended;
    if (status !== 0) throw new Error(`the server ended with ${status}:\n${log.join('\n')}`);
  };
  return { port, log, signal, stop };
}
