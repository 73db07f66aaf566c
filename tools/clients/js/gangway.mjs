// tools/clients/js/gangway.mjs: A client of the protocol (protocol/WIRE.md), for browsers and Node.

import { check, decode, encode } from './codec.mjs';
import { CloseReason, Close, Error as ErrorBody, ErrorCode, GoAway, Hello, HelloAck, Ping, Pong, schema as control } from './control.gen.mjs';
import { encodeFrame, ERROR, FrameReader, REPLY } from './frames.mjs';
import { openTransport } from './transport.mjs';

export { check, decode, encode, Reader, Writer } from './codec.mjs';
export { CloseReason, ErrorCode };
export { encodeFrame, FrameReader } from './frames.mjs';

const PROTOCOL_MAJOR = 1;
const HELLO_TAG = 0x5747;
const TAG_MAX = 0xFFFF;
const BODY_BYTES_MAX = 65536; // from a server
const REQUESTS_MAX = 16;
const SILENT_TICKS_MAX = 3;
const END_MS = 2000;
const STATUS_OF_REASON = 4000; // of a WebSocket
const OWN_EVENTS = ['close', 'error', 'goaway'];
const DEFAULTS = { timeoutMs: 10000, requestTimeoutMs: 10000, sendBytesMax: 1 << 20 };

function nameOf(values, number) {
  return Object.keys(values).find((name) => values[name] === number);
}

/** A request that was not served, or not answered in time. `code` is an ErrorCode, or a number of the game from 1000. */
export class GangwayError extends Error {
  constructor(code, text) {
    super(`${nameOf(ErrorCode, code) ?? code}${text === '' ? '' : `: ${text}`}`);
    this.name = 'GangwayError';
    this.code = code;
    this.text = text;
  }
}

/** The connection is closed, or was never made. `reason`, `text` and `by` are those of the event 'close'. */
export class ClosedError extends Error {
  constructor(info) {
    super(`the connection is closed by the ${info.by}: ${info.name}${info.text === '' ? '' : `: ${info.text}`}`, { cause: info.error });
    this.name = 'ClosedError';
    this.reason = info.reason;
    this.text = info.text;
    this.by = info.by;
  }
}

/** A frame that the server may not send: the connection is closed with this reason. */
class Violation extends Error {
  constructor(reason, text) {
    super(text);
    this.reason = reason;
  }
}

/** Numbers that are neither in the list nor a game's are reported as NONE. */
function closeInfo(reason, text, by, more = {}) {
  const isGame = reason >= 1000 && reason <= 65535;
  const name = isGame ? 'GAME' : nameOf(CloseReason, reason) ?? 'NONE';
  return { reason: isGame ? reason : CloseReason[name], name, text, by, ...more };
}

/** Calls back in a later task, after everything that the program does with a promise that was resolved now. */
const later = globalThis.setImmediate ?? ((call) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    call();
  };
  port2.postMessage(0);
});

/** `burst` tokens, which return at `rate` per second. */
class Bucket {
  constructor({ rate, burst }) {
    this.rate = rate;
    this.burst = burst;
    this.tokens = burst;
    this.at = performance.now();
  }

  /** Takes a token. Returns 0, or the time in ms until there is one. */
  take() {
    const now = performance.now();
    this.tokens = Math.min(this.burst, this.tokens + ((now - this.at) * this.rate) / 1000);
    this.at = now;
    if (this.tokens < 1) {
      return Math.ceil(((1 - this.tokens) * 1000) / this.rate);
    }
    this.tokens--;
    return 0;
  }
}

class Connection {
  #options;
  #transport = null;
  #state = 'connecting';
  #frames = new FrameReader();
  #packets = new Map(); // by id, of the schema and the framework
  #buckets = new Map(); // by id
  #listeners = new Map(); // by event
  #requests = new Map(); // by tag
  #lastTag = 0;
  #isPaused = false; // until the program has seen the answer that was given to it
  #ended = null; // what the transport reported when it ended
  #goaway = null;
  #info = null; // why the connection ends
  #bodyBytesMax = 0;
  #silentTicks = 0;
  #heartbeat;
  #endTimer;
  #greeting; // { resolve, reject } of connect()
  #closed;
  #resolveClosed;

  /** The id of the session, a BigInt. */
  sessionId = 0n;

