/** UUID version 4 request ids, cut from a pool of random bytes that is refilled rarely. */
import { randomFillSync } from 'node:crypto';

/** Ids per refill; a refill costs one call for the bytes and one for their hexadecimal text. */
const POOL_IDS = 1024;
const HEX_PER_ID = 32;
const pool = Buffer.allocUnsafeSlow(POOL_IDS * 16);
let hex = '';
let at = 0;

function refill(): void {
  randomFillSync(pool);
  for (let i = 0; i < pool.length; i += 16) {
    pool[i + 6] = ((pool[i + 6] as number) & 0x0f) | 0x40;
    pool[i + 8] = ((pool[i + 8] as number) & 0x3f) | 0x80;
  }
  hex = pool.toString('hex');
  at = 0;
}

/** A random UUID (RFC 9562 5.4), e.g. `0f8fad5b-d9cb-469f-a165-70867728950e`. */
export function newRequestId(): string {
  if (at === hex.length) refill();
  const id = at;
  at += HEX_PER_ID;
  return `${hex.substring(id, id + 8)}-${hex.substring(id + 8, id + 12)}-${hex.substring(id + 12, id + 16)}-${hex.substring(id + 16, id + 20)}-${hex.substring(id + 20, at)}`;
}
