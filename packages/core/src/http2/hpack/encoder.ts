/**
 * HPACK encoding (RFC 7541). A field that repeats becomes an index after its first use; one that differs each time stays
 * out of the table. Hot path: benchmarks/micro/hpack.bench.mjs.
 */
import type { BlockWriter } from './block-writer.ts';
import { DEFAULT_TABLE_BYTES } from './decoder.ts';
import { EncoderTable } from './encoder-table.ts';
import { huffmanEncode, huffmanLength } from './huffman.ts';
import { ENCODER_NAMES, type EncoderName, Indexing } from './indexing.ts';
import { ENTRY_OVERHEAD, STATIC_COUNT, STATIC_VALUES } from './static-table.ts';

/** First bits of the representations (RFC 7541 6). */
const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0;

/** Live entries of one name from which on a new value is added only once in a while, as it seems to be new each time. */
const MOST_VALUES = 8;
const ONCE_IN_MASK = 15;
/** Strings from this length on are copied by a native call; shorter ones cost less in a loop. */
const NATIVE_COPY_LENGTH = 32;
/** The id from which on nothing is added, for ids to stay small integers. Only a connection of years gets there. */
const MOST_ADDED = 2 ** 30;
/** Most that the numbers of one representation take. */
const MOST_NUMBER_BYTES = 18;

/** The sending half of one connection's header compression. Names must be in lower case. */
export class HpackEncoder {
  private readonly table: EncoderTable;
  private readonly ownMaxBytes: number;
  /** The table's size from the next block on, and the smallest that was asked for since the last (RFC 7541 4.2). */
  private nextMaxBytes: number;
  private lowestMaxBytes: number;
  private misses = 0;

  /** `maxTableBytes` is the most that this side will keep, whatever the peer would allow. */
  constructor(maxTableBytes: number) {
    this.ownMaxBytes = maxTableBytes;
    this.table = new EncoderTable(DEFAULT_TABLE_BYTES, ENCODER_NAMES.size);
    this.nextMaxBytes = Math.min(maxTableBytes, DEFAULT_TABLE_BYTES);
    this.lowestMaxBytes = this.nextMaxBytes;
  }

  /** What the entries of the table count, here and at the peer. */
  get tableBytes(): number {
    return this.table.bytes;
  }

  /** The peer's SETTINGS_HEADER_TABLE_SIZE has come. */
  setPeerTableSize(bytes: number): void {
    this.nextMaxBytes = Math.min(bytes, this.ownMaxBytes);
    this.lowestMaxBytes = Math.min(this.lowestMaxBytes, this.nextMaxBytes);
  }

  /** To be called once per block, before its first field. */
  begin(out: BlockWriter): void {
    const next = this.nextMaxBytes;
    if (next === this.table.maxBytes && next === this.lowestMaxBytes) return;
    if (this.lowestMaxBytes < Math.min(next, this.table.maxBytes)) this.resize(out, this.lowestMaxBytes);
    this.resize(out, next);
    this.lowestMaxBytes = next;
  }

  /** Appends one field; both strings have code points 0–255 only. */
  field(out: BlockWriter, name: string, value: string): void {
    out.reserve(name.length + value.length + MOST_NUMBER_BYTES);
    const known = ENCODER_NAMES.get(name);
    if (known === undefined) this.tabled(out, name, value, undefined);
    else this.known(out, known, name, value);
  }

  private known(out: BlockWriter, known: EncoderName, name: string, value: string): void {
    for (let index = known.first; index <= known.last; index++) {
      if (STATIC_VALUES[index] !== value) continue;
      writeInteger(out, INDEXED, 0x7f, index);
      return;
    }
    const indexing = known.indexing;
    // A name of the static table needs no entry of its own.
    if (indexing === Indexing.full || (indexing === Indexing.name && known.first === 0)) {
      this.tabled(out, name, value, known);
      return;
    }
    const form = indexing === Indexing.never ? NEVER_INDEXED : WITHOUT_INDEXING;
    writeLiteral(out, form, 0x0f, known.first, name, value);
  }

  /** A field that is in the dynamic table, or may have to be. */
  private tabled(out: BlockWriter, name: string, value: string, known: EncoderName | undefined): void {
    const table = this.table;
    const { added, mask, oldest } = table;
    const tag = known === undefined ? -1 : known.tag;
    const newest = table.newest(name, tag);
    let seen = 0;
    for (let id = newest; id >= oldest && seen < MOST_VALUES; id = table.previous[id & mask] as number) {
      if (table.values[id & mask] === value) {
        writeInteger(out, INDEXED, 0x7f, STATIC_COUNT + added - id);
        return;
      }
      seen++;
    }
    let nameIndex = known === undefined ? 0 : known.first;
    if (nameIndex === 0 && newest >= oldest) nameIndex = STATIC_COUNT + added - newest;
    if (!this.worthAdding(name, value, known, seen)) {
      writeLiteral(out, WITHOUT_INDEXING, 0x0f, nameIndex, name, value);
      return;
    }
    writeLiteral(out, WITH_INDEXING, 0x3f, nameIndex, name, value);
    table.add(name, value, tag);
  }

  /** `seen`: other values of the name that are in the table. */
  private worthAdding(name: string, value: string, known: EncoderName | undefined, seen: number): boolean {
    const { maxBytes, added } = this.table;
    if (name.length + value.length + ENTRY_OVERHEAD > maxBytes >> 1 || added >= MOST_ADDED) return false;
    if (known !== undefined && known.indexing === Indexing.name) return seen === 0;
    return seen < MOST_VALUES || (++this.misses & ONCE_IN_MASK) === 0;
  }

  private resize(out: BlockWriter, bytes: number): void {
    out.reserve(MOST_NUMBER_BYTES);
    writeInteger(out, SIZE_UPDATE, 0x1f, bytes);
    this.table.resize(bytes);
  }
}

/** RFC 7541 6.2. What is added to the table is written once and may be long: it gets the shorter of the two codings. */
function writeLiteral(
  out: BlockWriter,
  form: number,
  mask: number,
  nameIndex: number,
  name: string,
  value: string,
): void {
  writeInteger(out, form, mask, nameIndex);
  const compress = form === WITH_INDEXING;
  if (nameIndex === 0) writeText(out, name, compress);
  writeText(out, value, compress);
}

/** RFC 7541 5.2. */
function writeText(out: BlockWriter, text: string, compress: boolean): void {
  if (compress) {
    const coded = huffmanLength(text);
    if (coded < text.length) {
      writeInteger(out, 0x80, 0x7f, coded);
      huffmanEncode(text, out.bytes, out.length);
      out.length += coded;
      return;
    }
  }
  const length = text.length;
  writeInteger(out, 0, 0x7f, length);
  const { bytes, length: at } = out;
  if (length < NATIVE_COPY_LENGTH) {
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  } else {
    bytes.write(text, at, 'latin1');
  }
  out.length = at + length;
}

/** RFC 7541 5.1. */
function writeInteger(out: BlockWriter, form: number, mask: number, value: number): void {
  const bytes = out.bytes;
  if (value < mask) {
    bytes[out.length++] = form | value;
    return;
  }
  bytes[out.length++] = form | mask;
  let rest = value - mask;
  while (rest >= 128) {
    bytes[out.length++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[out.length++] = rest;
}
