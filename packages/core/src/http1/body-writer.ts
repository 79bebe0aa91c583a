/**
 * Writes a message body in its framing and holds it to its word: a body that is longer or shorter than its
 * Content-Length (a filter changed it) is never sent as if it were whole.
 */
import type { Headers } from '../api/headers.ts';
import { Body, type BodyFraming, HeaderMap } from '../headers/header-map.ts';
import type { Connection } from '../net/connection.ts';
import { writeNames } from './kept-names.ts';
import type { NameFormat } from './options.ts';
import { fieldLines } from './serializer.ts';

export class BodyWriter {
  private readonly connection: Connection;
  private framing: BodyFraming = Body.none;
  private left = 0;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** True for a body whose end only the end of the connection tells. */
  get untilClose(): boolean {
    return this.framing === Body.untilClose;
  }

  /** Begins a body; `length` counts only for `Body.length`. */
  start(framing: BodyFraming, length: number): void {
    this.framing = framing;
    this.left = length;
  }

  /** False when the body does not fit its Content-Length: the connection must be given up. */
  write(chunk: Uint8Array, end: boolean, owned: boolean): boolean {
    const { connection } = this;
    if (this.framing === Body.length) {
      if (chunk.length > this.left) return false;
      this.left -= chunk.length;
      if (chunk.length > 0) connection.addBytes(chunk, owned);
      return !end || this.left === 0;
    }
    if (this.framing === Body.none) return true;
    if (this.framing === Body.chunked) {
      if (chunk.length > 0) {
        connection.addText(`${chunk.length.toString(16)}\r\n`);
        connection.addBytes(chunk, owned);
        connection.addText(end ? '\r\n0\r\n\r\n' : '\r\n');
      } else if (end) connection.addText('0\r\n\r\n');
      return true;
    }
    if (chunk.length > 0) connection.addBytes(chunk, owned);
    return true;
  }

  /** Ends a chunked body with trailers; other framings have no place for them. */
  end(trailers: Headers, enabled: boolean, format: NameFormat = 'lower'): boolean {
    if (this.framing !== Body.chunked) return this.framing !== Body.length || this.left === 0;
    const lines = enabled && trailers instanceof HeaderMap ? fieldLines(trailers) : '';
    const names = trailers instanceof HeaderMap ? trailers.names : undefined;
    this.connection.addText(writeNames(`0${lines}\r\n\r\n`, names, format));
    return true;
  }
}
