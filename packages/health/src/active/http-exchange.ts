/** One request of a check and its response, over a `CheckClient`. */
import type {
  CheckClient,
  Headers,
  Host,
  RequestHeaders,
  RequestWriter,
  ResponseHeaders,
  TransportOptions,
  UpstreamRequest,
  UpstreamTicket,
} from '@mesh/core';

/** Who reads the response; `done` and `lost` exclude one another, and nothing follows them. */
export interface ExchangeReader {
  onHead(head: ResponseHeaders, end: boolean): void;
  onData(chunk: Uint8Array, end: boolean): void;
  onTrailers(trailers: Headers): void;
  /** No connection, or it ended too early, or the host has reset the stream. */
  onLost(): void;
}

/** Told at most once what became of it; after `abandon` nothing. */
export class CheckExchange implements UpstreamRequest {
  readonly transport: TransportOptions | undefined = undefined;
  private readonly head: RequestHeaders;
  private readonly body: Uint8Array | undefined;
  /** `undefined` once nothing more is to be told. */
  private reader: ExchangeReader | undefined;
  private writer: RequestWriter | undefined = undefined;
  private ticket: UpstreamTicket | undefined = undefined;

  constructor(head: RequestHeaders, body: Uint8Array | undefined, reader: ExchangeReader) {
    this.head = head;
    this.body = body;
    this.reader = reader;
  }

  start(client: CheckClient): void {
    this.ticket = client.open(this);
  }

  /** Nothing more is told. A response under way is given up. */
  abandon(): void {
    if (this.reader === undefined) return;
    this.reader = undefined;
    if (this.writer === undefined) this.ticket?.cancel();
    else this.writer.reset('local reset');
  }

  onReady(writer: RequestWriter, _host: Host): void {
    this.writer = writer;
    writer.writeHead(this.head, this.body === undefined);
    if (this.body !== undefined) writer.writeData(this.body, true, false);
    writer.flush();
  }

  onFailure(): void {
    this.lose();
  }

  onReset(): void {
    this.lose();
  }

  private lose(): void {
    const { reader } = this;
    this.reader = undefined;
    reader?.onLost();
  }

  onInterim(): void {}

  onHead(head: ResponseHeaders, end: boolean): void {
    this.tell(end)?.onHead(head, end);
  }

  onData(chunk: Uint8Array, end: boolean): void {
    this.tell(end)?.onData(chunk, end);
  }

  onTrailers(trailers: Headers): void {
    this.tell(true)?.onTrailers(trailers);
  }

  /** The reader; after the last part there is none. */
  private tell(end: boolean): ExchangeReader | undefined {
    const { reader } = this;
    if (end) this.reader = undefined;
    return reader;
  }

  onBatchEnd(): void {}
  onWritable(): void {}
}
