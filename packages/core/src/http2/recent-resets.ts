/** Ids of the streams that were reset last: bounded, and nothing at all for a connection that resets none. */
const KEPT = 256;

export class RecentResets {
  private ids: Int32Array | undefined = undefined;
  private next = 0;

  add(id: number): void {
    this.ids ??= new Int32Array(KEPT);
    this.ids[this.next] = id;
    this.next = (this.next + 1) % KEPT;
  }

  has(id: number): boolean {
    return this.ids?.includes(id) ?? false;
  }
}
