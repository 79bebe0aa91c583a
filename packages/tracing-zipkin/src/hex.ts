/** Ids as they come in headers. */

const WIDTH = 16;
const LOOSE = /^(?:0x)?0*([\da-f]{1,16})$/i;
const ZERO = '0000000000000000';

/**
 * A number of 64 bits as 16 lower-case digits; `undefined` when the text is none. As in Envoy it may be short, long with
 * leading zeros, in upper case, or begin with `0x`.
 */
export function id64(text: string): string | undefined {
  if (text.length === WIDTH && isLowerHex(text, 0, WIDTH)) return text;
  return LOOSE.exec(text)?.[1]?.toLowerCase().padStart(WIDTH, '0');
}

/** A trace id of 16 or 32 digits; one whose upper half is zero is a short one. */
export function traceId(text: string): string | undefined {
  if (text.length !== 2 * WIDTH) return id64(text);
  const high = id64(text.slice(0, WIDTH));
  const low = id64(text.slice(WIDTH));
  if (high === undefined || low === undefined) return undefined;
  return isZero(high) ? low : high + low;
}

/** An id that means that there is none. */
export function isZero(id: string): boolean {
  return id === ZERO;
}

/** Whether a piece of a text is made of `0`-`9` and `a`-`f`. */
function isLowerHex(text: string, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const code = text.charCodeAt(at);
    if (!((code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x66))) return false;
  }
  return true;
}
