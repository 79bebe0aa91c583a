/**
 * A strict reader of HTTP/1 byte streams, written apart from the proxy's own parser on purpose: it judges what the
 * proxy sends to upstreams and clients. What it does not accept is a finding.
 */

/** One message, as it stood on the wire. Names are lower case. */
export interface Message {
  readonly startLine: string;
  readonly fields: readonly (readonly [string, string])[];
  readonly body: string;
  readonly trailers: readonly (readonly [string, string])[];
  /** All of its bytes have arrived. */
  readonly complete: boolean;
  /** The head as it was sent. */
  readonly head: string;
  readonly framing: 'none' | 'length' | 'chunked' | 'close';
}

/** What a stream holds: messages (only the last may be incomplete), and why reading stopped early, if it did. */
export interface Stream {
  readonly messages: readonly Message[];
  /** Bytes behind the last complete message. */
  readonly rest: string;
  readonly violation: string | undefined;
}

export interface ReadOptions {
  readonly kind: 'request' | 'response';
  /** For responses: the method of the request that the nth final response answers. */
  readonly methods?: readonly string[];
  /** For responses: the sender has closed, which ends a body without framing. */
  readonly closed?: boolean;
}

class Violation extends Error {}

const FIELD = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/s;
const REQUEST_LINE = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [\x21-\x7e]+ HTTP\/1\.1$/;
const STATUS_LINE = /^HTTP\/1\.1 [1-9][0-9][0-9] [\t\x20-\x7e\x80-\xff]*$/;

/** Reads as many messages as `text` holds. */
export function readMessages(text: string, options: ReadOptions): Stream {
  const messages: Message[] = [];
  let rest = text;
  let finals = 0;
  try {
    while (rest !== '') {
      const method = options.methods?.[finals] ?? 'GET';
      const read = readMessage(rest, options, method);
      if (read === undefined) break;
      messages.push(read.message);
      if (!read.message.complete) break;
      if (options.kind === 'request' || status(read.message) >= 200) finals++;
      rest = rest.slice(read.used);
    }
    return { messages, rest, violation: undefined };
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { messages, rest, violation: `${error.message} in ${JSON.stringify(rest.slice(0, 300))}` };
  }
}

/** The status of a response. */
export function status(message: Message): number {
  return Number(message.startLine.slice(9, 12));
}

/** The last response to its request: what comes behind a 101 is not HTTP any more. */
export function isFinal(message: Message): boolean {
  return status(message) >= 200 || status(message) === 101;
}

/** Every value of a field, in order. */
export function valuesOf(message: Message, name: string): string[] {
  return message.fields.filter(([field]) => field === name).map(([, value]) => value);
}

function readMessage(
  text: string,
  options: ReadOptions,
  method: string,
): { message: Message; used: number } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) {
    checkOpenLines(text);
    return undefined;
  }
  const [startLine, ...fieldLines] = splitLines(text.slice(0, end));
  const pattern = options.kind === 'request' ? REQUEST_LINE : STATUS_LINE;
  if (!pattern.test(startLine as string)) throw new Violation(`start line ${JSON.stringify(startLine)}`);
  const fields = fieldLines.map(readField);
  const framing = framingOf(startLine as string, fields, options.kind, method);
  const body = readBody(text, end + 4, framing, fields, options.closed ?? false);
  return {
    message: {
      startLine: startLine as string,
      fields,
      body: body.text,
      trailers: body.trailers,
      complete: body.complete,
      head: text.slice(0, end + 4),
      framing,
    },
    used: body.end,
  };
}

/** A head that has not ended yet: its finished lines must be clean already. */
function checkOpenLines(text: string): void {
  splitLines(text.endsWith('\r') ? text.slice(0, -1) : text);
}

function splitLines(text: string): string[] {
  const lines = text.split('\r\n');
  for (const line of lines) {
    if (/[\r\n\0]/.test(line)) throw new Violation(`bare CR, LF or NUL in line ${JSON.stringify(line.slice(0, 100))}`);
  }
  return lines;
}

function readField(line: string): [string, string] {
  const parts = FIELD.exec(line);
  if (parts === null) throw new Violation(`field line ${JSON.stringify(line.slice(0, 100))}`);
  return [(parts[1] as string).toLowerCase(), parts[2] as string];
}

function framingOf(
  startLine: string,
  fields: readonly (readonly [string, string])[],
  kind: 'request' | 'response',
  method: string,
): Message['framing'] {
  const all = (name: string) => fields.filter(([field]) => field === name).map(([, value]) => value);
  const lengths = all('content-length');
  const codings = all('transfer-encoding');
  if (kind === 'request' && all('host').length !== 1) throw new Violation(`${all('host').length} Host fields`);
  if (lengths.length > 1) throw new Violation('two Content-Lengths');
  if (lengths.length === 1 && !/^(0|[1-9][0-9]*)$/.test(lengths[0] as string)) {
    throw new Violation(`Content-Length ${lengths[0]}`);
  }
  if (codings.length > 0 && (codings.length > 1 || codings[0] !== 'chunked')) throw new Violation('Transfer-Encoding');
  if (codings.length > 0 && lengths.length > 0) throw new Violation('Content-Length with Transfer-Encoding');
  if (kind === 'response') {
    const code = Number(startLine.slice(9, 12));
    if (code < 200 || code === 204) {
      if (codings.length > 0 || lengths.length > 0) throw new Violation(`framing fields in a ${code}`);
      return 'none';
    }
    if (code === 304 || method === 'HEAD') return 'none';
    if (method === 'CONNECT' && code < 300) {
      if (codings.length > 0 || lengths.length > 0) throw new Violation('framing fields in the head of a tunnel');
      return 'none';
    }
  }
  if (codings.length > 0) return 'chunked';
  if (lengths.length > 0) return 'length';
  return kind === 'request' ? 'none' : 'close';
}

interface Body {
  readonly text: string;
  readonly trailers: readonly (readonly [string, string])[];
  readonly complete: boolean;
  readonly end: number;
}

function readBody(
  text: string,
  from: number,
  framing: Message['framing'],
  fields: readonly (readonly [string, string])[],
  closed: boolean,
): Body {
  if (framing === 'none') return { text: '', trailers: [], complete: true, end: from };
  if (framing === 'chunked') return readChunks(text, from);
  if (framing === 'close') return { text: text.slice(from), trailers: [], complete: closed, end: text.length };
  const length = Number(fields.find(([name]) => name === 'content-length')?.[1]);
  const end = from + length;
  return { text: text.slice(from, end), trailers: [], complete: end <= text.length, end };
}

function readChunks(text: string, from: number): Body {
  let at = from;
  let body = '';
  const open = (): Body => ({ text: body, trailers: [], complete: false, end: text.length });
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return open();
    const line = text.slice(at, lineEnd);
    if (!/^[0-9a-f]{1,13}$/i.test(line)) throw new Violation(`chunk line ${JSON.stringify(line.slice(0, 100))}`);
    const size = Number.parseInt(line, 16);
    at = lineEnd + 2;
    if (size === 0) break;
    body += text.slice(at, at + size);
    at += size;
    if (text.length < at + 2) return open();
    if (text.slice(at, at + 2) !== '\r\n') throw new Violation('chunk data without CRLF');
    at += 2;
  }
  if (text.startsWith('\r\n', at)) return { text: body, trailers: [], complete: true, end: at + 2 };
  const end = text.indexOf('\r\n\r\n', at);
  if (end < 0) return open();
  return { text: body, trailers: splitLines(text.slice(at, end)).map(readField), complete: true, end: end + 4 };
}
