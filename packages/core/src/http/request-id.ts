/** UUID version 4 request ids, cut from a pool of random bytes that is refilled rarely. */
import { randomFillSync } from 'node:crypto';
import type { TraceReason } from '../api/tracing.ts';

/** Ids per refill: the ids are written one behind the other, so that taking one is cutting one piece off a text. */
const POOL_IDS = 256;
const UUID_CHARACTERS = 36;
const pool = Buffer.allocUnsafeSlow(POOL_IDS * 16);
const written = Buffer.allocUnsafeSlow(POOL_IDS * UUID_CHARACTERS);
const DIGITS = Buffer.from('0123456789abcdef');
const DASH = 45;
let ids = '';
let at = 0;

function refill(): void {
  randomFillSync(pool);
  let to = 0;
  for (let i = 0; i < pool.length; i++) {
    const place = i & 15;
    let byte = pool[i] as number;
    if (place === 6) byte = (byte & 0x0f) | 0x40;
    else if (place === 8) byte = (byte & 0x3f) | 0x80;
    if (place === 4 || place === 6 || place === 8 || place === 10) written[to++] = DASH;
    written[to++] = DIGITS[byte >> 4] as number;
    written[to++] = DIGITS[byte & 15] as number;
  }
  ids = written.toString('latin1');
  at = 0;
}

/** A random UUID (RFC 9562 5.4), e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`. */
export function newRequestId(): string {
  if (at === ids.length) refill();
  const from = at;
  at += UUID_CHARACTERS;
  return ids.substring(from, at);
}

/** Where a UUID carries why it is traced (Envoy's trace reason), in the place of the version digit. */
const REASON_AT = 14;
const UUID_LENGTH = 36;

const REASON_DIGITS: Readonly<Record<TraceReason, string>> = { none: '4', sampling: '9', service: 'a', client: 'b' };

/** Why a request is traced, by its id; `none` also for what is no UUID. */
export function traceReasonOf(id: string): TraceReason {
  if (id.length !== UUID_LENGTH) return 'none';
  switch (id.charCodeAt(REASON_AT)) {
    case 57:
      return 'sampling';
    case 97:
      return 'service';
    case 98:
      return 'client';
    default:
      return 'none';
  }
}

/** The id with a reason in it; what is no UUID is left as it is. */
export function withTraceReason(id: string, reason: TraceReason): string {
  if (id.length !== UUID_LENGTH) return id;
  return id.slice(0, REASON_AT) + REASON_DIGITS[reason] + id.slice(REASON_AT + 1);
}

/** An id from outside may stay, but not its claim to be traced. What is no UUID is left as it is. */
export function withoutTraceReason(id: string): string {
  if (id.length < UUID_LENGTH) return id;
  return `${id.slice(0, REASON_AT)}4${id.slice(REASON_AT + 1)}`;
}

/** The first eight hexadecimal digits as a number, the same in every proxy that the request passes; -1 without them. */
export function numberOfId(id: string): number {
  if (id.length < 8) return -1;
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const code = id.charCodeAt(i) | 32;
    const digit = code >= 48 && code <= 57 ? code - 48 : code >= 97 && code <= 102 ? code - 87 : -1;
    // The bit that makes letters lower case makes digits of some control characters.
    if (digit < 0 || id.charCodeAt(i) < 48) return -1;
    value = value * 16 + digit;
  }
  return value;
}
