// tools/clients/js/codec.mjs: Encoding, decoding and checks of protobuf messages, for generated modules.

const DEPTH_MAX = 100;
const WRITER_BYTES = 1024;
const KEPT_BYTES_MAX = 65536;

/** The bytes of a string in UTF-8. */
export function utf8Length(text) {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x800 && (unit < 0xD800 || unit > 0xDFFF)) {
      bytes += 2;
    } else if (unit >= 0x80) {
      bytes += 1; // also each half of a pair, which takes four bytes
    }
  }
  return bytes;
}

function shown(value) {
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  }
  return typeof value === 'bigint' ? `${value}n` : typeof value === 'object' && value !== null ? 'an object' : String(value);
}

/** Writes fields into a buffer that grows. With the key 0, a function writes the value alone. */
export class Writer {
  constructor() {
    this.buffer = new Uint8Array(WRITER_BYTES);
    this.view = new DataView(this.buffer.buffer);
    this.at = 0;
  }

  /** Makes room for `bytes` more. */
  reserve(bytes) {
    if (this.at + bytes > this.buffer.length) {
      const larger = new Uint8Array(Math.max(2 * this.buffer.length, this.at + bytes));
      larger.set(this.buffer);
      this.buffer = larger;
      this.view = new DataView(larger.buffer);
    }
  }

  wrong(name, value, wanted) {
    throw new TypeError(`${name} is ${shown(value)}, not ${wanted}`);
  }

  /** A number of 32 bits; the caller has reserved 5 bytes. */
  put(value) {
    const buffer = this.buffer;
    let at = this.at;
    while (value > 0x7F) {
      buffer[at++] = (value & 0x7F) | 0x80;
      value >>>= 7;
    }
    buffer[at++] = value;
    this.at = at;
  }

  /** A key, and room for a value of at most 10 bytes. */
  key(key) {
    if (this.at + 15 > this.buffer.length) {
      this.reserve(15);
    }
    if (key !== 0) {
      this.put(key);
    }
  }

  put64(value) {
    let low = Number(BigInt.asUintN(32, value));
    let high = Number(BigInt.asUintN(32, value >> 32n));
    while (high !== 0) {
      this.buffer[this.at++] = (low & 0x7F) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.put(low);
  }

  int32(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number' || (value | 0) !== value) this.wrong(name, value, 'a whole number of 32 bits');
    this.key(key);
    if (value < 0) {
      this.put64(BigInt(value));
    } else {
      this.put(value);
    }
  }

  uint32(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number' || value >>> 0 !== value) this.wrong(name, value, 'a whole number from 0 to 4294967295');
    this.key(key);
    this.put(value);
  }

  sint32(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number' || (value | 0) !== value) this.wrong(name, value, 'a whole number of 32 bits');
    this.key(key);
    this.put(((value << 1) ^ (value >> 31)) >>> 0);
  }

  fixed32(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number' || value >>> 0 !== value) this.wrong(name, value, 'a whole number from 0 to 4294967295');
    this.key(key);
    this.view.setUint32(this.at, value, true);
    this.at += 4;
  }

  sfixed32(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number' || (value | 0) !== value) this.wrong(name, value, 'a whole number of 32 bits');
    this.key(key);
    this.view.setInt32(this.at, value, true);
    this.at += 4;
  }

  signed64(value, name) {
    if (typeof value !== 'bigint') this.wrong(name, value, 'a BigInt');
    if (BigInt.asIntN(64, value) !== value) this.wrong(name, value, 'a signed number of 64 bits');
  }

  unsigned64(value, name) {
    if (typeof value !== 'bigint') this.wrong(name, value, 'a BigInt');
    if (BigInt.asUintN(64, value) !== value) this.wrong(name, value, 'an unsigned number of 64 bits');
  }

  int64(key, value, name) {
    if (value === undefined) return;
    this.signed64(value, name);
    this.key(key);
    this.put64(value);
  }

  uint64(key, value, name) {
    if (value === undefined) return;
    this.unsigned64(value, name);
    this.key(key);
    this.put64(value);
  }

  sint64(key, value, name) {
    if (value === undefined) return;
    this.signed64(value, name);
    this.key(key);
    this.put64((value << 1n) ^ (value >> 63n));
  }

  fixed64(key, value, name) {
    if (value === undefined) return;
    this.unsigned64(value, name);
    this.key(key);
    this.view.setBigUint64(this.at, value, true);
    this.at += 8;
  }

  sfixed64(key, value, name) {
    if (value === undefined) return;
    this.signed64(value, name);
    this.key(key);
    this.view.setBigInt64(this.at, value, true);
    this.at += 8;
  }

  float(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number') this.wrong(name, value, 'a number');
    this.key(key);
    this.view.setFloat32(this.at, value, true);
    this.at += 4;
  }

  double(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'number') this.wrong(name, value, 'a number');
    this.key(key);
    this.view.setFloat64(this.at, value, true);
    this.at += 8;
  }

