/** What of a stream's messages the connection has not taken yet, so that a stream that breaks can say what was lost. */

interface Sent {
  readonly bytes: number;
  readonly entries: number;
}

/** Holds no more messages than the stream itself holds back. */
export class SentMessages {
  private queue: Sent[] = [];
  private queuedBytes = 0;

  add(bytes: number, entries: number, bufferedBytes: number): void {
    this.queue.push({ bytes, entries });
    this.queuedBytes += bytes;
    this.forget(bufferedBytes);
  }

  /** Drops the record of what the connection has taken. */
  private forget(bufferedBytes: number): void {
    let gone = 0;
    let first = this.queue[0];
    while (first !== undefined && this.queuedBytes - first.bytes >= bufferedBytes) {
      this.queuedBytes -= first.bytes;
      first = this.queue[++gone];
    }
    this.queue.splice(0, gone);
  }

  /** Entries of messages that were not taken whole; nothing is kept of them. */
  lost(bufferedBytes: number): number {
    if (bufferedBytes === 0) this.queue = [];
    else this.forget(bufferedBytes);
    const entries = this.queue.reduce((sum, sent) => sum + sent.entries, 0);
    this.queue = [];
    this.queuedBytes = 0;
    return entries;
  }
}
