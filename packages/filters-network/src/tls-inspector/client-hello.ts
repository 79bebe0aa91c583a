/**
 * Reads a ClientHello (RFC 8446 4.1.2) from the first bytes of a connection. What counts as one, and as a server name,
 * is what BoringSSL takes: Envoy asks it. Nothing is kept between calls: bytes are few, and reading them is quick.
 */

/** What the bytes are. */
export type HelloVerdict =
  /** Not enough to tell. */
  | 'incomplete'
  /** Something else than TLS, or broken. */
  | 'not tls'
  /** TLS of a version that nobody speaks any more, or not yet. */
  | 'version'
  | ClientHello;

/** What a ClientHello says. */
export interface ClientHello {
  /** In lower case; '' without one. */
  readonly serverName: string;
  /** In the client's order; `undefined` without any that can be read. */
  readonly protocols: readonly string[] | undefined;
  /** Bytes that it took. */
  readonly size: number;
}

const RECORD_HEADER = 5;
/** Records that a hello may be spread over. It is read again with every piece that comes: thousands would be an attack. */
const MAX_RECORDS = 512;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
/** Longest record, with what encryption adds. */
const MAX_RECORD = 16_384 + 256 + 64;
/** Longest handshake message that BoringSSL takes. */
const MAX_MESSAGE = 16_384;
const SERVER_NAME = 0;
const ALPN = 16;

/** Bytes whose lengths are checked: past the end it answers 0 and is `broken`. */
class Reader {
  broken = false;
  private readonly bytes: Buffer;
  private at: number;
  private readonly end: number;

  constructor(bytes: Buffer, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get left(): number {
    return this.end - this.at;
  }

  uint(size: 1 | 2 | 3): number {
    const at = this.skip(size);
    return at < 0 ? 0 : this.bytes.readUIntBE(at, size);
  }

  /** What a length of `size` bytes stands before. */
  vector(size: 1 | 2): Reader {
    const length = this.uint(size);
    const at = this.skip(length);
    return at < 0 ? new Reader(this.bytes, 0, 0) : new Reader(this.bytes, at, at + length);
  }

  /** Where the skipped bytes began; -1 when there are not so many. */
  skip(size: number): number {
    if (this.broken || size > this.left) {
      this.broken = true;
      return -1;
    }
    const { at } = this;
    this.at += size;
    return at;
  }

  text(): string {
    return this.bytes.toString('latin1', this.at, this.end);
  }
}

/** Where a message is put together whose bytes are spread over records; nobody looks at it after the call. */
const scratch = Buffer.allocUnsafe(4 + MAX_MESSAGE);

/** Judges what has arrived so far. */
export function readClientHello(bytes: Buffer): HelloVerdict {
  let gathered = 0;
  let size = -1;
  let at = 0;
  for (let record = 0; record < MAX_RECORDS; record++) {
    if (bytes.length - at < RECORD_HEADER) return 'incomplete';
    const length = bytes.readUInt16BE(at + 3);
    if (bytes[at] !== HANDSHAKE_RECORD || bytes[at + 1] !== 3 || length > MAX_RECORD) return 'not tls';
    const from = at + RECORD_HEADER;
    const to = Math.min(from + length, bytes.length);
    gathered += bytes.copy(scratch, gathered, from, to);
    if (gathered > 0 && scratch[0] !== CLIENT_HELLO) return 'not tls';
    if (size < 0 && gathered >= 4) size = scratch.readUIntBE(1, 3);
    if (size > MAX_MESSAGE) return 'not tls';
    if (size >= 0 && gathered >= 4 + size) return parse(new Reader(scratch, 4, 4 + size), to);
    at = from + length;
    if (at > bytes.length) return 'incomplete';
  }
  return 'not tls';
}

function parse(hello: Reader, size: number): HelloVerdict {
  const version = hello.uint(2);
  hello.skip(32);
  const sessionId = hello.vector(1);
  const ciphers = hello.vector(2);
  const compressions = hello.vector(1);
  const malformed = sessionId.left > 32 || ciphers.left === 0 || ciphers.left % 2 !== 0 || compressions.left === 0;
  if (hello.broken || malformed) return 'not tls';
  const extensions = hello.left === 0 ? undefined : hello.vector(2);
  if (hello.broken || hello.left > 0) return 'not tls';
  const found = extensions === undefined ? NO_EXTENSIONS : readExtensions(extensions);
  if (found === undefined) return 'not tls';
  if (version >> 8 !== 3 || version === 0x0300) return 'version';
  return { ...found, size };
}

type Found = Omit<ClientHello, 'size'>;
const NO_EXTENSIONS: Found = { serverName: '', protocols: undefined };

function readExtensions(extensions: Reader): Found | undefined {
  const seen = new Set<number>();
  let serverName: string | undefined = '';
  let protocols: readonly string[] | undefined;
  while (extensions.left > 0) {
    const type = extensions.uint(2);
    const body = extensions.vector(2);
    if (extensions.broken || seen.has(type)) return undefined;
    seen.add(type);
    if (type === SERVER_NAME) serverName = readServerName(body);
    else if (type === ALPN) protocols = readProtocols(body);
    if (serverName === undefined) return undefined;
  }
  return { serverName, protocols };
}

/** The list has exactly one name, which is a host's; RFC 6066 allows others that nobody has defined. */
function readServerName(body: Reader): string | undefined {
  const list = body.vector(2);
  const type = list.uint(1);
  const name = list.vector(2);
  if (body.broken || list.broken || body.left > 0 || list.left > 0 || type !== 0) return undefined;
  const text = name.text();
  return text === '' || text.length > 255 || text.includes('\0') ? undefined : text.toLowerCase();
}

/** A list that is malformed is as good as none: the handshake will tell the client. */
function readProtocols(body: Reader): readonly string[] | undefined {
  const list = body.vector(2);
  if (body.broken || body.left > 0 || list.left < 2) return undefined;
  const protocols: string[] = [];
  while (list.left > 0) {
    const name = list.vector(1);
    if (list.broken || name.left === 0) return undefined;
    protocols.push(name.text());
  }
  return protocols;
}