  bool(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'boolean') this.wrong(name, value, 'a boolean');
    this.key(key);
    this.buffer[this.at++] = value ? 1 : 0;
  }

  string(key, value, name) {
    if (value === undefined) return;
    if (typeof value !== 'string') this.wrong(name, value, 'a string');
    this.key(key);
    const begin = this.begin();
    this.reserve(3 * value.length);
    const buffer = this.buffer;
    let at = this.at;
    for (let i = 0; i < value.length; i++) {
      let unit = value.charCodeAt(i);
      if (unit < 0x80) {
        buffer[at++] = unit;
      } else if (unit < 0x800) {
        buffer[at++] = (unit >> 6) | 0xC0;
        buffer[at++] = (unit & 0x3F) | 0x80;
      } else if (unit < 0xD800 || unit > 0xDFFF) {
        buffer[at++] = (unit >> 12) | 0xE0;
        buffer[at++] = ((unit >> 6) & 0x3F) | 0x80;
        buffer[at++] = (unit & 0x3F) | 0x80;
      } else {
        const second = value.charCodeAt(i + 1);
        if (unit > 0xDBFF || !(second >= 0xDC00 && second <= 0xDFFF)) {
          this.wrong(name, value, 'well-formed: it has half of a surrogate pair');
        }
        i++;
        unit = 0x10000 + ((unit & 0x3FF) << 10) + (second & 0x3FF);
        buffer[at++] = (unit >> 18) | 0xF0;
        buffer[at++] = ((unit >> 12) & 0x3F) | 0x80;
        buffer[at++] = ((unit >> 6) & 0x3F) | 0x80;
        buffer[at++] = (unit & 0x3F) | 0x80;
      }
    }
    this.at = at;
    this.end(begin);
  }

  bytes(key, value, name) {
    if (value === undefined) return;
    if (!(value instanceof Uint8Array)) this.wrong(name, value, 'a Uint8Array');
    this.key(key);
    this.put(value.length);
    this.reserve(value.length);
    this.buffer.set(value, this.at);
    this.at += value.length;
  }

  message(key, value, type, name) {
    if (value === undefined) return;
    if (typeof value !== 'object' || value === null) this.wrong(name, value, 'an object');
    this.key(key);
    const begin = this.begin();
    type.write(this, value);
    this.end(begin);
  }

  /** Begins something with a length in front: one byte for now. Returns where it begins. */
  begin() {
    return ++this.at;
  }

  /** Writes the length, and moves the rest when it takes more than a byte. */
  end(begin) {
    const length = this.at - begin;
    if (length < 0x80) {
      this.buffer[begin - 1] = length;
      return;
    }
    const extra = length < 0x4000 ? 1 : length < 0x200000 ? 2 : length < 0x10000000 ? 3 : 4;
    this.reserve(extra);
    this.buffer.copyWithin(begin + extra, begin, this.at);
    this.at = begin - 1;
    this.put(length);
    this.at += length;
  }

  /** Each element of a repeated field, by write(element). */
  each(list, name, write) {
    if (list === undefined) return;
    if (!Array.isArray(list)) this.wrong(name, list, 'an array');
    for (let i = 0; i < list.length; i++) {
      if (list[i] === undefined) this.wrong(`${name}[${i}]`, undefined, 'a value');
      write(list[i]);
    }
  }

  packed(key, list, name, write) {
    if (list === undefined || list.length === 0) return;
    this.key(key);
    const begin = this.begin();
    this.each(list, name, write);
    this.end(begin);
  }

  map(key, map, type, name) {
    if (map === undefined) return;
    if (!(map instanceof Map)) this.wrong(name, map, 'a Map');
    for (const [one, value] of map) {
      if (one === undefined || value === undefined) this.wrong(name, undefined, 'a key with a value');
      this.message(key, { key: one, value }, type, name);
    }
  }

  oneof(name, ...values) {
    const count = values.filter((value) => value !== undefined).length;
    if (count > 1) throw new TypeError(`${name}: ${count} members are set, and only one may be`);
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const ASCII_MAX = 24; // longer strings are faster by TextDecoder

/** Reads the fields of a message. Throws RangeError when the bytes are not one. */
export class Reader {
  constructor(bytes) {
    // Not a Buffer of Node, whose slice() does not copy.
    this.buffer = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = 0;
    this.limit = bytes.length; // the end of the message that is being read
    this.depth = 0;
    this.last = 0;
  }

  wrong(what) {
    throw new RangeError(`not a message: ${what} at byte ${this.at}`);
  }

  more() {
    return this.at < this.limit;
  }

  key() {
    this.last = this.uint32();
    if (this.last < 8) this.wrong('field number 0');
    return this.last;
  }

  /** Takes `bytes`, and returns where they begin. */
  take(bytes) {
    const at = this.at;
    if (bytes > this.limit - at) this.wrong('a value beyond the end');
    this.at = at + bytes;
    return at;
  }

  uint32() {
    const buffer = this.buffer;
    if (this.at < this.limit && buffer[this.at] < 0x80) {
      return buffer[this.at++];
    }
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.limit) this.wrong('a value beyond the end');
      const byte = buffer[this.at++];
      if (shift < 32) value |= (byte & 0x7F) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.wrong('a varint of more than 10 bytes');
  }

  int32() {
    return this.uint32() | 0;
  }

  sint32() {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  uint64() {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.limit) this.wrong('a value beyond the end');
      const byte = this.buffer[this.at++];
      const bits = byte & 0x7F;
      if (shift < 28) {
        low |= bits << shift;
      } else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else if (shift < 64) {
        high |= bits << (shift - 32);
      }
      if (byte < 0x80) {
        return high === 0 ? BigInt(low >>> 0) : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
      }
    }
    return this.wrong('a varint of more than 10 bytes');
  }

  int64() {
    return BigInt.asIntN(64, this.uint64());
  }

  sint64() {
    const value = this.uint64();
    return (value >> 1n) ^ -(value & 1n);
  }

  bool() {
    return this.uint64() !== 0n;
  }

  fixed32() {
    return this.view.getUint32(this.take(4), true);
  }

  sfixed32() {
    return this.view.getInt32(this.take(4), true);
  }

  fixed64() {
    return this.view.getBigUint64(this.take(8), true);
  }

  sfixed64() {
    return this.view.getBigInt64(this.take(8), true);
  }

  float() {
    return this.view.getFloat32(this.take(4), true);
  }

  double() {
    return this.view.getFloat64(this.take(8), true);
  }

  string() {
    const length = this.uint32();
    const begin = this.take(length);
    if (length > ASCII_MAX) {
      return utf8.decode(this.buffer.subarray(begin, begin + length));
    }
    let text = '';
    for (let at = begin; at < begin + length; at++) {
      const byte = this.buffer[at];
      if (byte >= 0x80) {
        return utf8.decode(this.buffer.subarray(begin, begin + length));
      }
      text += String.fromCharCode(byte);
    }
    return text;
  }

  bytes() {
    const length = this.uint32();
    const begin = this.take(length);
    return this.buffer.slice(begin, begin + length);
  }

  /** A message inside, into `into` if that is one: a field that occurs twice is merged. */
  message(type, into) {
    const length = this.uint32();
    const limit = this.limit;
    if (length > limit - this.at) this.wrong('a message beyond the end');
    if (++this.depth > DEPTH_MAX) this.wrong(`more than ${DEPTH_MAX} messages inside each other`);
    this.limit = this.at + length;
    const message = type.read(this, into === undefined ? type.create() : into);
    this.limit = limit;
    this.depth--;
    return message;
  }

  entry(map, type) {
    const entry = this.message(type);
    map.set(entry.key, entry.value);
  }

  packed(readOne) {
    const length = this.uint32();
    const limit = this.limit;
    if (length > limit - this.at) this.wrong('a list beyond the end');
    this.limit = this.at + length;
    while (this.at < this.limit) {
      readOne();
    }
    this.limit = limit;
  }

  /** Skips the value of the last key: a field that the schema does not have. */
  skip() {
    const key = this.last;
    switch (key & 7) {
      case 0: this.uint64(); break;
      case 1: this.take(8); break;
      case 2: this.take(this.uint32()); break;
      case 3: this.skipGroup(key); break;
      case 5: this.take(4); break;
      default: this.wrong(`the wire type ${key & 7}`);
    }
  }

  skipGroup(key) {
    if (++this.depth > DEPTH_MAX) this.wrong(`more than ${DEPTH_MAX} messages inside each other`);
    const end = key + 1; // the same field with the wire type 4
    while (this.key() !== end) {
      this.skip();
    }
    this.depth--;
  }
}

