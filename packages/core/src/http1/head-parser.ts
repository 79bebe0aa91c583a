/**
 * Scans one HTTP/1 head (or trailer section) byte by byte, resumable at any byte, and leaves offsets of its parts.
 * Invariants: only CRLF ends a line; nothing is decoded before the whole head is there; each byte is looked at once,
 * however the input is split. Hot path: benchmarks/micro/http1-parser.bench.mjs.
 */
import { HASH_SEED, TOKEN } from '../headers/names.ts';
import { type ProtocolError, ProtocolErrors } from './protocol-error.ts';

/** Answers of {@link HeadParser.feed} other than a position. */
export const NEED_MORE = -1;
export const FAILED = -2;

/** What the scanner is given to scan. */
export const Section = { request: 0, response: 1, trailers: 2 } as const;
export type SectionKind = (typeof Section)[keyof typeof Section];

const State = {
  start: 0,
  startLf: 1,
  method: 2,
  target: 3,
  version: 4,
  lineLf: 5,
  fieldStart: 6,
  name: 7,
  ows: 8,
  value: 9,
  valueLf: 10,
  endLf: 11,
  statusLine: 12,
} as const;

const CR = 13;
const LF = 10;
const SP = 32;
const TAB = 9;
const COLON = 58;

/** Bytes allowed in a field value or a reason phrase (RFC 9110 5.5): HTAB, SP, visible, obs-text. */
const VALUE = new Uint8Array(256).fill(1, 32, 256);
VALUE[127] = 0;
VALUE[TAB] = 1;
/** Bytes allowed in a request target: visible US-ASCII. */
const TARGET = new Uint8Array(256).fill(1, 33, 127);

/** Numbers kept per field: name start, name end, value start, value end, hash of the lower-case name. */
export const MARKS = 5;

const EMPTY = Buffer.alloc(0);

/** Limits of one message head; see Envoy's `max_request_headers_kb` and `max_headers_count`. */
export interface HeadLimits {
  /** Bytes of start line and fields together; 60 KiB by default in Envoy. */
  readonly maxBytes: number;
  /** Field lines; 100 by default in Envoy. */
  readonly maxFields: number;
}

export class HeadParser {
  /** What is wrong after `feed` returned `FAILED`. */
  error: ProtocolError = ProtocolErrors.badStartLine;
  /** The buffer that the offsets below point into; valid until the next `feed`. */
  bytes: Buffer = EMPTY;
  /** Offset of the head's first byte in `bytes`. */
  base = 0;
  methodEnd = 0;
  targetEnd = 0;
  /** Start of the version (requests) or of the status line (responses). */
  versionStart = 0;
  lineEnd = 0;
  fieldCount = 0;
  /** Offset in `bytes` behind the head, after `feed` returned a position. */
  headEnd = 0;
  marks: Int32Array;

  private readonly section: SectionKind;
  private readonly limits: HeadLimits;
  private ownState: number;
  private at = 0;
  private ownHash = HASH_SEED;
  private valueEnd = 0;
  private blankLines = 0;
  /** Input of a head that did not arrive whole. */
  private carry: Buffer = EMPTY;
  private carried = 0;

  constructor(section: SectionKind, limits: HeadLimits, marks = new Int32Array(24 * MARKS)) {
    this.section = section;
    this.limits = limits;
    this.marks = marks;
    this.ownState = this.first();
  }

  /** True while part of a head has been seen. */
  get started(): boolean {
    return this.carried > 0;
  }

  /** Takes input from `chunk[pos..]`; the position after the head in `chunk`, `NEED_MORE` or `FAILED`. */
  feed(chunk: Buffer, pos: number): number {
    if (this.carried > 0) return this.feedCarried(chunk, pos);
    this.bytes = chunk;
    this.base = pos;
    this.at = pos;
    this.ownState = this.first();
    this.blankLines = 0;
    this.fieldCount = 0;
    const end = this.scan(chunk, pos, Math.min(chunk.length, pos + this.limits.maxBytes));
    if (end !== NEED_MORE) return end;
    if (chunk.length - pos >= this.limits.maxBytes) return this.fail(this.tooLarge());
    this.keep(chunk, pos, chunk.length);
    return NEED_MORE;
  }

