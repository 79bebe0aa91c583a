/** A client's connection without a socket: what the HTTP engine writes is kept. */
import type { Connection } from '../net/connection.ts';
import type { ExplainedResponse, HeaderLine } from './explanation.ts';

/** What the codec and the connection manager use of a connection. */
type UsedParts =
  | 'id'
  | 'closed'
  | 'backedUp'
  | 'bytesRead'
  | 'bytesWritten'
  | 'countBytes'
  | 'addText'
  | 'addBytes'
  | 'flush'
  | 'pauseReading'
  | 'resumeReading'
  | 'end'
  | 'destroy'
  | 'reset';

export class ScriptedConnection implements Pick<Connection, UsedParts> {
  readonly id = 1;
  readonly closed = false;
  readonly backedUp = false;
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly socket = { destroySoon: () => {} };
  private text = '';

  /** The engine is written for a whole connection; it uses these parts of one. */
  get asConnection(): Connection {
    return this as unknown as Connection;
  }

  addText(text: string): void {
    this.text += text;
  }

  addBytes(chunk: Uint8Array): void {
    this.text += Buffer.from(chunk).toString('latin1');
  }

  flush(): boolean {
    return true;
  }

  countBytes(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
  end(): void {}
  destroy(): void {}
  reset(): void {}

  /** The final response; status 0 when there was none. */
  response(): ExplainedResponse {
    let rest = this.text;
    for (;;) {
      const end = rest.indexOf('\r\n\r\n');
      if (end === -1) return { status: 0, headers: [], body: '' };
      const [statusLine = '', ...lines] = rest.slice(0, end).split('\r\n');
      rest = rest.slice(end + 4);
      const status = Number(statusLine.split(' ')[1]);
      if (status < 200) continue;
      const headers = lines.map(splitLine);
      const chunked = headers.some(([name, value]) => name === 'transfer-encoding' && value === 'chunked');
      const body = Buffer.from(chunked ? joinChunks(rest) : rest, 'latin1').toString();
      return { status, headers, body };
    }
  }
}

function splitLine(line: string): HeaderLine {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function joinChunks(text: string): string {
  let body = '';
  let rest = text;
  for (;;) {
    const length = Number.parseInt(rest, 16);
    if (!(length > 0)) return body;
    const start = rest.indexOf('\r\n') + 2;
    body += rest.slice(start, start + length);
    rest = rest.slice(start + length + 2);
  }
}
