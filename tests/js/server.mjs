// tests/js/server.mjs: Fixture: the server program on a free port.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

import { SERVER } from './environment.mjs';

const LISTENING = /listening on (.*?) \(/;
const ADMIN = / admin address=127\.0\.0\.1:(\d+)/;
const ADDRESS = /^(?:(\w+):\/\/)?127\.0\.0\.1:(\d+)/;

/** The ports by scheme, of the line in which the server says where it listens. */
function portsOf(text) {
  return Object.fromEntries(text.split(', ').map((address) => {
    const [, scheme = 'tcp', port] = ADDRESS.exec(address);
    return [scheme, Number(port)];
  }));
}

/**
 * Listens for each scheme, as in ['tcp', 'ws']. Resolves with { ports, admin, signal(name), stop() } when the server
 * listens; `admin` is the port of its HTTP interface. stop() fails when the server does.
 */
export async function startServer({ listen = ['tcp'], admin = 'off', options = [] } = {}) {
  const urls = listen.map((scheme) => (scheme === 'tcp' ? '127.0.0.1:0' : `${scheme}://127.0.0.1:0`));
  const program = spawn(SERVER(), ['--listen', urls.join(), '--admin', admin, ...options], { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = [];
  let adminPort;
  const failure = (status) => new Error(`the server ended with ${status}:\n${log.join('\n')}`);
  const ended = new Promise((resolve) => program.once('close', (code, signal) => resolve(code ?? signal)));
  const ports = await new Promise((resolve, reject) => {
    for (const stream of [program.stdout, program.stderr]) {
      createInterface(stream).on('line', (line) => {
        log.push(line);
        adminPort ??= ADMIN.exec(line)?.[1];
        const found = LISTENING.exec(line);
        if (found) resolve(portsOf(found[1]));
      });
    }
    ended.then((status) => reject(failure(status)));
  });
  const signal = (name) => program.kill(name);
  const stop = async () => {
    signal('SIGTERM');
    const status = await ended;
    if (status !== 0) throw failure(status);
  };
  return { ports, admin: adminPort, signal, stop };
}
