/** Requests by the time of their next event: a heap in two typed arrays, because ten million of them pass through. */
export class EventQueue {
  private times = new Float64Array(1024);
  private ids = new Int32Array(1024);
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** Infinity when nothing waits. */
  get nextMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : (this.times[0] as number);
  }

  push(timeMs: number, id: number): void {
    if (this.count === this.times.length) this.grow();
    const { times, ids } = this;
    let at = this.count++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((times[parent] as number) <= timeMs) break;
      times[at] = times[parent] as number;
      ids[at] = ids[parent] as number;
      at = parent;
    }
    times[at] = timeMs;
    ids[at] = id;
  }

  /** Takes the id whose time is first; the queue must not be empty. */
  pop(): number {
    const { times, ids } = this;
    const first = ids[0] as number;
    const last = --this.count;
    const timeMs = times[last] as number;
    const id = ids[last] as number;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= last) break;
      if (child + 1 < last && (times[child + 1] as number) < (times[child] as number)) child++;
      if ((times[child] as number) >= timeMs) break;
      times[at] = times[child] as number;
      ids[at] = ids[child] as number;
      at = child;
    }
    times[at] = timeMs;
    ids[at] = id;
    return first;
  }

  private grow(): void {
    const times = new Float64Array(this.times.length * 2);
    const ids = new Int32Array(times.length);
    times.set(this.times);
    ids.set(this.ids);
    this.times = times;
    this.ids = ids;
  }
}
