/** Request body bytes that wait for a connection, or are kept in case the attempt must be repeated. Bounded. */
import type { Headers, RequestWriter } from '@mesh/core';

/** Beyond this the client is paused, and a request is no longer repeatable. */
const LIMIT_BYTES = 65_536;

export class RequestBuffer {
  private chunks: Uint8Array[] | undefined = undefined;
  private bytes = 0;
  private end = false;
  private trailers: Headers | undefined = undefined;
  private ownKeeping = false;

  /** True while sent bytes are kept for a repetition. */
  get keeping(): boolean {
    return this.ownKeeping;
  }

  get full(): boolean {
    return this.bytes >= LIMIT_BYTES;
  }

  add(chunk: Uint8Array, end: boolean, owned: boolean): void {
    this.end ||= end;
    this.bytes += chunk.length;
    if (this.ownKeeping && this.bytes > LIMIT_BYTES) {
      this.stopKeeping();
      return;
    }
    if (chunk.length > 0) (this.chunks ??= []).push(owned ? chunk : new Uint8Array(chunk));
  }

  addTrailers(trailers: Headers): void {
    this.end = true;
    this.trailers = trailers;
  }

  /** Writes what is here; with `keep` it stays, as long as it is small enough, for another attempt. */
  send(writer: RequestWriter, keep: boolean): void {
    const chunks = this.chunks ?? [];
    const kept = keep && this.bytes <= LIMIT_BYTES;
    const ended = this.end && this.trailers === undefined;
    for (let i = 0; i < chunks.length; i++) {
      writer.writeData(chunks[i] as Uint8Array, ended && i === chunks.length - 1, !kept);
    }
    if (ended && chunks.length === 0) writer.writeData(new Uint8Array(0), true, true);
    if (this.trailers !== undefined) writer.writeTrailers(this.trailers);
    this.ownKeeping = kept;
    if (!kept) this.drop();
  }

  stopKeeping(): void {
    this.ownKeeping = false;
    this.drop();
  }

  private drop(): void {
    this.chunks = undefined;
    this.bytes = 0;
  }
}
