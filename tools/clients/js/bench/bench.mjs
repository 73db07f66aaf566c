// tools/clients/js/bench/bench.mjs: Encoding and decoding of Snapshot with 100 positions, compared with protobufjs.
//
//   node tests/js/install_packages.mjs build/npm && node tools/clients/js/bench/bench.mjs
//
// Both run in one process, in turn; the ratio is the median of the rounds. Above 1 the client is faster.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

import { decode, encode } from '../gangway.mjs';

const tree = (path) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
const { Snapshot } = await import(tree('build/release/gen/proto/game/game.gen.mjs'));
const require = createRequire(tree('build/npm/package.json'));
const protobuf = require('protobufjs');
const Long = require('long');

const ROUNDS = 15;
const ROUND_MS = 100;

const root = new protobuf.Root();
root.resolvePath = (origin, target) => (target.startsWith('google/') ? `/usr/include/${target}` : tree(`proto/${target}`));
const Theirs = (await root.load('game/game.proto')).lookupType('game.Snapshot');

const ours = {
  positions: Array.from({ length: 100 }, (_, index) => ({ player: 0x100000000n + BigInt(index), x: 17 * index - 900, y: 900 - 13 * index })),
};
const theirs = Theirs.create({
  positions: ours.positions.map(({ player, x, y }) => ({ player: Long.fromString(player.toString(), true), x, y })),
});

const bytes = encode(Snapshot, ours);
if (Buffer.compare(bytes, Theirs.encode(theirs).finish()) !== 0) throw new Error('both must write the same bytes');
const read = Theirs.decode(bytes);
decode(Snapshot, bytes).positions.forEach(({ player, x, y }, index) => {
  const other = read.positions[index];
  if (player.toString() !== other.player.toString() || x !== other.x || y !== other.y) throw new Error('both must read the same');
});

/** Calls per second, over about ROUND_MS. */
function rate(call) {
  const began = performance.now();
  let count = 0;
  let spent = 0;
  while (spent < ROUND_MS) {
    for (let i = 0; i < 100; i++) call();
    count += 100;
    spent = performance.now() - began;
  }
  return (count * 1000) / spent;
}

const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
let isFaster = true;
console.log(`Snapshot with 100 positions, ${bytes.length} bytes; median of ${ROUNDS} rounds\n`);
console.log('           client/s  protobufjs/s  ratio');
for (const [name, one, other] of [
  ['encode', () => encode(Snapshot, ours), () => Theirs.encode(theirs).finish()],
  ['decode', () => decode(Snapshot, bytes), () => Theirs.decode(bytes)],
]) {
  rate(one);
  rate(other);
  const rounds = Array.from({ length: ROUNDS }, () => [rate(one), rate(other)]);
  const ratio = median(rounds.map(([a, b]) => a / b));
  isFaster &&= ratio >= 1;
  console.log(`${name.padEnd(8)} ${median(rounds.map(([a]) => a)).toFixed(0).padStart(10)}  ${median(rounds.map(([, b]) => b)).toFixed(0).padStart(12)}  ${ratio.toFixed(2).padStart(5)}`);
}
process.exit(isFaster ? 0 : 1);
