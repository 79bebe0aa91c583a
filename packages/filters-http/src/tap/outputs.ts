/** Where traces go. */
import { appendFile, writeFile } from 'node:fs/promises';
import type { TapSink } from '@mesh/core';

/** Takes the traces of a tap. */
export interface TapOutput {
  /** False when there is no room for it. `first` tells whether it is the first one of its stream. */
  take(streamId: number, trace: string, first: boolean): boolean;
}

/** To whoever has attached to `/tap`. */
export class AdminOutput implements TapOutput {
  private readonly sink: TapSink;

  constructor(sink: TapSink) {
    this.sink = sink;
  }

  take(_streamId: number, trace: string): boolean {
    return this.sink.take(trace);
  }
}

/** What may wait for the disk; over that traces are dropped. */
const MOST_BYTES = 16 * 1024 * 1024;

/** A file of its own for each stream: `<prefix>_<id>.json`. */
export class FileOutput implements TapOutput {
  private readonly prefix: string;
  private readonly onFailure: () => void;
  private waitingBytes = 0;
  /** The last write of a stream that is still being written. */
  private readonly writes = new Map<number, Promise<void>>();

  constructor(prefix: string, onFailure: () => void) {
    this.prefix = prefix;
    this.onFailure = onFailure;
  }

  take(streamId: number, trace: string, first: boolean): boolean {
    if (this.waitingBytes + trace.length > MOST_BYTES) return false;
    this.waitingBytes += trace.length;
    const before = this.writes.get(streamId) ?? Promise.resolve();
    const write = before.then(() => this.write(streamId, trace, first));
    this.writes.set(streamId, write);
    void write.then(() => {
      this.waitingBytes -= trace.length;
      if (this.writes.get(streamId) === write) this.writes.delete(streamId);
    });
    return true;
  }

  private async write(streamId: number, trace: string, first: boolean): Promise<void> {
    const path = `${this.prefix}_${streamId}.json`;
    try {
      await (first ? writeFile(path, trace) : appendFile(path, trace));
    } catch {
      this.onFailure();
    }
  }
}
