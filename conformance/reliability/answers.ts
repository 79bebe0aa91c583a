/** Reads responses from a byte stream and says of each whether it was whole. Lenient on purpose: it judges truncation. */

/** One response. */
export interface Answer {
  readonly status: number;
  /** Lower-case names; of repeated fields the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** Latin-1, without chunk framing. */
  readonly body: string;
  /** False when the connection ended before the end that the framing promised. */
  readonly whole: boolean;
}

interface Head {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Where the body begins. */
  readonly at: number;
}

/** Splits one connection's bytes into answers. Knows no HEAD requests. */
export class AnswerReader {
  #text = '';
  #head: Head | undefined = undefined;

  /** Adds bytes; returns the answers that are whole now. */
  feed(chunk: Buffer): Answer[] {
    this.#text += chunk.toString('latin1');
    const answers: Answer[] = [];
    for (let answer = this.#take(); answer !== undefined; answer = this.#take()) answers.push(answer);
    return answers;
  }

  /** The connection is gone: what is left of an answer. `orderly` is false after a reset. */
  end(orderly: boolean): Answer | undefined {
    const head = this.#head;
    if (head === undefined) return undefined;
    this.#head = undefined;
    const untilClose = !head.headers.has('content-length') && !head.headers.has('transfer-encoding');
    const chunked = head.headers.get('transfer-encoding') === 'chunked';
    const body = chunked ? partOfChunks(this.#text, head.at) : this.#text.slice(head.at);
    return { status: head.status, headers: head.headers, body, whole: untilClose && orderly };
  }

  /** True while bytes of an unfinished answer are held. */
  get midway(): boolean {
    return this.#text !== '';
  }

  #take(): Answer | undefined {
    const head = this.#head ?? readHead(this.#text);
    if (head === undefined) return undefined;
    if (head.status < 200) {
      this.#text = this.#text.slice(head.at);
      return this.#take();
    }
    this.#head = head;
    const body = readBody(this.#text, head);
    if (body === undefined) return undefined;
    this.#text = this.#text.slice(body.end);
    this.#head = undefined;
    return { status: head.status, headers: head.headers, body: body.text, whole: true };
  }
}

function readHead(text: string): Head | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim());
  }
  return { status: Number(first.split(' ')[1]), headers, at: end + 4 };
}

function readBody(text: string, { status, headers, at }: Head): { text: string; end: number } | undefined {
  if (status === 204 || status === 304) return { text: '', end: at };
  if (headers.get('transfer-encoding') === 'chunked') return readChunks(text, at);
  const length = headers.get('content-length');
  if (length === undefined) return undefined;
  const end = at + Number(length);
  return text.length < end ? undefined : { text: text.slice(at, end), end };
}

interface Chunk {
  readonly size: number;
  readonly text: string;
  /** Where the next chunk begins; behind the text's end when this one is not whole. */
  readonly end: number;
}

function readChunk(text: string, at: number): Chunk | undefined {
  const lineEnd = text.indexOf('\r\n', at);
  if (lineEnd < 0) return undefined;
  const size = Number.parseInt(text.slice(at, lineEnd), 16);
  const start = lineEnd + 2;
  return { size, text: text.slice(start, start + size), end: start + size + 2 };
}

/** Only the final chunk ends it; trailers are not expected. */
function readChunks(text: string, start: number): { text: string; end: number } | undefined {
  let body = '';
  let chunk = readChunk(text, start);
  while (chunk !== undefined && chunk.end <= text.length) {
    if (chunk.size === 0) return { text: body, end: chunk.end };
    body += chunk.text;
    chunk = readChunk(text, chunk.end);
  }
  return undefined;
}

/** All that came of a body that was cut. */
function partOfChunks(text: string, start: number): string {
  let body = '';
  for (let chunk = readChunk(text, start); chunk !== undefined; chunk = readChunk(text, chunk.end)) body += chunk.text;
  return body;
}
