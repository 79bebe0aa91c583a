/**
 * A cheap HTTP/1.1 upstream on raw sockets: fixed bodies out, uploads read by Content-Length and thrown away.
 * Requests may arrive split or pipelined. Used when nginx is not installed.
 *   node upstream.mjs LISTEN_PORT
 */
import net from 'node:net';
import { KIB16, MIB, TINY_BODY, UPLOAD_BODY } from './scenarios.mjs';

const MAX_HEAD_BYTES = 65_536;
const BLANK_LINE = Buffer.from('\r\n\r\n');

/** @param {string} status @param {Buffer} body @param {string} [extra] */
function response(status, body, extra = '') {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: text/plain\r\ncontent-length: ${body.length}\r\n${extra}\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

const replies = new Map([
  ['/tiny', response('200 OK', Buffer.from(TINY_BODY))],
  ['/16k', response('200 OK', Buffer.alloc(KIB16, 'x'))],
  ['/1m', response('200 OK', Buffer.alloc(MIB, 'x'))],
  ['/upload', response('200 OK', Buffer.from(UPLOAD_BODY))],
]);
const notFound = response('404 Not Found', Buffer.alloc(0));
const refused = response('411 Length Required', Buffer.alloc(0), 'connection: close\r\n');

/** One client connection: bytes of an unfinished head, or the rest of a body to skip. */
class Exchange {
  /** @param {net.Socket} socket */
  constructor(socket) {
    this.socket = socket;
    this.partial = Buffer.alloc(0);
    this.bodyLeft = 0;
    this.reply = notFound;
    socket.on('data', (chunk) => this.onData(chunk));
    // A load generator resets its connections when it ends; 'close' follows and nothing is held here.
    socket.on('error', () => socket.destroy());
  }

  /** @param {Buffer} chunk */
  onData(chunk) {
    let rest = chunk;
    while (rest.length > 0 && !this.socket.destroyed) {
      rest = this.bodyLeft > 0 ? this.skipBody(rest) : this.readHead(rest);
    }
  }

  /** @param {Buffer} chunk @returns {Buffer} what follows the body */
  skipBody(chunk) {
    const taken = Math.min(chunk.length, this.bodyLeft);
    this.bodyLeft -= taken;
    if (this.bodyLeft === 0) this.socket.write(this.reply);
    return chunk.subarray(taken);
  }

  /** @param {Buffer} chunk @returns {Buffer} what follows the head; nothing while the head is unfinished */
  readHead(chunk) {
    const bytes = this.partial.length === 0 ? chunk : Buffer.concat([this.partial, chunk]);
    const end = bytes.indexOf(BLANK_LINE);
    if (end < 0) return this.keepPartial(bytes);
    this.partial = Buffer.alloc(0);
    const head = bytes.toString('latin1', 0, end);
    const pathStart = head.indexOf(' ') + 1;
    this.reply = replies.get(head.slice(pathStart, head.indexOf(' ', pathStart))) ?? notFound;
    if (head.startsWith('GET ')) this.socket.write(this.reply);
    else this.beginBody(head);
    return bytes.subarray(end + 4);
  }

  /** @param {Buffer} bytes */
  keepPartial(bytes) {
    if (bytes.length > MAX_HEAD_BYTES) this.socket.destroy();
    // The chunk may be a view of a buffer that is about to be reused.
    this.partial = Buffer.from(bytes);
    return bytes.subarray(bytes.length);
  }

  /** @param {string} head */
  beginBody(head) {
    const length = /\r\ncontent-length:[ \t]*(\d+)/i.exec(head);
    if (!length) return void this.socket.end(refused);
    this.bodyLeft = Number(length[1]);
    if (this.bodyLeft === 0) this.socket.write(this.reply);
  }
}

const port = Number(process.argv[2]);
net
  .createServer({ noDelay: true }, (socket) => void new Exchange(socket))
  .listen({ port, host: '127.0.0.1', backlog: 4096 });
