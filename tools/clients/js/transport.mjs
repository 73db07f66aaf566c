// tools/clients/js/transport.mjs: A stream of bytes to a server, over WebSocket, TCP or TLS.

const SUBPROTOCOL = 'gangway.v1';
const ALPN = 'gangway/1';
const SCHEMES = ['ws:', 'wss:', 'tcp:', 'tls:'];

/**
 * Begins to connect. `events` has opened(), received(bytes), and ended({ code, text, error }), which is
 * called once, also when the connection was never made; `code` is the status of a WebSocket, or 0.
 *
 * Returns an object with send(bytes), bufferedAmount, end(), which closes after all bytes were sent, and
 * destroy(), which closes at once.
 */
export async function openTransport(address, options, events) {
  const url = new URL(address);
  if (!SCHEMES.includes(url.protocol)) {
    throw new TypeError(`"${address}" begins with ${url.protocol}//, not ws://, wss://, tcp:// or tls://`);
  }
  return url.protocol === 'ws:' || url.protocol === 'wss:' ? openWebSocket(url, options, events) : openSocket(url, options, events);
}

function openWebSocket(url, options, events) {
  const WebSocket = options.WebSocket ?? globalThis.WebSocket;
  if (WebSocket === undefined) {
    throw new TypeError(`${url.protocol}// needs a WebSocket, which this version of Node does not have: give one as the option WebSocket, or use tcp://`);
  }
  const socket = new WebSocket(url.href, [SUBPROTOCOL]);
  socket.binaryType = 'arraybuffer';
  socket.onopen = () => events.opened();
  socket.onmessage = ({ data }) => {
    if (typeof data === 'string') {
      socket.close(1000);
      events.ended({ code: 0, text: 'the server sent a text message' });
    } else {
      events.received(new Uint8Array(data));
    }
  };
  socket.onerror = () => {}; // onclose follows
  socket.onclose = ({ code, reason }) => events.ended({ code, text: reason });
  return {
    send: (bytes) => socket.send(bytes),
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    end: () => socket.close(1000),
    destroy: () => {
      socket.close();
      events.ended({ code: 0, text: 'the connection was given up' });
    },
  };
}

/** The modules are imported here, so that browsers can load this file. */
async function openSocket(url, options, events) {
  if (globalThis.process?.versions?.node === undefined) {
    throw new TypeError(`${url.protocol}// needs Node: a browser connects with ws:// or wss://`);
  }
  if (url.port === '') throw new TypeError(`"${url.href}" has no port`);
  const isTls = url.protocol === 'tls:';
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const { default: net } = await import(/* @vite-ignore */ /* webpackIgnore: true */ 'node:net');
  const parameters = { host, port: Number(url.port) };
  let socket;
  if (isTls) {
    const { default: tls } = await import(/* @vite-ignore */ /* webpackIgnore: true */ 'node:tls');
    socket = tls.connect({ ...parameters, servername: net.isIP(host) ? '' : host, ALPNProtocols: [ALPN], ...options.tls });
  } else {
    socket = net.connect(parameters);
  }
  let error;
  socket.setNoDelay(true);
  socket.once(isTls ? 'secureConnect' : 'connect', () => events.opened());
  socket.on('data', (bytes) => events.received(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)));
  socket.on('error', (why) => {
    error = why;
  });
  socket.on('close', () => events.ended({ code: 0, text: error?.message ?? '', error }));
  return {
    send: (bytes) => socket.write(bytes),
    get bufferedAmount() {
      return socket.writableLength;
    },
    end: () => socket.end(),
    destroy: () => socket.destroy(),
  };
}
