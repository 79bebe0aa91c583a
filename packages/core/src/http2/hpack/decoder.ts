/**
 * HPACK decoding (RFC 7541): one pass over a whole header block, a call per field. Work and memory are bounded by the
 * block and the table: a field that is referenced a thousand times is reported a thousand times, with its size.
 * Hot path: benchmarks/micro/hpack.bench.mjs.
 */
import { findKnownName } from '../../headers/names.ts';
import { latin1Range } from '../../net/latin1.ts';
import { ErrorCode } from '../handlers.ts';
import { DynamicTable } from './dynamic-table.ts';
import { huffmanDecode, mostDecodedBytes } from './huffman.ts';
import {
  ENTRY_OVERHEAD,
  FieldKind,
  nameHash,
  pseudoKind,
  STATIC_COUNT,
  STATIC_KINDS,
  STATIC_NAMES,
  STATIC_SIZES,
  STATIC_VALUES,
} from './static-table.ts';

/** The size of a table before any settings (RFC 9113 6.5.2). */
export const DEFAULT_TABLE_BYTES = 4096;

/** Receives the fields of a block in order. */
export interface FieldSink {
  /** No further field is wanted; the block is decoded to its end all the same, so that the table stays in step. */
  full: boolean;
  /**
   * `name` and `value` are one character per byte, as they came. `size` is theirs by RFC 7541 4.1: both lengths and 32.
   * `kind` is a `NameKind` when the name is a token in lower case, or a negative `FieldKind`: one of the pseudo headers,
   * or `invalid` for a name that no field may have. Values are unchecked.
   */
  field(name: string, value: string, size: number, kind: number): void;
}

/** Larger results of Huffman decoding get a buffer of their own, so that one block does not leave much behind. */
const MOST_SCRATCH_BYTES = 64 * 1024;
/** One for all decoders: it holds nothing once the string is made of it. */
let scratch = Buffer.allocUnsafeSlow(4096);

/** The receiving half of one connection's header compression. */
export class HpackDecoder {
  private readonly table = new DynamicTable(DEFAULT_TABLE_BYTES);
  private readonly ownMaxBytes: number;
  /** Most that a size update may ask for. */
  private limitBytes: number;
  /** The limit fell below the table's size: the next block must begin with an update (RFC 7541 4.2). */
  private mustShrink = false;
  private at = 0;
  private kind = 0;

  /** `maxTableBytes` is what our SETTINGS_HEADER_TABLE_SIZE says; a smaller one than the default holds once acknowledged. */
  constructor(maxTableBytes: number) {
    this.ownMaxBytes = maxTableBytes;
    this.limitBytes = Math.max(maxTableBytes, DEFAULT_TABLE_BYTES);
  }

  /** What the entries of the table count; never more than the limit. */
  get tableBytes(): number {
    return this.table.bytes;
  }

  /** The peer has acknowledged our SETTINGS. */
  acknowledged(): void {
    this.limitBytes = this.ownMaxBytes;
    this.mustShrink = this.table.maxBytes > this.limitBytes;
  }

  /** Decodes the whole header block `bytes[start, end)`: 0, or COMPRESSION_ERROR, after which the connection is lost. */
  decode(bytes: Uint8Array, start: number, end: number, sink: FieldSink): number {
    this.at = start;
    if (!this.sizeUpdates(bytes, end)) return ErrorCode.COMPRESSION_ERROR;
    while (this.at < end) {
      const first = bytes[this.at++] as number;
      const done = first >= 0x80 ? this.indexed(bytes, end, first, sink) : this.literal(bytes, end, first, sink);
      if (!done) return ErrorCode.COMPRESSION_ERROR;
    }
    return 0;
  }

  /** RFC 7541 6.3: only in front of the fields. */
  private sizeUpdates(bytes: Uint8Array, end: number): boolean {
    while (this.at < end && ((bytes[this.at] as number) & 0xe0) === 0x20) {
      const first = bytes[this.at++] as number;
      const size = this.integer(bytes, end, first & 0x1f, 0x1f);
      if (size < 0 || size > this.limitBytes) return false;
      this.table.resize(size);
      this.mustShrink = false;
    }
    return !this.mustShrink;
  }

