/**
 * The dynamic table (RFC 7541 2.3.2) as a ring. An entry keeps its id, the count of entries added before it, for life:
 *
 *   id          oldest … newest = added - 1
 *   ring slot   id & mask
 *   HPACK index 61 + added - id      (62 is the newest)
 *
 * The arrays grow with the number of entries, which the table's size bounds, and are made with the first entry: many
 * connections see one request only.
 */
import { ENTRY_OVERHEAD, STATIC_COUNT } from './static-table.ts';

const FIRST_SLOTS = 16;

export class DynamicTable {
  names: string[] = [];
  values: string[] = [];
  /** A number of the owner's per entry. */
  tags: number[] = [];
  mask = -1;
  /** Entries added so far, evicted ones included: the id of the next. */
  added = 0;
  count = 0;
  /** Sum of the sizes of the entries (RFC 7541 4.1). */
  bytes = 0;
  maxBytes: number;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** Id of the oldest entry; `added` when there is none. */
  get oldest(): number {
    return this.added - this.count;
  }

  /** The ring slot of an HPACK index above 61; -1 beyond the table. */
  slotOf(index: number): number {
    const back = index - STATIC_COUNT;
    return back > this.count ? -1 : (this.added - back) & this.mask;
  }

  /** Evicts what is in the way, then adds; an entry larger than the table leaves it empty (RFC 7541 4.4). */
  add(name: string, value: string, tag: number): void {
    const size = name.length + value.length + ENTRY_OVERHEAD;
    this.shrinkTo(this.maxBytes - size);
    if (size > this.maxBytes) return;
    if (this.count === this.names.length) this.grow();
    const slot = this.added & this.mask;
    this.names[slot] = name;
    this.values[slot] = value;
    this.tags[slot] = tag;
    this.added++;
    this.count++;
    this.bytes += size;
  }

  resize(maxBytes: number): void {
    this.maxBytes = maxBytes;
    this.shrinkTo(maxBytes);
  }

  /** Drops the oldest entry, and the strings with it. */
  evict(): void {
    const slot = this.oldest & this.mask;
    this.bytes -= (this.names[slot] as string).length + (this.values[slot] as string).length + ENTRY_OVERHEAD;
    this.names[slot] = '';
    this.values[slot] = '';
    this.count--;
  }

  private shrinkTo(bytes: number): void {
    while (this.count > 0 && this.bytes > bytes) this.evict();
  }

  protected grow(): void {
    const slots = Math.max(FIRST_SLOTS, this.names.length * 2);
    const { names, values, tags, mask, oldest, added } = this;
    this.names = new Array<string>(slots).fill('');
    this.values = new Array<string>(slots).fill('');
    this.tags = new Array<number>(slots).fill(0);
    this.mask = slots - 1;
    for (let id = oldest; id < added; id++) {
      this.names[id & this.mask] = names[id & mask] as string;
      this.values[id & this.mask] = values[id & mask] as string;
      this.tags[id & this.mask] = tags[id & mask] as number;
    }
  }
}
