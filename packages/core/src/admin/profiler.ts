/** V8's profilers behind Envoy's endpoints. They slow the whole process down, so there is one at a time, and not for ever. */
import { open, writeFile } from 'node:fs/promises';
import type { Session } from 'node:inspector/promises';
import { getHeapSnapshot } from 'node:v8';

/** What can be measured. */
export type Measurement = 'cpu' | 'heap' | 'allocations';

/** A profiler that nobody stops is stopped after this long; CPU profiles grow with time. */
const LONGEST_MS = 10 * 60_000;

/** Bytes allocated between two samples of a heap profile: V8's default. */
const SAMPLING_BYTES = 32 * 1024;

/** The profilers of one process. */
export class Profiler {
  private readonly path: string;
  private readonly onError: (error: Error) => void;
  private session: Session | undefined = undefined;
  private running: Measurement | undefined = undefined;
  private dumping = false;
  private stopTimer: NodeJS.Timeout | undefined = undefined;

  /** Files are written to `path` and an extension that V8's tools know: `.cpuprofile`, `.heapprofile`. */
  constructor(path: string, onError: (error: Error) => void) {
    this.path = path;
    this.onError = onError;
  }

  /** What is being measured. */
  get active(): Measurement | 'heap dump' | undefined {
    return this.dumping ? 'heap dump' : this.running;
  }

  /** Where the result of a measurement is written. */
  fileOf(measurement: Measurement): string {
    const extension = measurement === 'cpu' ? '.cpuprofile' : '.heapprofile';
    return this.path.endsWith(extension) ? this.path : `${this.path}${extension}`;
  }

  /**
   * Begins to measure; nothing else may be running.
   * @throws Error when there is no inspector in this Node.js, or a file to be written cannot be.
   */
  async start(measurement: Measurement): Promise<void> {
    this.running = measurement;
    try {
      if (measurement !== 'allocations') await (await open(this.fileOf(measurement), 'a')).close();
      const session = await this.connect();
      if (measurement === 'cpu') {
        await session.post('Profiler.enable');
        await session.post('Profiler.start');
      } else {
        const freedToo = measurement === 'allocations';
        await session.post('HeapProfiler.enable');
        await session.post('HeapProfiler.startSampling', {
          samplingInterval: SAMPLING_BYTES,
          includeObjectsCollectedByMajorGC: freedToo,
          includeObjectsCollectedByMinorGC: freedToo,
        });
      }
    } catch (error) {
      this.disconnect();
      throw error;
    }
    this.stopTimer = setTimeout(() => this.stopUnattended(measurement), LONGEST_MS);
    this.stopTimer.unref();
  }

  /** Ends the measurement that is running; resolves with its result as JSON. */
  async stop(): Promise<string> {
    const { session, running } = this;
    if (session === undefined || running === undefined) throw new Error('no profiler is running');
    try {
      if (running === 'cpu') return JSON.stringify((await session.post('Profiler.stop')).profile);
      return JSON.stringify((await session.post('HeapProfiler.stopSampling')).profile);
    } finally {
      this.disconnect();
    }
  }

  /** The same, into its file. */
  async stopToFile(): Promise<void> {
    const { running } = this;
    if (running === undefined) return;
    const profile = await this.stop();
    await writeFile(this.fileOf(running), profile);
  }

  /** A picture of the heap. Taking it stops everything else for about a second per gigabyte; reading it does not. */
  async *heapDump(): AsyncGenerator<Uint8Array, void, undefined> {
    this.dumping = true;
    const snapshot = getHeapSnapshot();
    try {
      yield* snapshot as AsyncIterable<Uint8Array>;
    } finally {
      snapshot.destroy();
      this.dumping = false;
    }
  }

  /** Drops what is being measured. */
  close(): void {
    this.disconnect();
  }

  private async connect(): Promise<Session> {
    // Not every Node.js is built with it.
    const inspector = await import('node:inspector/promises');
    const session = new inspector.Session();
    session.connect();
    this.session = session;
    return session;
  }

  private disconnect(): void {
    clearTimeout(this.stopTimer);
    this.session?.disconnect();
    this.session = undefined;
    this.running = undefined;
  }

  private stopUnattended(measurement: Measurement): void {
    if (this.running !== measurement) return;
    const end = measurement === 'allocations' ? this.stop() : this.stopToFile();
    end.catch(this.onError);
  }
}
