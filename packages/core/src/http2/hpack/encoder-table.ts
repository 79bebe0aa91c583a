/**
 * The encoder's dynamic table, with what it takes to find an entry again: the newest entry of each name, and in each
 * entry the one before it of the same name.
 *
 *   newest of `date` ── id 17 ── previous: id 9 ── previous: id 2, evicted: below `oldest`, so the walk ends
 *
 * Names that the encoder knows have a number each; the others go by a map, which holds names of live entries only.
 */
import { DynamicTable } from './dynamic-table.ts';

export class EncoderTable extends DynamicTable {
  /** Per ring slot: id of the next older entry of its name; it may have been evicted. */
  previous: Int32Array = new Int32Array(0);
  private newestKnown: Int32Array | undefined = undefined;
  private readonly newestOther = new Map<string, number>();
  private readonly knownNames: number;

  constructor(maxBytes: number, knownNames: number) {
    super(maxBytes);
    this.knownNames = knownNames;
  }

  /** Id of the newest entry of a name, `tag` being its number or -1; it may have been evicted, or be -1. */
  newest(name: string, tag: number): number {
    if (this.count === 0) return -1;
    if (tag >= 0) return (this.newestKnown as Int32Array)[tag] as number;
    return this.newestOther.get(name) ?? -1;
  }

  /** There must be room for it in a table of `maxBytes`. */
  override add(name: string, value: string, tag: number): void {
    this.newestKnown ??= new Int32Array(this.knownNames).fill(-1);
    super.add(name, value, tag);
    const id = this.added - 1;
    this.previous[id & this.mask] = tag >= 0 ? (this.newestKnown[tag] as number) : (this.newestOther.get(name) ?? -1);
    if (tag >= 0) this.newestKnown[tag] = id;
    else this.newestOther.set(name, id);
  }

  override evict(): void {
    const id = this.oldest;
    const slot = id & this.mask;
    const name = this.names[slot] as string;
    if ((this.tags[slot] as number) < 0 && this.newestOther.get(name) === id) this.newestOther.delete(name);
    super.evict();
  }

  protected override grow(): void {
    const { previous, mask, oldest, added } = this;
    super.grow();
    this.previous = new Int32Array(this.mask + 1);
    for (let id = oldest; id < added; id++) this.previous[id & this.mask] = previous[id & mask] as number;
  }
}
