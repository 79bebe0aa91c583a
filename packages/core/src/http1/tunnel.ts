/**
 * When a connection leaves HTTP: behind a 101 to an Upgrade, or a 2xx to a CONNECT, bytes go through as they are until one
 * side ends (RFC 9110 7.8, 9.3.6).
 */
import { type RequestHead, Seen } from '../headers/header-map.ts';
import type { Connection } from '../net/connection.ts';

const LIMIT_BYTES = 65_536;

/** The request head after which the connection may leave HTTP. An HTTP/1.0 client cannot upgrade (RFC 9110 7.8). */
export function asksForTunnel(head: RequestHead): boolean {
  return ((head.seen & Seen.upgrade) !== 0 && head.minor === 1) || head.rawMethod === 'CONNECT';
}

/** The answer that agrees to it. */
export function opensTunnel(request: RequestHead | undefined, status: number): boolean {
  if (request?.rawMethod === 'CONNECT') return status >= 200 && status < 300;
  return status === 101;
}

/**
 * What a client sends behind a request for a tunnel, kept until the upstream agrees: before that it could be taken for
 * the next request. Bounded by its user, who stops the source when it is full; not before, because a client that is not
 * read from cannot be seen to go away.
 */
export class TunnelGate {
  private chunks: Uint8Array[] = [];
  private bytes = 0;

  get full(): boolean {
    return this.bytes >= LIMIT_BYTES;
  }

  hold(chunk: Uint8Array, owned: boolean): void {
    if (chunk.length === 0) return;
    this.bytes += chunk.length;
    this.chunks.push(owned ? chunk : new Uint8Array(chunk));
  }

  /** Lets everything go. */
  release(connection: Connection): void {
    for (const chunk of this.take()) connection.addBytes(chunk, true);
  }

  /** Everything that was held, for its user to send. */
  take(): Uint8Array[] {
    const { chunks } = this;
    this.chunks = [];
    return chunks;
  }
}
