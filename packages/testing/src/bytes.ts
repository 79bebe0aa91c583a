/** The forms in which tests write bodies and header fields, and how they become bytes and lines. */

/** A body: text, bytes, or the chunks in which it travels. */
export type BodyInput = string | Uint8Array | readonly (string | Uint8Array)[];

/** Header fields: an object (a list repeats the field) or lines in wire order. */
export type HeadersInput =
  | Readonly<Record<string, string | readonly string[]>>
  | readonly (readonly [name: string, value: string])[];

/** Text as UTF-8. */
export function toBytes(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The chunks of a body; none for an absent or empty one. */
export function toChunks(body: BodyInput | undefined): Buffer[] {
  if (body === undefined) return [];
  if (typeof body === 'string' || body instanceof Uint8Array) return body.length === 0 ? [] : [toBytes(body)];
  return body.map(toBytes);
}

/** Fields as lines. */
export function toLines(headers: HeadersInput | undefined): [string, string][] {
  if (headers === undefined) return [];
  if (isLines(headers)) return headers.map(([name, value]) => [name, value]);
  return Object.entries(headers).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as [string, string]] : value.map((one): [string, string] => [name, one]),
  );
}

function isLines(headers: HeadersInput): headers is readonly (readonly [string, string])[] {
  return Array.isArray(headers);
}

/** Lines as an object with lower-case names; repeated fields are joined by `, `. */
export function toRecord(lines: Iterable<readonly [string, string]>): Record<string, string> {
  const record: Record<string, string> = {};
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    record[key] = record[key] === undefined ? value : `${record[key]}, ${value}`;
  }
  return record;
}
