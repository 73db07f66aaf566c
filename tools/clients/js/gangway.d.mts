// tools/clients/js/gangway.d.mts: Declarations of gangway.mjs for TypeScript.

export { CloseReason, ErrorCode } from './control.gen.mjs';

/** The schema of a generated module. */
export interface SchemaLike {
  readonly name: string;
  readonly hash: bigint;
  readonly packets: readonly object[];
  readonly types?: { senders: object; events: object };
}

type TypesOf<S extends SchemaLike> = NonNullable<S['types']>;

export interface ConnectOptions<S extends SchemaLike> {
  schema: S;
  /** Of the player, at most 32 bytes. */
  name?: string;
  /** At most 512 bytes, for the game to check. */
  credentials?: Uint8Array;
  /** Names the program in the log of the server, at most 64 bytes. */
  build?: string;
  /** How long connecting and greeting may take [10000]. */
  timeoutMs?: number;
  /** How long a request waits for its answer [10000]; a server answers within 5000 by default. */
  requestTimeoutMs?: number;
  /** How many bytes may wait to be sent [1048576]. */
  sendBytesMax?: number;
  /** For ws:// and wss:// [globalThis.WebSocket]. */
  WebSocket?: new (url: string, protocols: string[]) => any;
  /** For tls://: options of node:tls, such as `ca`. */
  tls?: object;
}

/** Why a connection is closed. */
export interface CloseInfo {
  /** A number of CloseReason, or of the game from 1000. */
  reason: number;
  /** The name of the reason, such as 'KICKED', or 'GAME'. */
  name: string;
  text: string;
  by: 'server' | 'client' | 'network';
  /** After GOAWAY: reconnect after this time. */
  retryMs?: number;
  /** The error of the system, if there is one. */
  error?: unknown;
}

/** The server shuts down: it serves packets until the deadline. */
export interface GoAwayInfo {
  deadlineMs: number;
  retryMinMs: number;
  retryMaxMs: number;
  /** A random time in that window. */
  retryMs: number;
}

export interface OwnEvents {
  close: CloseInfo;
  goaway: GoAwayInfo;
  /** What a listener has thrown. Without a listener it is printed. */
  error: unknown;
}

export interface Connection<Events> {
  /** The id of the session. */
  readonly sessionId: bigint;
  readonly state: 'connecting' | 'open' | 'closing' | 'closed';
  /** Bytes that were sent and that the system has not taken yet. */
  readonly bufferedAmount: number;
  on<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): this;
  once<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): this;
  off<E extends keyof Events>(event: E, listener: (value: Events[E]) => void): this;
  /** Sends CLOSE and FIN; resolves when the connection is closed, and never rejects. */
  close(info?: { reason?: number; text?: string }): Promise<CloseInfo>;
}

/**
 * Connects to ws://, wss://, and in Node tcp:// or tls://, and greets. Rejects with ClosedError when that fails,
 * and with TypeError or RangeError for a wrong option.
 */
export function connect<S extends SchemaLike>(
  address: string, options: ConnectOptions<S>,
): Promise<Connection<TypesOf<S>['events'] & OwnEvents> & TypesOf<S>['senders']>;

/** A request that was not served, or not answered in time. */
export class GangwayError extends Error {
  /** A number of ErrorCode, or of the game from 1000. */
  readonly code: number;
  readonly text: string;
}

/** The connection is closed, or was never made. */
export class ClosedError extends Error {
  readonly reason: number;
  readonly text: string;
  readonly by: 'server' | 'client' | 'network';
}

/** The codec of a message, in a generated module. */
export interface Codec<T, I> {
  readonly name: string;
  create(): T;
  write(writer: any, message: I): void;
  read(reader: any, message: T): T;
}

/** The bytes of a message. Throws TypeError when a member is of another type. */
export function encode<I>(type: Codec<any, I>, message?: I): Uint8Array;

/** The message in `bytes`. Throws RangeError when they are not one. */
export function decode<T>(type: Codec<T, any>, bytes: Uint8Array): T;

/** Checks a message against the rules of its schema. Throws RangeError with the first one that is broken. */
export function check<I>(type: Codec<any, I>, message: I): void;
