/** A connection of bytes, in clear or over TLS: what is sent, and what becomes of it. */
import { once } from 'node:events';
import net from 'node:net';
import tls from 'node:tls';
import { within } from './talk.ts';

/** What a dial does. */
export interface DialSpec {
  /** Sent before all else, also before a handshake: a PROXY header. */
  readonly before?: string | Buffer;
  /** Over TLS, with these options. */
  readonly secure?: tls.ConnectionOptions;
  /** Sent when connected. */
  readonly send?: string;
  /** Ends its direction behind what it sends. */
  readonly half?: boolean;
  /** The same, but only when so much text has come: Envoy gives up a connection that is ended before its listener filters are through. */
  readonly halfBehind?: number;
  /** Closes when so much text has come; otherwise when the other side ends. */
  readonly enough?: number;
}

/** What came of it. */
export interface Dialled {
  readonly text: string;
  /** How it ended: `fin`, `closed` (by RST, or without a word), `open`, `enough`, or why TLS failed. */
  readonly end: string;
  /** What TLS came to. */
  readonly tls?: { readonly alpn: string | false | null; readonly version: string | null; readonly subject: string };
}

/** Connects, sends, and reads to the end. */
export async function dial(port: number, spec: DialSpec = {}): Promise<Dialled> {
  const plain = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  plain.on('error', () => {});
  const connected = await once(plain, 'connect').then(
    () => true,
    () => false,
  );
  if (!connected) return { text: '', end: 'closed' };
  if (spec.before !== undefined) plain.write(spec.before as string, 'latin1');
  const socket =
    spec.secure === undefined
      ? plain
      : tls.connect({ socket: plain, rejectUnauthorized: false, ...spec.secure } as tls.ConnectionOptions);
  let text = '';
  let error: NodeJS.ErrnoException | undefined;
  const ended = new Promise<string>((resolve) => {
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString('latin1');
      if (spec.halfBehind !== undefined && text.length >= spec.halfBehind) socket.end();
      if (spec.enough !== undefined && text.length >= spec.enough) resolve('enough');
    });
    socket.on('end', () => resolve('fin'));
    socket.on('error', (why: NodeJS.ErrnoException) => {
      error = why;
    });
    socket.on('close', () => resolve(reason(error)));
  });
  let facts: Dialled['tls'];
  if (socket instanceof tls.TLSSocket) {
    socket.on('secureConnect', () => {
      facts = secured(socket);
    });
    await Promise.race([once(socket, 'secureConnect').catch(() => {}), ended]);
  }
  if (spec.send !== undefined) socket.write(spec.send, 'latin1');
  if (spec.half === true) socket.end();
  const end = await within(ended, 'open');
  socket.destroy();
  plain.destroy();
  // Where nothing was said, what was left unread decides between the two.
  const quiet = text === '' && (end === 'fin' || end === 'closed');
  return { text, end: quiet ? 'closed' : end, ...(facts === undefined ? {} : { tls: facts }) };
}

function secured(socket: tls.TLSSocket): NonNullable<Dialled['tls']> {
  const subject = String(socket.getPeerCertificate()?.subject?.CN ?? '');
  return { alpn: socket.alpnProtocol, version: socket.getProtocol(), subject };
}

function reason(error: NodeJS.ErrnoException | undefined): string {
  if (error === undefined) return 'fin';
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return 'closed';
  return error.code ?? error.message;
}
