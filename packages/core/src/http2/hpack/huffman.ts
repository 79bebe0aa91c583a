/**
 * The Huffman code of RFC 7541 appendix B. It is canonical, so the lengths of the codes are all that has to be written
 * down. Decoding is a state machine over half bytes: 256 states (the inner nodes of the code's tree) times 16 steps,
 * 16 KiB in all, which stays in the first-level cache.
 *
 *   step = next state << 16 | ACCEPT | FAIL | EMIT | byte
 */

/** Bits of the code of each byte, 0–255, then of EOS. */
// biome-ignore format: a table
const CODE_BITS = [
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
];
const EOS = 256;

/** Code and its length per byte. */
const CODES = new Uint32Array(257);
const BITS = Uint8Array.from(CODE_BITS);

const EMIT = 0x100;
const FAIL = 0x200;
/** The input may end here: what is left over is a prefix of EOS, all ones, shorter than 8 bits (RFC 7541 5.2). */
const ACCEPT = 0x400;
const STEPS = new Int32Array(256 * 16);

build();

/** Bytes that `length` bytes can become at most: the shortest code has 5 bits. */
export function mostDecodedBytes(length: number): number {
  return Math.floor((length * 8) / 5);
}

/** Decodes `bytes[start, end)` to `out` from 0 on; returns the length, or -1 when it is malformed. */
export function huffmanDecode(bytes: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let length = 0;
  let step = ACCEPT;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    step = STEPS[((step >> 16) << 4) | (byte >> 4)] as number;
    if (step & (EMIT | FAIL)) {
      if (step & FAIL) return -1;
      out[length++] = step;
    }
    step = STEPS[((step >> 16) << 4) | (byte & 15)] as number;
    if (step & (EMIT | FAIL)) {
      if (step & FAIL) return -1;
      out[length++] = step;
    }
  }
  return step & ACCEPT ? length : -1;
}

/** Bytes that the code of a string of code points 0–255 takes. */
export function huffmanLength(text: string): number {
  let bits = 0;
  for (let i = 0; i < text.length; i++) bits += BITS[text.charCodeAt(i) & 0xff] as number;
  return (bits + 7) >> 3;
}

/** Writes the code of `text` to `out` at `at`; there must be room for `huffmanLength(text)`. */
export function huffmanEncode(text: string, out: Uint8Array, at: number): void {
  let buffer = 0;
  let filled = 0;
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i) & 0xff;
    let bits = BITS[byte] as number;
    const code = CODES[byte] as number;
    // Up to 7 bits are waiting and a code has up to 30: the long ones go in two parts.
    if (bits > 16) {
      bits -= 16;
      buffer = (buffer << bits) | (code >>> 16);
      filled += bits;
      while (filled >= 8) out[at++] = buffer >>> (filled -= 8);
      bits = 16;
    }
    buffer = (buffer << bits) | (code & ((1 << bits) - 1));
    filled += bits;
    while (filled >= 8) out[at++] = buffer >>> (filled -= 8);
  }
  if (filled > 0) out[at] = (buffer << (8 - filled)) | (0xff >> filled);
}

/** Canonical: shorter codes first, codes of one length in the order of their bytes. */
function build(): void {
  // child[node * 2 + bit]: an inner node, or ~byte for a leaf; 0, the root, is nobody's child.
  const child = new Int32Array(256 * 2);
  let nodes = 1;
  let code = 0;
  for (let bits = 1; bits <= 30; bits++) {
    code <<= 1;
    for (let byte = 0; byte <= EOS; byte++) {
      if (CODE_BITS[byte] !== bits) continue;
      CODES[byte] = code;
      let node = 0;
      for (let bit = bits - 1; bit > 0; bit--) {
        const at = node * 2 + ((code >> bit) & 1);
        if (child[at] === 0) child[at] = nodes++;
        node = child[at] as number;
      }
      child[node * 2 + (code & 1)] = ~byte;
      code++;
    }
  }
  const accepts = acceptingNodes(child);
  for (let node = 0; node < 256; node++) {
    for (let half = 0; half < 16; half++) STEPS[node * 16 + half] = stepFrom(child, accepts, node, half);
  }
}

/** The root and the seven nodes on the way to EOS below it. */
function acceptingNodes(child: Int32Array): Set<number> {
  const accepts = new Set<number>();
  let node = 0;
  for (let depth = 0; depth < 8; depth++) {
    accepts.add(node);
    node = child[node * 2 + 1] as number;
  }
  return accepts;
}

function stepFrom(child: Int32Array, accepts: Set<number>, from: number, half: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit--) {
    const next = child[node * 2 + ((half >> bit) & 1)] as number;
    if (next === ~EOS) return FAIL;
    // No code is shorter than 5 bits, so one byte at most ends within a half byte.
    if (next < 0) emitted = EMIT | ~next;
    node = Math.max(next, 0);
  }
  return (node << 16) | (accepts.has(node) ? ACCEPT : 0) | emitted;
}