  /** Forgets a partial head and the buffers that belong to it. */
  reset(): void {
    this.carry = EMPTY;
    this.carried = 0;
    this.bytes = EMPTY;
    this.ownState = this.first();
  }

  private first(): number {
    if (this.section === Section.request) return State.start;
    return this.section === Section.response ? State.statusLine : State.fieldStart;
  }

  private tooLarge(): ProtocolError {
    return this.section === Section.trailers ? ProtocolErrors.trailersTooLarge : ProtocolErrors.headTooLarge;
  }

  private fail(error: ProtocolError): number {
    this.error = error;
    return FAILED;
  }

  /** Copies what was scanned so far, so that the chunk can be let go; offsets move to the copy. */
  private keep(chunk: Buffer, from: number, to: number): void {
    this.carry = Buffer.allocUnsafe(Math.max(1024, (to - from) * 2));
    chunk.copy(this.carry, 0, from, to);
    this.carried = to - from;
    this.shift(-from);
    this.bytes = this.carry;
    this.base -= from;
  }

  private shift(by: number): void {
    this.at += by;
    this.methodEnd += by;
    this.targetEnd += by;
    this.versionStart += by;
    this.lineEnd += by;
    this.valueEnd += by;
    const marks = this.marks;
    const used = Math.min(marks.length, (this.fieldCount + 1) * MARKS);
    for (let i = 0; i < used; i++) if (i % MARKS !== MARKS - 1) marks[i] = (marks[i] as number) + by;
  }

  private feedCarried(chunk: Buffer, pos: number): number {
    const before = this.carried;
    const room = this.limits.maxBytes - before;
    const taken = Math.min(chunk.length - pos, room);
    if (before + taken > this.carry.length) {
      const grown = Buffer.allocUnsafe((before + taken) * 2);
      this.carry.copy(grown, 0, 0, before);
      this.carry = grown;
      this.bytes = grown;
    }
    chunk.copy(this.carry, before, pos, pos + taken);
    this.carried = before + taken;
    const end = this.scan(this.carry, before, this.carried);
    if (end === FAILED) return FAILED;
    if (end === NEED_MORE) return this.carried >= this.limits.maxBytes ? this.fail(this.tooLarge()) : NEED_MORE;
    this.carried = 0;
    this.carry = EMPTY;
    return pos + (end - before);
  }

