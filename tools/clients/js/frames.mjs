// tools/clients/js/frames.mjs: Frames in a stream of bytes: 8 bytes of header and a message (protocol/WIRE.md).

import { encodeBehind } from './codec.mjs';

export const HEADER_BYTES = 8;
export const REPLY = 0x01;
export const ERROR = 0x02;

/** A message as a frame. */
export function encodeFrame(id, type, message, tag = 0, flags = 0) {
  const frame = encodeBehind(HEADER_BYTES, type, message);
  const bodyBytes = frame.length - HEADER_BYTES;
  if (bodyBytes > 0xFFFFFF) throw new RangeError(`${type.name} has ${bodyBytes} bytes, more than a frame can have`);
  frame.set([bodyBytes & 0xFF, (bodyBytes >> 8) & 0xFF, bodyBytes >> 16, flags, id & 0xFF, id >> 8, tag & 0xFF, tag >> 8]);
  return frame;
}

/** Cuts a stream of bytes into frames. It copies only what is left of a chunk when a frame ends in the next one. */
export class FrameReader {
  constructor() {
    this.buffer = new Uint8Array(0);
    this.begin = 0;
    this.end = 0;
    this.isOwn = false; // whether the buffer is ours, not a chunk that was given
    this.isChecked = false;
  }

  /** Appends bytes, which the reader may keep until they are read. */
  push(chunk) {
    if (this.begin === this.end) {
      this.buffer = chunk;
      this.begin = 0;
      this.end = chunk.length;
      this.isOwn = false;
      return;
    }
    const left = this.end - this.begin;
    if (!this.isOwn || this.end + chunk.length > this.buffer.length) {
      const larger = new Uint8Array(Math.max(2 * (left + chunk.length), 1024));
      larger.set(this.buffer.subarray(this.begin, this.end));
      this.buffer = larger;
      this.begin = 0;
      this.end = left;
      this.isOwn = true;
    }
    this.buffer.set(chunk, this.end);
    this.end += chunk.length;
  }

  /**
   * The next frame, { id, tag, flags, body }, or null while it is not complete. `checkHeader` is called
   * once for each frame, as soon as its header is there, and throws when the rest is not wanted.
   */
  next(checkHeader) {
    const { buffer, begin, end } = this;
    if (end - begin < HEADER_BYTES) {
      return null;
    }
    const bodyBytes = buffer[begin] | (buffer[begin + 1] << 8) | (buffer[begin + 2] << 16);
    const frame = {
      id: buffer[begin + 4] | (buffer[begin + 5] << 8),
      tag: buffer[begin + 6] | (buffer[begin + 7] << 8),
      flags: buffer[begin + 3],
      body: null,
    };
    if (!this.isChecked) {
      checkHeader(frame, bodyBytes);
      this.isChecked = true;
    }
    const bodyBegin = begin + HEADER_BYTES;
    if (end - bodyBegin < bodyBytes) {
      return null;
    }
    this.isChecked = false;
    this.begin = bodyBegin + bodyBytes;
    frame.body = buffer.subarray(bodyBegin, this.begin);
    return frame;
  }
}
