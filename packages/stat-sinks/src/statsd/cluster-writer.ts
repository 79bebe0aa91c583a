/**
 * Writes text to TCP connections of a cluster, one at a time, connecting when there is something to write. What the host
 * does not take waits here, up to a limit: then the connection is closed and what waits is dropped, as Envoy's TCP statsd
 * sink does.
 */
import type { Clusters, Counter, TcpLink, TcpUser, UpstreamTicket } from '@mesh/core';

/** Envoy's limit of buffered stats: 16 MiB. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Texts are put together up to this size before they are handed on. */
const CHUNK_LENGTH = 16 * 1024;

interface Chunk {
  text: string;
  lines: number;
}

/** What is counted. */
export interface WriterCounts {
  /** Writes that met a host which did not keep up; the connection is given up. */
  readonly overflow: Counter;
  /** Lines that were never handed to a connection. */
  readonly dropped: Counter;
}

export class ClusterWriter {
  private readonly cluster: string;
  private readonly clusters: Clusters;
  private readonly counts: WriterCounts;
  private waiting: Chunk[] = [];
  private waitingLength = 0;
  private current: Attachment | undefined = undefined;
  private scheduled = false;
  private closed = false;

  constructor(cluster: string, clusters: Clusters, counts: WriterCounts) {
    this.cluster = cluster;
    this.clusters = clusters;
    this.counts = counts;
  }

  /** Bytes that have not left the process. */
  get buffered(): number {
    return this.waitingLength + (this.current?.link?.bytesUnsent ?? 0);
  }

  /** Takes whole lines. They leave at the end of this turn of the event loop at the earliest. */
  write(text: string, lines: number): void {
    if (this.closed || text === '') return;
    if (this.buffered > MAX_WAITING_BYTES) {
      this.counts.overflow.inc();
      this.counts.dropped.add(lines);
      this.dropWaiting();
      this.disconnect('now');
      return;
    }
    const last = this.waiting.at(-1);
    if (last !== undefined && last.text.length + text.length <= CHUNK_LENGTH) {
      last.text += text;
      last.lines += lines;
    } else this.waiting.push({ text, lines });
    this.waitingLength += text.length;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled || this.closed || this.waiting.length === 0) return;
    this.scheduled = true;
    setImmediate(this.send);
  }

  private readonly send = (): void => {
    this.scheduled = false;
    if (this.waiting.length === 0) return;
    if (this.current === undefined) this.connect();
    else this.handOver(this.current);
  };

  private connect(): void {
    const cluster = this.clusters.get(this.cluster);
    const host = cluster?.pick({});
    if (cluster === undefined || host === undefined) {
      this.dropWaiting();
      return;
    }
    const attachment = new Attachment(this);
    this.current = attachment;
    attachment.ticket = cluster.connectTcp(host, attachment);
    if (attachment.ticket === undefined) this.failed(attachment);
  }

  /** @internal Writes what the connection takes. */
  handOver(attachment: Attachment): void {
    const { link } = attachment;
    if (attachment !== this.current || link === undefined) return;
    while (this.waiting.length > 0 && !attachment.stopped) {
      const { text } = this.waiting.shift() as Chunk;
      this.waitingLength -= text.length;
      link.write(Buffer.from(text), true);
      if (!link.flush()) attachment.stopped = true;
    }
  }

  /** @internal There is no connection to be had: as in Envoy, what was to be written is lost. */
  failed(attachment: Attachment): void {
    if (attachment !== this.current) return;
    this.current = undefined;
    this.dropWaiting();
  }

  /** @internal The connection is gone. What it had not been given goes to the next one. */
  gone(attachment: Attachment): void {
    if (attachment !== this.current) return;
    this.current = undefined;
    this.schedule();
  }

  private dropWaiting(): void {
    let lines = 0;
    for (const chunk of this.waiting) lines += chunk.lines;
    if (lines > 0) this.counts.dropped.add(lines);
    this.waiting = [];
    this.waitingLength = 0;
  }

  private disconnect(how: 'flush' | 'now'): void {
    const attachment = this.current;
    this.current = undefined;
    attachment?.leave(how);
  }

  /** Hands on what waits, when there is a connection, and ends it. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (this.current !== undefined) {
      this.current.stopped = false;
      this.handOver(this.current);
    }
    this.dropWaiting();
    this.disconnect('flush');
  }
}

/** One connection, or the wish for one. */
class Attachment implements TcpUser {
  ticket: UpstreamTicket | undefined = undefined;
  link: TcpLink | undefined = undefined;
  /** The connection asked to wait. */
  stopped = false;
  private readonly owner: ClusterWriter;

  constructor(owner: ClusterWriter) {
    this.owner = owner;
  }

  onConnected(link: TcpLink): void {
    this.ticket = undefined;
    this.link = link;
    this.owner.handOver(this);
  }

  onFailure(): void {
    this.ticket = undefined;
    this.owner.failed(this);
  }

  /** Statsd servers say nothing. */
  onBytes(): void {}

  /** A server that will send no more has gone away. */
  onEnd(): void {
    this.owner.gone(this);
    this.link?.close('now');
  }

  onWritable(): void {
    this.stopped = false;
    this.owner.handOver(this);
  }

  onClose(): void {
    this.link = undefined;
    this.owner.gone(this);
  }

  leave(how: 'flush' | 'now'): void {
    this.ticket?.cancel();
    this.link?.close(how);
  }
}
