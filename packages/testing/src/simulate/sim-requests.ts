/** The requests under way, by number: numbers are used again, so that ten million requests need the room of those that overlap. */
import type { Host } from '@mesh/core';

export class SimRequests {
  private starts = new Float64Array(1024);
  private statuses = new Int16Array(1024);
  private tries = new Uint8Array(1024);
  private held = new Uint8Array(1024);
  private hashes = new Uint32Array(1024);
  private readonly hosts: (Host | undefined)[] = [];
  private readonly met: Host[][] | undefined;
  private readonly free: number[] = [];
  private count = 0;

  /** `remember`: which hosts a request has met. */
  constructor(remember: boolean) {
    this.met = remember ? [] : undefined;
  }

  begin(nowMs: number, hash: number): number {
    const id = this.free.pop() ?? this.add();
    this.starts[id] = nowMs;
    this.tries[id] = 0;
    this.held[id] = 0;
    this.hashes[id] = hash;
    this.hosts[id] = undefined;
    if (this.met !== undefined) this.met[id] = [];
    return id;
  }

  private add(): number {
    const id = this.count++;
    if (id === this.starts.length) this.grow();
    return id;
  }

  private grow(): void {
    const size = this.starts.length * 2;
    this.starts = copied(this.starts, new Float64Array(size));
    this.statuses = copied(this.statuses, new Int16Array(size));
    this.tries = copied(this.tries, new Uint8Array(size));
    this.held = copied(this.held, new Uint8Array(size));
    this.hashes = copied(this.hashes, new Uint32Array(size));
  }

  /** A try is under way; `status` is what will come of it, 0 no connection. */
  sent(id: number, host: Host, status: number): void {
    this.hosts[id] = host;
    this.statuses[id] = status;
    this.tries[id] = (this.tries[id] as number) + 1;
    this.met?.[id]?.push(host);
  }

  /** It waits before it is tried again. */
  holdRetry(id: number): void {
    this.held[id] = 1;
    this.hosts[id] = undefined;
  }

  /** True when it had taken one of the retries that the cluster allows. */
  dropRetry(id: number): boolean {
    const held = this.held[id] === 1;
    this.held[id] = 0;
    return held;
  }

  end(id: number): void {
    this.hosts[id] = undefined;
    this.free.push(id);
  }

  /** The host that works on it; `undefined` while it waits. */
  host(id: number): Host | undefined {
    return this.hosts[id];
  }
  startMs(id: number): number {
    return this.starts[id] as number;
  }
  status(id: number): number {
    return this.statuses[id] as number;
  }
  attempts(id: number): number {
    return this.tries[id] as number;
  }
  hash(id: number): number {
    return this.hashes[id] as number;
  }
  tried(id: number, host: Host): boolean {
    return this.met?.[id]?.includes(host) === true;
  }
}

function copied<Row extends { set(from: Row): void }>(from: Row, to: Row): Row {
  to.set(from);
  return to;
}
