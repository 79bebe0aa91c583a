/**
 * A request's body on its way: what waits for a connection, what is kept in case the request is sent again, and when
 * the client has to wait. Bounded: waiting bytes by pausing the client, kept bytes by giving them up.
 */
import type { Headers, RequestWriter, TerminalStream, UpstreamTraffic } from '@mesh/core';

/** Bytes that wait for a connection before the client is paused; also what is kept for a stale connection at most. */
const LIMIT_BYTES = 65_536;

export class RequestBody {
  private readonly stream: TerminalStream;
  private readonly traffic: UpstreamTraffic;
  private chunks: Uint8Array[] | undefined = undefined;
  private bytes = 0;
  private end = false;
  private ownTrailers: Headers | undefined = undefined;
  /** Sent bytes are kept for another attempt. */
  private kept: boolean;
  private limitBytes: number;
  private paused = false;
  /** The upstream's socket does not keep up. */
  private blocked = false;

  /** `keepBytes` more than 0: the whole body is kept up to that size, because the request may be sent again. */
  constructor(stream: TerminalStream, traffic: UpstreamTraffic, keepBytes: number | undefined) {
    this.stream = stream;
    this.traffic = traffic;
    this.kept = keepBytes !== undefined;
    this.limitBytes = keepBytes ?? LIMIT_BYTES;
  }

  /** True while everything that was sent could be sent again. */
  get keeping(): boolean {
    return this.kept;
  }

  /** Whether `chunk` is more than may be kept. */
  overflows(chunk: Uint8Array): boolean {
    return this.kept && this.bytes + chunk.length > this.limitBytes;
  }

  /** Small enough to be kept for one repetition on another connection. */
  get isSmall(): boolean {
    return this.bytes <= LIMIT_BYTES;
  }

  /** One piece from the client. `writer` is where it goes; without one it waits, and the client is paused when much does. */
  data(chunk: Uint8Array, end: boolean, writer: RequestWriter | undefined): void {
    const owned = this.stream.chunkOwned;
    if (!this.kept && writer !== undefined) {
      writer.writeData(chunk, end, owned);
      return;
    }
    this.end ||= end;
    this.bytes += chunk.length;
    if (chunk.length > 0) (this.chunks ??= []).push(owned ? chunk : new Uint8Array(chunk));
    if (writer !== undefined) writer.writeData(chunk, end, false);
    else if (this.bytes >= LIMIT_BYTES) this.pause();
  }

  trailers(trailers: Headers, writer: RequestWriter | undefined): void {
    if (this.kept || writer === undefined) {
      this.end = true;
      this.ownTrailers = trailers;
    }
    writer?.writeTrailers(trailers);
  }

  /** Writes what is here to a new attempt. With `keepForStale` a body that need not be kept still is, for one repetition. */
  send(writer: RequestWriter, keepForStale: boolean): void {
    if (!this.kept && keepForStale && this.isSmall) {
      this.kept = true;
      this.limitBytes = LIMIT_BYTES;
    }
    const chunks = this.chunks ?? [];
    const ended = this.end && this.ownTrailers === undefined;
    for (let i = 0; i < chunks.length; i++) {
      writer.writeData(chunks[i] as Uint8Array, ended && i === chunks.length - 1, !this.kept);
    }
    if (ended && chunks.length === 0) writer.writeData(new Uint8Array(0), true, true);
    if (this.ownTrailers !== undefined) writer.writeTrailers(this.ownTrailers);
    if (!this.kept) this.drop();
    this.resume();
  }

  /** It will not be sent again. What was not sent yet (`waiting`) stays. */
  stopKeeping(waiting: boolean): void {
    this.kept = false;
    if (!waiting) this.drop();
  }

  private drop(): void {
    this.chunks = undefined;
    this.bytes = 0;
  }

  /** The kept body in one piece; `undefined` for an empty one. */
  take(): Uint8Array | undefined {
    const { chunks } = this;
    if (chunks === undefined || chunks.length === 0) return undefined;
    return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
  }

  get keptTrailers(): Headers | undefined {
    return this.ownTrailers;
  }

  // Flow control

  flush(writer: RequestWriter): void {
    if (writer.flush() || this.blocked) return;
    this.blocked = true;
    this.traffic.upstream_flow_control_backed_up_total.inc();
    this.pause();
  }

  /** The upstream's socket takes bytes again, or its attempt is over. */
  unblock(): void {
    if (!this.blocked) return;
    this.blocked = false;
    this.traffic.upstream_flow_control_drained_total.inc();
    this.resume();
  }

  private pause(): void {
    if (this.paused) return;
    this.paused = true;
    this.stream.pauseRequest();
  }

  private resume(): void {
    if (!this.paused || this.blocked) return;
    this.paused = false;
    this.stream.resumeRequestBody();
  }
}