  /** RFC 7541 6.1. */
  private indexed(bytes: Uint8Array, end: number, first: number, sink: FieldSink): boolean {
    const index = this.integer(bytes, end, first & 0x7f, 0x7f);
    if (index <= 0) return false;
    if (index <= STATIC_COUNT) {
      if (sink.full) return true;
      const name = STATIC_NAMES[index] as string;
      sink.field(name, STATIC_VALUES[index] as string, STATIC_SIZES[index] as number, STATIC_KINDS[index] as number);
      return true;
    }
    const table = this.table;
    const slot = table.slotOf(index);
    if (slot < 0) return false;
    if (sink.full) return true;
    const name = table.names[slot] as string;
    const value = table.values[slot] as string;
    sink.field(name, value, name.length + value.length + ENTRY_OVERHEAD, table.tags[slot] as number);
    return true;
  }

  /** RFC 7541 6.2; `never indexed` is decoded as `without indexing`. */
  private literal(bytes: Uint8Array, end: number, first: number, sink: FieldSink): boolean {
    const indexing = first >= 0x40;
    // A size update that follows a field.
    if (!indexing && first >= 0x20) return false;
    const mask = indexing ? 0x3f : 0x0f;
    const index = this.integer(bytes, end, first & mask, mask);
    const name = this.fieldName(bytes, end, index);
    if (name === undefined) return false;
    const kind = this.kind;
    const value = this.text(bytes, end, false);
    if (value === undefined) return false;
    if (indexing) this.table.add(name, value, kind);
    if (!sink.full) sink.field(name, value, name.length + value.length + ENTRY_OVERHEAD, kind);
    return true;
  }

  /** The name at `index`, or the literal one for 0; leaves its kind in `this.kind`. */
  private fieldName(bytes: Uint8Array, end: number, index: number): string | undefined {
    if (index === 0) return this.text(bytes, end, true);
    if (index < 0) return undefined;
    if (index <= STATIC_COUNT) {
      this.kind = STATIC_KINDS[index] as number;
      return STATIC_NAMES[index];
    }
    const slot = this.table.slotOf(index);
    if (slot < 0) return undefined;
    this.kind = this.table.tags[slot] as number;
    return this.table.names[slot];
  }

  /** RFC 7541 5.2: a string that ends within the block. */
  private text(bytes: Uint8Array, end: number, isName: boolean): string | undefined {
    if (this.at >= end) return undefined;
    const first = bytes[this.at++] as number;
    const length = this.integer(bytes, end, first & 0x7f, 0x7f);
    const from = this.at;
    if (length < 0 || length > end - from) return undefined;
    const to = from + length;
    this.at = to;
    if (first < 0x80) return isName ? this.nameIn(bytes, from, to) : latin1Range(bytes, from, to);
    const out = scratchFor(mostDecodedBytes(length));
    const decoded = huffmanDecode(bytes, from, to, out);
    if (decoded < 0) return undefined;
    return isName ? this.nameIn(out, 0, decoded) : latin1Range(out, 0, decoded);
  }

  private nameIn(bytes: Uint8Array, from: number, to: number): string {
    const hash = nameHash(bytes, from, to);
    if (hash < 0) {
      const name = latin1Range(bytes, from, to);
      this.kind = name.startsWith(':') ? pseudoKind(name) : FieldKind.invalid;
      return name;
    }
    const known = findKnownName(bytes, from, to, hash);
    this.kind = known === undefined ? 0 : known.kind;
    return known === undefined ? latin1Range(bytes, from, to) : known.name;
  }

  /** RFC 7541 5.1: `prefix` when it is not all ones (`mask`), else what follows is added; -1 when it is malformed. */
  private integer(bytes: Uint8Array, end: number, prefix: number, mask: number): number {
    if (prefix < mask) return prefix;
    let value = prefix;
    // Five bytes hold 35 bits, enough for all that is allowed: more would be zeros to keep us busy.
    for (let unit = 1; unit <= 2 ** 28; unit *= 128) {
      if (this.at >= end) return -1;
      const byte = bytes[this.at++] as number;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value < 2 ** 31 ? value : -1;
    }
    return -1;
  }
}

function scratchFor(bytes: number): Buffer {
  if (bytes <= scratch.length) return scratch;
  if (bytes > MOST_SCRATCH_BYTES) return Buffer.allocUnsafeSlow(bytes);
  scratch = Buffer.allocUnsafeSlow(MOST_SCRATCH_BYTES);
  return scratch;
}
