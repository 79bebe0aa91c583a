/** `xds.data.orca.v3.OrcaLoadReport` in the binary form of protobuf, and no more of protobuf than it needs. */
import type { LoadReport } from '@mesh/core';
import { mapNamed, newReport, setNumber } from './report.ts';

/** Metrics by field number; the others, such as the whole-numbered `rps`, are passed over. */
const NUMBERS: Readonly<Record<number, string>> = {
  1: 'cpu_utilization',
  2: 'mem_utilization',
  6: 'rps_fractional',
  7: 'eps',
  9: 'application_utilization',
};
const MAPS: Readonly<Record<number, string>> = { 4: 'request_cost', 5: 'utilization', 8: 'named_metrics' };

/** `undefined` for bytes that are no such message, or have a number that is none. */
export function parseBinary(bytes: Buffer): LoadReport | undefined {
  const report = newReport();
  const fits = eachField(bytes, (field, value) => {
    const name = NUMBERS[field];
    if (name !== undefined) return typeof value === 'number' && setNumber(report, name, value);
    const map = mapNamed(report, MAPS[field] ?? '');
    if (map === undefined) return true;
    const entry = typeof value === 'object' ? mapEntry(value) : undefined;
    if (entry === undefined) return false;
    map.set(entry.key, entry.value);
    return true;
  });
  return fits ? report : undefined;
}

function mapEntry(bytes: Buffer): { readonly key: string; readonly value: number } | undefined {
  let key = '';
  let number = 0;
  const fits = eachField(bytes, (field, value) => {
    if (field === 1 && typeof value === 'object') key = value.toString('utf8');
    else if (field === 2 && typeof value === 'number') number = value;
    else return field > 2;
    return true;
  });
  return fits ? { key, value: number } : undefined;
}

/** A double, the bytes of a length-delimited field, or nothing of use. */
type Value = number | Buffer | undefined;

/** False when the bytes end too early, or `take` refuses a field. */
function eachField(bytes: Buffer, take: (field: number, value: Value) => boolean): boolean {
  const reader = new Reader(bytes);
  while (reader.at < bytes.length) {
    const tag = reader.varint();
    const value = reader.value(tag & 7);
    if (reader.failed || !take(tag >>> 3, value)) return false;
  }
  return true;
}

class Reader {
  at = 0;
  failed = false;
  private readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Up to 32 bits; longer ones are cut, which only those do that nobody reads. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) break;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    this.failed = true;
    return 0;
  }

  value(wireType: number): Value {
    if (wireType === 0) {
      this.varint();
      return undefined;
    }
    if (wireType === 1) return this.double();
    if (wireType === 2) return this.take(this.varint());
    if (wireType === 5) this.take(4);
    else this.failed = true;
    return undefined;
  }

  private double(): number {
    const value = this.take(8)?.readDoubleLE() ?? Number.NaN;
    if (!Number.isFinite(value)) this.failed = true;
    return value;
  }

  private take(length: number): Buffer | undefined {
    const end = this.at + length;
    if (end > this.bytes.length) {
      this.failed = true;
      return undefined;
    }
    const part = this.bytes.subarray(this.at, end);
    this.at = end;
    return part;
  }
}
