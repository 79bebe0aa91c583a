/** The three ways in which each case is sent: whole, byte by byte, and in random pieces. */

export const ways = ['whole', 'bytes', 'random'] as const;
export type Way = (typeof ways)[number];

/** Fixed, so that a failure comes again; `WIRE_SEED` sets another one. */
export const seed = Number(process.env.WIRE_SEED ?? 20_261_121);

/** Above this size only the first and last bytes go one by one: a write per byte of 60 KiB takes too long. */
const LARGE = 8 * 1024;
const EDGE = 300;

/** mulberry32: a small generator with a known sequence. */
function generator(start: number): () => number {
  let state = start | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function hash(text: string): number {
  let value = 5381;
  for (let i = 0; i < text.length; i++) value = (Math.imul(value, 33) ^ text.charCodeAt(i)) | 0;
  return value;
}

/** Cuts latin-1 `raw` into the pieces of one way; `id` picks the random cuts of the case. */
export function pieces(raw: string, way: Way, id: string): Buffer[] {
  const bytes = Buffer.from(raw, 'latin1');
  if (bytes.length === 0) return [];
  if (way === 'whole') return [bytes];
  const random = generator(seed ^ hash(id));
  if (way === 'random') return cut(bytes, () => 1 + Math.floor(random() ** 2 * Math.min(bytes.length, 4000)));
  if (bytes.length <= LARGE) return cut(bytes, () => 1);
  return cut(bytes, (at) => (at < EDGE || at >= bytes.length - EDGE ? 1 : middle(bytes.length - EDGE - at, random)));
}

function middle(left: number, random: () => number): number {
  return Math.min(left, 1 + Math.floor(random() * 3000));
}

function cut(bytes: Buffer, size: (at: number) => number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + size(at);
    parts.push(bytes.subarray(at, next));
    at = next;
  }
  return parts;
}
