// tests/js/types.ts: A program in TypeScript, which must compile; each line after @ts-expect-error must not.
import { CloseReason, connect, decode, encode, ErrorCode, GangwayError } from './gangway.mjs';
import { EnterResult, Entered, schema } from './game.gen.mjs';

const game = await connect('tcp://127.0.0.1:7777', { schema, name: 'Ann', credentials: new Uint8Array(2) });
const id: bigint = game.sessionId;
const entered: Entered = await game.enter({ room: 'hall' });
const names: string[] = entered.members.filter((member) => member.player !== id).map((member) => member.name);
const isFull: boolean = entered.result === EnterResult.ROOM_FULL;
game.on('chatLine', (line) => line.text.toUpperCase()).once('snapshot', ({ positions }) => positions[0].x + 1);
game.on('close', (info) => (info.reason === CloseReason.KICKED ? info.text : info.name));
game.on('goaway', ({ retryMs }) => setTimeout(() => {}, retryMs));
game.chat({ text: 'hello' });
game.leave();
game.move({ x: 1 });
try {
  await game.say({ text: names.join() });
} catch (error) {
  if (error instanceof GangwayError && error.code === ErrorCode.REFUSED) console.log(error.text, isFull);
}
const bytes: Uint8Array = encode(Entered, { members: [{ name: 'Ann' }] });
const line: bigint = decode(Entered, bytes).line;
console.log(line, (await game.close({ text: 'dinner' })).by);

// @ts-expect-error a member that the message does not have
game.chat({ txt: 'hello' });
// @ts-expect-error a number of 64 bits is a BigInt
encode(Entered, { line: 5 });
// @ts-expect-error an event that the schema does not have
game.on('chatline', () => {});
// @ts-expect-error a packet of servers
game.entered({});
// @ts-expect-error the schema is required
await connect('tcp://127.0.0.1:7777', { name: 'Ann' });
