// tests/js/fake_socket.mjs: A WebSocket without a network, whose other side a test plays.

import { EventEmitter, once } from 'node:events';

import { connect, decode, encodeFrame, FrameReader } from '../../tools/clients/js/gangway.mjs';
import * as control from '../../tools/clients/js/control.gen.mjs';
import { GAME } from './environment.mjs';

export const REPLY = 0x01;
export const ERROR = 0x02;
export const HELLO_TAG = 0x5747;

const packets = [...control.schema.packets, ...GAME.schema.packets];
const packetOf = (type) => packets.find((packet) => packet.type === type);

/** The frame of a message. */
export function frameOf(type, message = {}, tag = 0, flags = 0) {
  return encodeFrame(packetOf(type).id, type, message, tag, flags);
}

/** Also the class that a connection gets: each test has its own, so that it finds the socket made from it. */
export function fakeSocketClass() {
  return class FakeSocket extends EventEmitter {
    static made = [];
    bufferedAmount = 0;
    sent = []; // { id, tag, flags, message }
    closedWith = null;

    constructor(url, protocols) {
      super();
      this.url = url;
      this.protocols = protocols;
      this.frames = new FrameReader();
      FakeSocket.made.push(this);
      setImmediate(() => this.onopen());
    }

    send(bytes) {
      this.frames.push(new Uint8Array(bytes));
      for (let frame; (frame = this.frames.next(() => {})) !== null;) {
        const { type } = packets.find((packet) => packet.id === frame.id);
        this.sent.push({ ...frame, type, message: decode(type, frame.body) });
        this.emit('sent', this.sent.at(-1));
      }
    }

    close(code) {
      this.closedWith ??= code;
      this.emit('closing');
    }

    // ---- the server's side ----

    /** Delivers bytes as one binary message. */
    deliver(...chunks) {
      const bytes = Buffer.concat(chunks);
      this.onmessage({ data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) });
    }

    reply(type, message, tag, flags = REPLY) {
      this.deliver(frameOf(type, message, tag, flags));
    }

    finish(code = 1006, reason = '') {
      this.onclose({ code, reason });
    }

    async nextSent() {
      const [frame] = await once(this, 'sent');
      return frame;
    }
  };
}

export const ACK = { sessionId: 7n, heartbeatMs: 0, bodyBytesMax: 4096 };

/** Begins to connect; resolves with { connecting, socket } when HELLO was sent. */
export async function begin(options = {}) {
  const WebSocket = fakeSocketClass();
  const connecting = connect('ws://127.0.0.1:1', { schema: GAME.schema, name: 'Ann', WebSocket, ...options });
  connecting.catch(() => {}); // a test may look later
  while (WebSocket.made.length === 0) await new Promise(setImmediate);
  const [socket] = WebSocket.made;
  if (socket.sent.length === 0) await socket.nextSent();
  return { connecting, socket };
}

/** A connection that is greeted; resolves with { game, socket }. */
export async function greeted(options = {}, ack = {}) {
  const { connecting, socket } = await begin(options);
  socket.reply(control.HelloAck, { ...ACK, ...ack }, HELLO_TAG);
  const game = await connecting;
  await new Promise(setImmediate); // the connection handles nothing until the program has seen the answer
  return { game, socket };
}