  constructor(options) {
    this.#options = { ...DEFAULTS, ...options };
    this.#closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    for (const name of OWN_EVENTS) {
      this.#listeners.set(name, []);
    }
    for (const packet of [...control.packets, ...options.schema.packets]) {
      this.#packets.set(packet.id, packet);
    }
    for (const packet of options.schema.packets) {
      if (packet.fromServer) {
        this.#listeners.set(packet.name, []);
      }
      if (packet.fromClient) {
        this.#addSender(packet);
      }
    }
  }

  #addSender(packet) {
    const value = packet.reply === undefined
      ? (message) => this.#send(packet, message)
      : async (message) => this.#request(packet, message);
    Object.defineProperty(this, packet.name, { value, enumerable: true });
  }

  static async connect(address, options) {
    if (typeof options?.schema?.packets !== 'object') {
      throw new TypeError('connect() needs the option schema: the schema of a generated module');
    }
    const { schema, name = '', build = '', credentials = new Uint8Array(0) } = options;
    const hello = { protocolMajor: PROTOCOL_MAJOR, schemaHash: schema.hash, clientBuild: build, name, credentials };
    const frame = encodeFrame(1, Hello, hello, HELLO_TAG);
    check(Hello, hello);
    const game = new Connection(options);
    const greeted = new Promise((resolve, reject) => {
      game.#greeting = { resolve, reject };
    });
    greeted.catch(() => {}); // it may fail before it is awaited
    const timeoutMs = game.#options.timeoutMs;
    const timer = setTimeout(() => game.#giveUp(closeInfo(CloseReason.NETWORK, `no answer within ${timeoutMs} ms`, 'network')), timeoutMs);
    try {
      game.#transport = await openTransport(address, game.#options, {
        opened: () => game.#transmit(frame),
        received: (bytes) => game.#receive(bytes),
        ended: (how) => game.#onEnded(how),
      });
      if (game.#info !== null) game.#transport.destroy(); // the time was over
      await greeted;
    } finally {
      clearTimeout(timer);
    }
    return game;
  }

  /** 'connecting', 'open', 'closing' or 'closed'. */
  get state() {
    return this.#state;
  }

  /** Bytes that were sent and that the system has not taken yet. */
  get bufferedAmount() {
    return this.#transport?.bufferedAmount ?? 0;
  }

  // ---- events ----

  #listenersOf(event) {
    const listeners = this.#listeners.get(event);
    if (listeners === undefined) {
      throw new TypeError(`there is no event "${event}": there are ${[...this.#listeners.keys()].join(', ')}`);
    }
    return listeners;
  }

  on(event, listener) {
    if (typeof listener !== 'function') throw new TypeError(`the listener of "${event}" is not a function`);
    this.#listeners.set(event, [...this.#listenersOf(event), listener]);
    return this;
  }

  once(event, listener) {
    const once = (value) => {
      this.off(event, once);
      return listener(value);
    };
    return this.on(event, once);
  }

  off(event, listener) {
    this.#listeners.set(event, this.#listenersOf(event).filter((one) => one !== listener));
    return this;
  }

  /** What a listener throws goes to the event 'error', or to the console; it ends nothing. */
  #emit(event, value) {
    const failed = (error) => {
      if (event === 'error' || this.#listeners.get('error').length === 0) {
        console.error(`gangway: a listener of "${event}" failed:`, error);
      } else {
        this.#emit('error', error);
      }
    };
    for (const listener of this.#listeners.get(event)) {
      try {
        listener(value)?.then?.(undefined, failed);
      } catch (error) {
        failed(error);
      }
    }
  }

  // ---- sending ----

  #transmit(frame) {
    try {
      this.#transport.send(frame);
    } catch (error) {
      this.#onEnded({ code: 0, text: error.message, error });
    }
  }

  /** Throws when the message breaks a rule of the schema, and the server would close the connection for it. */
  #send(packet, message = {}, tag = 0) {
    const { type } = packet;
    if (this.#state !== 'open') throw new ClosedError(this.#info);
    if (typeof message !== 'object' || message === null) throw new TypeError(`${packet.name}() takes an object`);
    const frame = encodeFrame(packet.id, type, message, tag);
    check(type, message);
    const bodyBytes = frame.length - 8;
    const limit = Math.min(packet.bodyBytesMax, this.#bodyBytesMax || BODY_BYTES_MAX);
    if (bodyBytes > limit) throw new RangeError(`${type.name} has ${bodyBytes} bytes, and may have ${limit}`);
    const { sendBytesMax } = this.#options;
    if (this.bufferedAmount + frame.length > sendBytesMax) {
      throw new RangeError(`${type.name}: ${this.bufferedAmount} bytes wait to be sent, and at most ${sendBytesMax} may (sendBytesMax)`);
    }
    this.#takeToken(packet);
    this.#transmit(frame);
  }

  #takeToken(packet) {
    if (packet.rate === undefined) return;
    if (!this.#buckets.has(packet.id)) {
      this.#buckets.set(packet.id, new Bucket(packet));
    }
    const retryMs = this.#buckets.get(packet.id).take();
    if (retryMs > 0) {
      const error = new RangeError(
        `${packet.type.name} is sent too often: at most ${packet.burst} at once and ${packet.rate} per second; the next one in ${retryMs} ms`);
      error.retryMs = retryMs;
      throw error;
    }
  }

  /** A tag that no open request has. */
  #nextTag() {
    do {
      this.#lastTag = this.#lastTag === TAG_MAX ? 1 : this.#lastTag + 1;
    } while (this.#requests.has(this.#lastTag));
    return this.#lastTag;
  }

  #request(packet, message) {
    if (this.#requests.size >= REQUESTS_MAX) {
      throw new RangeError(`${packet.type.name}: ${REQUESTS_MAX} requests are open, and no more may be`);
    }
    const tag = this.#nextTag();
    this.#send(packet, message, tag);
    return new Promise((resolve, reject) => {
      const { requestTimeoutMs } = this.#options;
      const timer = setTimeout(() => {
        // The tag stays in use until the server answers.
        this.#requests.get(tag).reject = null;
        reject(new GangwayError(ErrorCode.TIMEOUT, `${packet.type.name} was not answered within ${requestTimeoutMs} ms`));
      }, requestTimeoutMs);
      this.#requests.set(tag, { reply: packet.reply, resolve, reject, timer });
    });
  }

  // ---- receiving ----

  #receive(bytes) {
    this.#silentTicks = 0;
    if (this.#info === null) {
      this.#frames.push(bytes);
      this.#drain();
    }
  }

  /** Handles frames, up to one that answers the program: it may add listeners before the next one is handled. */
  #drain() {
    try {
      while (!this.#isPaused && this.#info === null) {
        const frame = this.#frames.next((header, bodyBytes) => this.#checkHeader(header, bodyBytes));
        if (frame === null) break;
        if (this.#handle(frame)) {
          this.#isPaused = true;
          later(() => {
            this.#isPaused = false;
            this.#drain();
          });
        }
      }
    } catch (error) {
      // What a Reader throws is a RangeError.
      this.#end(closeInfo(error.reason ?? CloseReason.BAD_BODY, error.message, 'client'));
    }
    if (this.#ended !== null && (!this.#isPaused || this.#info !== null)) {
      this.#finish();
    }
  }

  #checkHeader({ id, flags }, bodyBytes) {
    const packet = this.#packets.get(id);
    if ((flags & ~(REPLY | ERROR)) !== 0) throw new Violation(CloseReason.BAD_FLAGS, `flags ${flags}`);
    if (bodyBytes > BODY_BYTES_MAX) throw new Violation(CloseReason.TOO_LONG, `a body of ${bodyBytes} bytes`);
    if (packet === undefined) throw new Violation(CloseReason.UNKNOWN_PACKET, `packet ${id}`);
    if (!packet.fromServer) throw new Violation(CloseReason.WRONG_WAY, packet.type.name);
    if (this.#state === 'connecting' && id > 63) throw new Violation(CloseReason.WRONG_STAGE, packet.type.name);
    if (bodyBytes > packet.bodyBytesMax) throw new Violation(CloseReason.TOO_LONG, `${packet.type.name} of ${bodyBytes} bytes`);
  }

  /** Returns whether the frame has answered the program. */
  #handle({ id, tag, flags, body }) {
    const packet = this.#packets.get(id);
    const message = decode(packet.type, body);
    switch (packet.type) {
      case HelloAck:
        return this.#onHelloAck(message, tag, flags);
      case Ping:
        this.#transmit(encodeFrame(4, Pong, { stamp: message.stamp }));
        return false;
      case Pong:
        return false;
      case Close:
        this.#end(closeInfo(message.reason, message.text, 'server'));
        return false;
      case GoAway:
        this.#onGoAway(message);
        return false;
      case ErrorBody:
        return this.#answer(tag, ErrorBody, message);
    }
    if ((flags & REPLY) !== 0) {
      return this.#answer(tag, packet.type, message);
    }
    this.#emit(packet.name, message);
    return false;
  }

  #onHelloAck({ sessionId, heartbeatMs, bodyBytesMax }, tag, flags) {
    if (tag !== HELLO_TAG || flags !== REPLY) throw new Violation(CloseReason.BAD_FLAGS, `HelloAck with tag ${tag} and flags ${flags}`);
    if (this.#state !== 'connecting') throw new Violation(CloseReason.WRONG_STAGE, 'a second HelloAck');
    this.#state = 'open';
    this.sessionId = sessionId;
    this.#bodyBytesMax = bodyBytesMax;
    if (heartbeatMs > 0) {
      this.#heartbeat = setInterval(() => this.#onTick(), heartbeatMs);
    }
    this.#greeting.resolve();
    return true;
  }

  /** Ticks count, not the clock: after a sleep of the machine the server gets the time to answer. */
  #onTick() {
    this.#silentTicks++;
    if (this.#silentTicks > SILENT_TICKS_MAX) {
      this.#end(closeInfo(CloseReason.HEARTBEAT_LOST, `nothing received in ${SILENT_TICKS_MAX} intervals`, 'client'));
    } else if (this.#silentTicks > 1) {
      this.#transmit(encodeFrame(3, Ping, { stamp: BigInt(Math.trunc(performance.now())) }));
    }
  }

  #onGoAway({ deadlineMs, retryMinMs, retryMaxMs }) {
    const spread = Math.max(0, retryMaxMs - retryMinMs);
    this.#goaway = { deadlineMs, retryMinMs, retryMaxMs, retryMs: retryMinMs + Math.round(Math.random() * spread) };
    this.#emit('goaway', this.#goaway);
  }

  #answer(tag, type, message) {
    const request = this.#requests.get(tag);
    if (request === undefined) return false;
    if (type !== ErrorBody && type !== request.reply) {
      throw new Violation(CloseReason.BAD_FLAGS, `${type.name} answers a request for ${request.reply.name}`);
    }
    clearTimeout(request.timer);
    this.#requests.delete(tag);
    if (request.reject === null) return false;
    if (type === ErrorBody) {
      request.reject(new GangwayError(message.code, message.text));
    } else {
      request.resolve(message);
    }
    return true;
  }

  // ---- the end ----

  /**
   * Sends CLOSE and then FIN. Returns a promise that is resolved with { reason, name, text, by } when the
   * connection is closed; it never fails. Throws when a CLOSE cannot have this reason or text.
   */
  close({ reason = CloseReason.SHUTDOWN, text = '' } = {}) {
    encode(Close, { reason, text });
    check(Close, { reason, text });
    if (this.#info === null) {
      this.#end(closeInfo(reason, text, 'client'));
    }
    return this.#closed;
  }

  #giveUp(info) {
    this.#info ??= info;
    this.#transport?.destroy();
    this.#onEnded({ code: 0, text: '' });
  }

  #end(info) {
    if (this.#info !== null) return;
    this.#info = info;
    const isOpen = this.#state === 'open';
    this.#state = 'closing';
    clearInterval(this.#heartbeat);
    if (info.by === 'client' && this.#ended === null) {
      this.#transmit(encodeFrame(5, Close, { reason: info.reason, text: info.text }));
    }
    if (isOpen) this.#rejectRequests();
    if (this.#ended === null) {
      this.#transport.end();
      this.#endTimer = setTimeout(() => {
        this.#transport.destroy();
        this.#onEnded({ code: 0, text: '' });
      }, END_MS);
    }
  }

  #rejectRequests() {
    const error = new ClosedError(this.#info);
    for (const { reject, timer } of this.#requests.values()) {
      clearTimeout(timer);
      reject?.(error);
    }
    this.#requests.clear();
  }

  /** The transport has ended; what it delivered before is handled first. */
  #onEnded(how) {
    if (this.#ended !== null) return;
    this.#ended = how;
    this.#drain();
  }

  #finish() {
    const { code, text, error } = this.#ended;
    if (this.#state === 'closed') return;
    if (this.#info === null) {
      this.#info = code >= STATUS_OF_REASON && code <= 4999
        ? closeInfo(code - STATUS_OF_REASON, text, 'server')
        : closeInfo(CloseReason.NETWORK, text || 'the connection was closed without a reason', 'network', error && { error });
    }
    if (this.#goaway !== null) {
      this.#info.retryMs = this.#goaway.retryMs;
    }
    this.#state = 'closed';
    clearInterval(this.#heartbeat);
    clearTimeout(this.#endTimer);
    this.#rejectRequests();
    this.#greeting.reject(new ClosedError(this.#info));
    this.#emit('close', this.#info);
    this.#resolveClosed(this.#info);
  }
}

/** Connects, greets, and resolves with a connection. Rejects with ClosedError, or TypeError or RangeError for a wrong option. */
export function connect(address, options) {
  return Connection.connect(address, options);
}