  private scan(bytes: Buffer, from: number, end: number): number {
    let i = from;
    let state = this.ownState;
    while (i < end) {
      const byte = bytes[i] as number;
      switch (state) {
        case State.value: {
          while (i < end && VALUE[bytes[i] as number] === 1) i++;
          if (i === end) break;
          if (bytes[i] !== CR) return this.fail(this.valueError(bytes[i] as number));
          this.valueEnd = i++;
          state = State.valueLf;
          break;
        }
        case State.name: {
          let hash = this.ownHash;
          let code = byte;
          let lower = TOKEN[code] as number;
          while (lower !== 0) {
            hash = (Math.imul(hash, 33) ^ lower) | 0;
            if (++i === end) break;
            code = bytes[i] as number;
            lower = TOKEN[code] as number;
          }
          this.ownHash = hash;
          if (i === end) break;
          if (code !== COLON) return this.fail(ProtocolErrors.badFieldName);
          this.markName(i++, hash);
          state = State.ows;
          break;
        }
        case State.ows:
          if (byte === SP || byte === TAB) {
            i++;
            break;
          }
          this.at = i;
          state = State.value;
          break;
        case State.valueLf:
          if (byte !== LF) return this.fail(ProtocolErrors.badLineEnd);
          this.markValue(bytes);
          i++;
          state = State.fieldStart;
          break;
        case State.fieldStart:
          if (byte === CR) {
            i++;
            state = State.endLf;
            break;
          }
          if (TOKEN[byte] === 0) {
            const folded = byte === SP || byte === TAB;
            return this.fail(folded ? ProtocolErrors.foldedField : ProtocolErrors.badFieldName);
          }
          if (this.fieldCount >= this.limits.maxFields) return this.fail(ProtocolErrors.tooManyFields);
          this.at = i;
          this.ownHash = HASH_SEED;
          this.ensureMarks();
          state = State.name;
          break;
        case State.endLf:
          if (byte !== LF) return this.fail(ProtocolErrors.badLineEnd);
          this.ownState = this.first();
          this.headEnd = i + 1;
          return i + 1;
        case State.start:
          if (byte === CR) {
            // RFC 9112 2.2: at least one empty line before a request line is ignored.
            if (++this.blankLines > 2) return this.fail(ProtocolErrors.badStartLine);
            i++;
            state = State.startLf;
            break;
          }
          if (TOKEN[byte] === 0) return this.fail(ProtocolErrors.badStartLine);
          this.base = i;
          state = State.method;
          break;
        case State.startLf:
          if (byte !== LF) return this.fail(ProtocolErrors.badLineEnd);
          i++;
          state = State.start;
          break;
        case State.method:
          while (i < end && TOKEN[bytes[i] as number] !== 0) i++;
          if (i === end) break;
          if (bytes[i] !== SP) return this.fail(ProtocolErrors.badStartLine);
          this.methodEnd = i++;
          state = State.target;
          break;
        case State.target:
          while (i < end && TARGET[bytes[i] as number] === 1) i++;
          if (i === end) break;
          if (bytes[i] !== SP || i === this.methodEnd + 1) return this.fail(ProtocolErrors.badTarget);
          this.targetEnd = i++;
          this.versionStart = i;
          state = State.version;
          break;
        case State.version:
          while (i < end && TARGET[bytes[i] as number] === 1) i++;
          if (i === end) break;
          if (bytes[i] !== CR || i - this.versionStart !== 8) return this.fail(ProtocolErrors.badVersion);
          this.lineEnd = i++;
          state = State.lineLf;
          break;
        case State.statusLine:
          if (i === this.base && byte !== 72) return this.fail(ProtocolErrors.badStatus);
          while (i < end && VALUE[bytes[i] as number] === 1) i++;
          if (i === end) break;
          if (bytes[i] !== CR) return this.fail(ProtocolErrors.badStatus);
          this.lineEnd = i++;
          state = State.lineLf;
          break;
        default:
          // State.lineLf
          if (byte !== LF) return this.fail(ProtocolErrors.badLineEnd);
          i++;
          state = State.fieldStart;
      }
    }
    this.ownState = state;
    return NEED_MORE;
  }

  private valueError(byte: number): ProtocolError {
    return byte === LF ? ProtocolErrors.badLineEnd : ProtocolErrors.badCharacter;
  }

  private ensureMarks(): void {
    const needed = (this.fieldCount + 1) * MARKS;
    if (needed <= this.marks.length) return;
    const grown = new Int32Array(this.marks.length * 2);
    grown.set(this.marks);
    this.marks = grown;
  }

  private markName(colon: number, hash: number): void {
    const at = this.fieldCount * MARKS;
    const marks = this.marks;
    marks[at] = this.at;
    marks[at + 1] = colon;
    marks[at + 4] = hash;
  }

  /** Trailing whitespace is not part of the value (RFC 9112 5.1). */
  private markValue(bytes: Buffer): void {
    const at = this.fieldCount * MARKS;
    const start = this.at;
    let stop = this.valueEnd;
    while (stop > start && (bytes[stop - 1] === SP || bytes[stop - 1] === TAB)) stop--;
    this.marks[at + 2] = start;
    this.marks[at + 3] = stop;
    this.fieldCount++;
  }
}
