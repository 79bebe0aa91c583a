/** Bytes to strings of code points 0–255, without the argument checks of `Buffer.toString`. */

interface Latin1 {
  latin1Slice(start: number, end: number): string;
}
const { latin1Slice } = Buffer.prototype as unknown as Latin1;

/** All bytes; works for any `Uint8Array`. */
export function toLatin1(bytes: Uint8Array): string {
  return latin1Slice.call(bytes, 0, bytes.length);
}

/** `bytes[start..end)`. */
export function latin1Range(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end);
}
