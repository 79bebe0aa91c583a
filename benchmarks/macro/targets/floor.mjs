// The floor: what proxying one HTTP/1.1 request costs on raw sockets in Node, with nothing but the essentials.
// UNSAFE on purpose (assumes whole heads, Content-Length bodies, no limits): a yardstick for benchmarks, not a start for the codec.
//   node floor.mjs LISTEN_PORT UPSTREAM_PORT

import { randomFillSync } from 'node:crypto';
import net from 'node:net';

const [listenPort, upstreamPort] = process.argv.slice(2).map(Number);
const idle = [];

/** head as latin1 text → start line and a flat [name, value, name, value, …] array */
function parseHead(text) {
  const fields = [];
  let i = text.indexOf('\r\n');
  const line = i < 0 ? text : text.slice(0, i);
  while (i >= 0) {
    const start = i + 2;
    let end = text.indexOf('\r\n', start);
    if (end < 0) end = text.length;
    const colon = text.indexOf(':', start);
    let from = colon + 1;
    while (text.charCodeAt(from) === 32) from++;
    fields.push(text.slice(start, colon).toLowerCase(), text.slice(from, end));
    i = end === text.length ? -1 : end;
  }
  return { line, fields };
}

const random = Buffer.alloc(4096);
let used = 4096;
function requestId() {
  if (used >= 4096) {
    randomFillSync(random);
    used = 0;
  }
  const hex = random.hexSlice(used, used + 16);
  used += 16;
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}

class Upstream {
  constructor() {
    this.client = null;
    this.remaining = 0;
    this.inBody = false;
    this.startedAt = 0;
    this.socket = net.connect({
      host: '127.0.0.1',
      port: upstreamPort,
      noDelay: true,
      onread: {
        buffer: Buffer.allocUnsafe(65536),
        callback: (n, buffer) => {
          this.onData(buffer.subarray(0, n));
          return true;
        },
      },
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      const at = idle.indexOf(this);
      if (at >= 0) idle.splice(at, 1);
      this.client?.socket.destroy();
    });
  }
  onData(chunk) {
    const down = this.client.socket;
    if (this.inBody) {
      this.remaining -= chunk.length;
      down.write(Buffer.from(chunk));
      if (this.remaining <= 0) this.done();
      return;
    }
    const end = chunk.indexOf('\r\n\r\n');
    const { line, fields } = parseHead(chunk.latin1Slice(0, end));
    let out = `HTTP/1.1 ${line.slice(9)}\r\n`,
      length = 0;
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i];
      if (name === 'content-length') length = +fields[i + 1];
      else if (name === 'connection' || name === 'keep-alive' || name === 'server') continue;
      out += `${name}: ${fields[i + 1]}\r\n`;
    }
    out += `server: envoy\r\nx-envoy-upstream-service-time: ${(performance.now() - this.startedAt) | 0}\r\n\r\n`;
    const body = chunk.length - end - 4;
    this.remaining = length - body;
    if (body < 8192) down.write(out + chunk.latin1Slice(end + 4), 'latin1');
    else {
      down.cork();
      down.write(out, 'latin1');
      down.write(Buffer.from(chunk.subarray(end + 4)));
      down.uncork();
    }
    if (this.remaining <= 0) this.done();
    else this.inBody = true;
  }
  done() {
    const client = this.client;
    this.inBody = false;
    this.client = null;
    idle.push(this);
    client.busy = false;
  }
}

class Downstream {
  constructor(socket) {
    this.socket = socket;
    this.busy = false;
    socket.on('data', (chunk) => this.onData(chunk));
    socket.on('error', () => {});
  }
  onData(chunk) {
    const end = chunk.indexOf('\r\n\r\n');
    if (this.busy || end < 0) return void this.socket.destroy();
    const { line, fields } = parseHead(chunk.latin1Slice(0, end));
    let out = `${line}\r\n`;
    for (let i = 0; i < fields.length; i += 2)
      if (fields[i] !== 'connection') out += `${fields[i]}: ${fields[i + 1]}\r\n`;
    out += `x-forwarded-proto: http\r\nx-request-id: ${requestId()}\r\n\r\n`;
    const upstream = idle.pop() ?? new Upstream();
    upstream.client = this;
    upstream.startedAt = performance.now();
    this.busy = true;
    upstream.socket.write(out, 'latin1');
  }
}

net.createServer({ noDelay: true }, (socket) => new Downstream(socket)).listen(listenPort, '127.0.0.1');
