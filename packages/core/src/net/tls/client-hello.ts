/**
 * Reads what a ClientHello asks for, so that the context can be chosen before OpenSSL sees it. Nothing is decided on
 * what is malformed: OpenSSL gets the same bytes and refuses them in its own words.
 *
 *   record: type(1)=22 version(2) length(2) · handshake: type(1)=1 length(3) · hello
 */

/** What a client asks for. */
export interface ClientHello {
  /** In lower case; '' when none is given. */
  readonly serverName: string;
  /** ALPN, in the client's order. */
  readonly protocols: readonly string[];
  /** The client can keep sessions itself, or resumes them the way of TLS 1.3. */
  readonly takesTickets: boolean;
}

/** `more`: the hello is not there in full yet. `other`: these bytes are no (acceptable) hello. */
export type HelloResult = ClientHello | 'more' | 'other';

/** Longest hello that is waited for, headers included. */
export const MAX_HELLO_BYTES = 32 * 1024;

/** Records that a hello may be spread over. It is read again with every piece that comes: thousands would be an attack. */
const MAX_RECORDS = 64;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
const SESSION_TICKET = 35;
const PSK_KEY_EXCHANGE_MODES = 45;

/** Reads the first bytes of a connection. */
export function readClientHello(bytes: Buffer): HelloResult {
  const hello = helloBody(bytes);
  if (typeof hello === 'string') return hello;
  return readHello(new Reader(hello)) ?? 'other';
}

/** The hello out of its records; it may be spread over several. */
function helloBody(bytes: Buffer): Buffer | 'more' | 'other' {
  const parts: Buffer[] = [];
  let have = 0;
  let at = 0;
  while (parts.length < MAX_RECORDS) {
    if (bytes.length > at && bytes[at] !== HANDSHAKE_RECORD) return 'other';
    if (bytes.length > at + 1 && bytes[at + 1] !== 3) return 'other';
    if (bytes.length < at + 5) return 'more';
    const length = bytes.readUInt16BE(at + 3);
    if (length === 0) return 'other';
    const part = bytes.subarray(at + 5, at + 5 + length);
    parts.push(part);
    have += part.length;
    const joined = parts.length === 1 ? part : Buffer.concat(parts, have);
    if (joined.length > 0 && joined[0] !== CLIENT_HELLO) return 'other';
    if (joined.length >= 4) {
      const wanted = 4 + joined.readUIntBE(1, 3);
      if (wanted > MAX_HELLO_BYTES) return 'other';
      if (joined.length >= wanted) return joined.subarray(4, wanted);
    }
    if (part.length < length) return 'more';
    at += 5 + length;
  }
  return 'other';
}

function readHello(reader: Reader): ClientHello | undefined {
  reader.skip(2 + 32);
  reader.skip(reader.uint8());
  reader.skip(reader.uint16());
  reader.skip(reader.uint8());
  let serverName = '';
  let protocols: string[] = [];
  let takesTickets = false;
  // A hello may end here: extensions are optional.
  const end = reader.left === 0 ? reader.at : reader.at + 2 + reader.uint16();
  while (!reader.failed && reader.at < end) {
    const type = reader.uint16();
    const body = reader.sub(reader.uint16());
    if (type === SERVER_NAME) serverName = readServerName(body) ?? serverName;
    else if (type === ALPN) protocols = readProtocols(body);
    else if (type === SESSION_TICKET || type === PSK_KEY_EXCHANGE_MODES) takesTickets = true;
  }
  return reader.failed ? undefined : { serverName, protocols, takesTickets };
}

/** list length(2) · type(1)=0 · length(2) · name */
function readServerName(body: Reader): string | undefined {
  body.skip(2);
  while (!body.failed && body.left > 0) {
    const type = body.uint8();
    const name = body.sub(body.uint16());
    if (type === 0 && !name.failed) return name.text().toLowerCase();
  }
  return undefined;
}

/** list length(2) · [length(1) · name]… */
function readProtocols(body: Reader): string[] {
  const names: string[] = [];
  body.skip(2);
  while (!body.failed && body.left > 0) names.push(body.sub(body.uint8()).text());
  return body.failed ? [] : names;
}

/** Reads forwards; beyond the end it only notes that it failed. */
class Reader {
  private readonly bytes: Buffer;
  at = 0;
  failed = false;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  uint8(): number {
    if (this.left < 1) return this.fail();
    return this.bytes[this.at++] as number;
  }

  uint16(): number {
    if (this.left < 2) return this.fail();
    this.at += 2;
    return this.bytes.readUInt16BE(this.at - 2);
  }

  skip(count: number): void {
    if (this.left < count) this.fail();
    else this.at += count;
  }

  sub(count: number): Reader {
    const from = this.at;
    this.skip(count);
    const inner = new Reader(this.bytes.subarray(from, this.failed ? from : this.at));
    inner.failed = this.failed;
    return inner;
  }

  text(): string {
    return this.bytes.toString('latin1');
  }

  private fail(): number {
    this.failed = true;
    return 0;
  }
}
