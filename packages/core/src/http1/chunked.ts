/**
 * Decodes the chunked coding (RFC 9112 7.1), resumable at any byte. Only CRLF ends a line; extensions are bounded
 * and dropped; the bytes after chunk data must be CRLF.
 */
import { FAILED, NEED_MORE } from './head-parser.ts';
import { type ProtocolError, ProtocolErrors } from './protocol-error.ts';

const State = { size: 0, extension: 1, sizeLf: 2, data: 3, dataCr: 4, dataLf: 5, done: 6 } as const;

const CR = 13;
const LF = 10;
const SEMICOLON = 59;
const MAX_SIZE_DIGITS = 16;
const MAX_EXTENSION_BYTES = 256;
const MAX_EXTENSIONS_BYTES = 16 * 1024;

const HEX = new Int8Array(256).fill(-1);
for (let i = 0; i < 16; i++) {
  const digit = i.toString(16);
  HEX[digit.charCodeAt(0)] = i;
  HEX[digit.toUpperCase().charCodeAt(0)] = i;
}

/** Visible bytes, SP, HTAB and obs-text may stand in an extension. */
function isExtensionByte(byte: number): boolean {
  return (byte >= 32 && byte !== 127) || byte === 9;
}

/** One message's chunks. After `next` returned a position, `dataStart < dataEnd` is a piece of data. */
export class ChunkedDecoder {
  error: ProtocolError = ProtocolErrors.badChunk;
  dataStart = 0;
  dataEnd = 0;
  private state: number = State.size;
  private size = 0;
  private digits = 0;
  private extension = 0;
  private extensions = 0;

  /** True when the last chunk's line was read; trailers follow. */
  get done(): boolean {
    return this.state === State.done;
  }

  reset(): void {
    this.state = State.size;
    this.size = 0;
    this.digits = 0;
    this.extension = 0;
    this.extensions = 0;
  }

  /**
   * Decodes from `pos` up to the next piece of data or the end of the chunks. Returns the position behind what was
   * used, with the piece in `dataStart`/`dataEnd` (both 0 when there is none), `NEED_MORE` or `FAILED`.
   */
  next(bytes: Buffer, pos: number): number {
    this.dataStart = 0;
    this.dataEnd = 0;
    let i = pos;
    const end = bytes.length;
    while (i < end) {
      if (this.state === State.data) return this.takeData(i, end);
      if (!this.step(bytes[i] as number)) return FAILED;
      i++;
      if (this.state === State.done) return i;
    }
    return NEED_MORE;
  }

  private takeData(from: number, end: number): number {
    const taken = Math.min(this.size, end - from);
    this.dataStart = from;
    this.dataEnd = from + taken;
    this.size -= taken;
    if (this.size === 0) this.state = State.dataCr;
    return from + taken;
  }

  private step(byte: number): boolean {
    switch (this.state) {
      case State.size:
        return this.sizeByte(byte);
      case State.extension:
        return this.extensionByte(byte);
      case State.sizeLf:
        if (byte !== LF) return false;
        this.state = this.size === 0 ? State.done : State.data;
        return true;
      case State.dataCr:
        this.state = State.dataLf;
        return byte === CR;
      default:
        this.state = State.size;
        this.digits = 0;
        return byte === LF;
    }
  }

  private sizeByte(byte: number): boolean {
    const digit = HEX[byte] as number;
    if (digit >= 0) {
      this.size = this.digits === 0 ? digit : this.size * 16 + digit;
      return ++this.digits <= MAX_SIZE_DIGITS && this.size <= Number.MAX_SAFE_INTEGER;
    }
    if (this.digits === 0) return false;
    if (byte === CR) {
      this.state = State.sizeLf;
      return true;
    }
    this.extension = 0;
    this.state = State.extension;
    return byte === SEMICOLON;
  }

  private extensionByte(byte: number): boolean {
    if (byte === CR) {
      this.state = State.sizeLf;
      return true;
    }
    if (!isExtensionByte(byte)) return false;
    if (++this.extension <= MAX_EXTENSION_BYTES && ++this.extensions <= MAX_EXTENSIONS_BYTES) return true;
    this.error = ProtocolErrors.chunkExtensionTooLarge;
    return false;
  }
}
