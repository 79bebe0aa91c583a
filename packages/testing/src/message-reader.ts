/**
 * A strict reader of one HTTP/1.1 message (RFC 9112) for the raw client and the test upstreams. It is written apart
 * from the proxy's own parser on purpose: a mistake there must not be repeated here.
 */

const CRLF = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');
const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/;
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/;
const REQUEST_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/;

/** A head: its first line in parts, and the field lines as they came. */
export interface MessageHead {
  /** 0 for HTTP/1.0. */
  readonly minor: number;
  /** `[method, target]` or `[status, reason]`. */
  readonly start: readonly [string, string];
  readonly lines: readonly (readonly [name: string, value: string])[];
  get(name: string): string | undefined;
}

/** How the body ends. */
export type Framing = 'none' | 'length' | 'chunked' | 'close';

/** What a {@link MessageReader} tells while it reads. */
export interface MessageEvents {
  onHead?(head: MessageHead): void;
  onData?(chunk: Buffer): void;
  onEnd?(trailers: readonly (readonly [string, string])[] | undefined): void;
}

/** The peer's bytes are not HTTP/1.1. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

export class MessageReader {
  head: MessageHead | undefined = undefined;
  framing: Framing = 'none';
  trailers: [string, string][] | undefined = undefined;
  done = false;
  private readonly kind: 'request' | 'response';
  private readonly method: string;
  private readonly events: MessageEvents;
  private rest: Buffer = Buffer.alloc(0);
  private remaining = 0;
  private state: 'head' | 'body' | 'chunk-size' | 'chunk' | 'chunk-end' | 'trailers' | 'close' = 'head';

  /** `method` is that of the request to which a response belongs: a HEAD response has no body. */
  constructor(kind: 'request' | 'response', events: MessageEvents, method = 'GET') {
    this.kind = kind;
    this.events = events;
    this.method = method;
  }

  /** Reads `bytes`; returns those behind the message once it is done. @throws WireError */
  push(bytes: Buffer): Buffer {
    this.rest = this.rest.length === 0 ? bytes : Buffer.concat([this.rest, bytes]);
    while (!this.done && this.step()) {}
    if (!this.done) return Buffer.alloc(0);
    const rest = this.rest;
    this.rest = Buffer.alloc(0);
    return rest;
  }

  /** The peer sent FIN. @throws WireError in the middle of a message. */
  end(): void {
    if (this.done) return;
    if (this.state !== 'close') {
      throw new WireError(
        `the connection ended in the middle of a message (${this.state}); ${this.rest.length} bytes left`,
      );
    }
    this.finish();
  }

  /** One step; false when more bytes are needed. */
  private step(): boolean {
    switch (this.state) {
      case 'head':
        return this.readHead();
      case 'body':
      case 'chunk':
        return this.readBody();
      case 'chunk-size':
        return this.readChunkSize();
      case 'chunk-end':
        return this.readChunkEnd();
      case 'trailers':
        return this.readTrailers();
      default:
        return this.readToClose();
    }
  }

  private readHead(): boolean {
    const end = this.rest.indexOf(HEAD_END);
    if (end < 0) return false;
    const [first = '', ...lines] = this.take(end + 4, 4).split('\r\n');
    const head = this.parseHead(first, lines.map(parseField));
    if (this.kind === 'response' && head.start[0].startsWith('1') && head.start[0] !== '101') {
      this.events.onHead?.(head);
      return true;
    }
    this.head = head;
    this.framing = this.frame(head);
    this.events.onHead?.(head);
    if (this.framing === 'chunked') this.state = 'chunk-size';
    else if (this.framing === 'close') this.state = 'close';
    else if (this.framing === 'length' && this.remaining > 0) this.state = 'body';
    else this.finish();
    return true;
  }

  private parseHead(first: string, lines: [string, string][]): MessageHead {
    const match = (this.kind === 'request' ? REQUEST_LINE : STATUS_LINE).exec(first);
    if (match === null) throw new WireError(`bad ${this.kind} line ${JSON.stringify(first)}`);
    const [, a = '', b = '', c = ''] = match;
    const get = (name: string) => lines.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
    if (this.kind === 'request') return { minor: Number(c), start: [a, b], lines, get };
    return { minor: Number(a), start: [b, c], lines, get };
  }

  private frame(head: MessageHead): Framing {
    const lengths = head.lines.filter(([name]) => name.toLowerCase() === 'content-length').map(([, value]) => value);
    const codings = head.lines.filter(([name]) => name.toLowerCase() === 'transfer-encoding').map(([, value]) => value);
    if (lengths.length > 1) throw new WireError(`${lengths.length} content-length fields`);
    if (lengths.length > 0 && codings.length > 0) throw new WireError('content-length beside transfer-encoding');
    if (lengths[0] !== undefined && !/^[0-9]+$/.test(lengths[0]))
      throw new WireError(`bad content-length ${lengths[0]}`);
    if (this.bodiless(head)) return 'none';
    if (codings.length > 0) {
      if (codings.join() !== 'chunked') throw new WireError(`transfer-encoding: ${codings.join(', ')}`);
      return 'chunked';
    }
    this.remaining = Number(lengths[0] ?? 0);
    if (lengths[0] !== undefined) return 'length';
    return this.kind === 'request' ? 'none' : 'close';
  }

  private bodiless({ start: [status] }: MessageHead): boolean {
    return (
      this.kind === 'response' && (this.method === 'HEAD' || status === '204' || status === '304' || status === '101')
    );
  }

  private readBody(): boolean {
    if (this.rest.length === 0) return false;
    const chunk = this.rest.subarray(0, this.remaining);
    this.rest = this.rest.subarray(chunk.length);
    this.remaining -= chunk.length;
    this.events.onData?.(chunk);
    if (this.remaining > 0) return true;
    if (this.state === 'chunk') this.state = 'chunk-end';
    else this.finish();
    return true;
  }

  private readChunkSize(): boolean {
    const end = this.rest.indexOf(CRLF);
    if (end < 0) return false;
    const size = this.take(end + 2, 2);
    if (!/^[0-9a-fA-F]+$/.test(size)) throw new WireError(`bad chunk size ${JSON.stringify(size)}`);
    this.remaining = Number.parseInt(size, 16);
    this.state = this.remaining === 0 ? 'trailers' : 'chunk';
    return true;
  }

  private readChunkEnd(): boolean {
    if (this.rest.length < 2) return false;
    if (this.take(2, 0) !== '\r\n') throw new WireError('no CRLF behind a chunk');
    this.state = 'chunk-size';
    return true;
  }

  private readTrailers(): boolean {
    if (this.rest.length < 2) return false;
    if (this.rest[0] === 13 && this.rest[1] === 10) {
      this.take(2, 0);
      this.finish();
      return true;
    }
    const end = this.rest.indexOf(HEAD_END);
    if (end < 0) return false;
    this.trailers = this.take(end + 4, 4)
      .split('\r\n')
      .map(parseField);
    this.finish();
    return true;
  }

  private readToClose(): boolean {
    if (this.rest.length > 0) this.events.onData?.(this.rest);
    this.rest = Buffer.alloc(0);
    return false;
  }

  private finish(): void {
    this.done = true;
    this.events.onEnd?.(this.trailers);
  }

  /** Cuts `length` bytes off the front and returns them as text without the last `less`. */
  private take(length: number, less: number): string {
    const text = this.rest.toString('latin1', 0, length - less);
    this.rest = this.rest.subarray(length);
    return text;
  }
}

function parseField(line: string): [string, string] {
  const match = FIELD.exec(line);
  if (match === null) throw new WireError(`bad field line ${JSON.stringify(line)}`);
  return [match[1] as string, match[2] as string];
}