let spare = null; // a writer that nothing uses, for the next message

/** The bytes of a message behind `headerBytes` bytes, which the caller fills in. */
export function encodeBehind(headerBytes, type, message) {
  const writer = spare ?? new Writer();
  spare = null; // a getter of the message may encode another one
  writer.at = headerBytes;
  type.write(writer, message);
  if (writer.buffer.length <= KEPT_BYTES_MAX) {
    spare = writer;
  }
  return writer.buffer.slice(0, writer.at);
}

/** The bytes of a message. Throws TypeError when a member is of another type. */
export function encode(type, message = {}) {
  return encodeBehind(0, type, message);
}

/** The message in `bytes`, a Uint8Array. Throws RangeError when they are not one. */
export function decode(type, bytes) {
  return type.read(new Reader(bytes), type.create());
}

// Invisible, or they change the text around them: protocol/utf8.h.
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u{FFF0}-\u{FFFB}\u{13430}-\u{1343F}\u{2800}]/u;

function checkValue(rule, value, name) {
  const broken = (what) => {
    throw new RangeError(`${name} ${what}`);
  };
  if (rule.message !== undefined) {
    check(rule.message(), value, name);
    return;
  }
  if (rule.bytes !== undefined) {
    const [min, max] = rule.bytes;
    const length = typeof value === 'string' ? utf8Length(value) : value.length;
    if (length > max) broken(`has ${length} bytes, and may have ${max}`);
    if (length < min) broken(`has ${length} bytes, and must have ${min}`);
  }
  if (rule.text && value.includes('\0')) broken('contains the character NUL');
  if (rule.printable) {
    const found = UNPRINTABLE.exec(value);
    if (found) broken(`contains U+${found[0].codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}, which is not printable`);
  }
  const number = rule.single ? Math.fround(value) : value;
  if (rule.finite && !Number.isFinite(number)) broken(`is ${value}, and must be finite`);
  if (rule.range !== undefined && !(number >= rule.range[0] && number <= rule.range[1])) {
    broken(`is ${value}, and may be ${rule.range[0]} to ${rule.range[1]}`);
  }
  if (rule.known !== undefined && !Object.values(rule.known).includes(value)) broken(`is ${value}, which the enum does not have`);
  if (rule.notZero && (number === 0 || number === 0n)) broken('is 0, and must not be');
}

function checkField(rule, value, name) {
  const count = value === undefined ? 0 : value.size ?? value.length;
  if (rule.count === undefined) {
    if (value !== undefined) {
      checkValue(rule, value, name);
    } else if (rule.required) {
      throw new RangeError(`${name} is required`);
    }
    return;
  }
  if (count > rule.count) throw new RangeError(`${name} has ${count} elements, and may have ${rule.count}`);
  if (count === 0 && rule.required) throw new RangeError(`${name} is required: it has no element`);
  if (value instanceof Map) {
    for (const [key, one] of value) {
      check(rule.message(), { key, value: one }, `${name}[${String(key)}]`);
    }
  } else {
    (value ?? []).forEach((one, index) => checkValue(rule, one, `${name}[${index}]`));
  }
}

/**
 * Checks a message, which encode() has accepted, against the rules of its schema. Throws RangeError with
 * the first rule that is broken, and TypeError for a member that the message does not have.
 */
export function check(type, message, name = type.name) {
  for (const member of Object.keys(message)) {
    if (!Object.hasOwn(type.rules, member)) throw new TypeError(`${name} has no member "${member}"`);
  }
  for (const [member, rule] of Object.entries(type.rules)) {
    checkField(rule, message[member], `${name}.${member}`);
  }
}
