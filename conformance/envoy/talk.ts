/** A conversation with a proxy that is more than HTTP/1.1 requests. */
import { setTimeout as delay } from 'node:timers/promises';

/** Where a talk takes place. */
export interface TalkStage {
  /** The listener's. */
  readonly port: number;
  /** What the upstreams have received since the talk began, ready to be compared. */
  readonly received: () => readonly unknown[];
}

/** What it resolves to is compared; lists called `headers` or `trailers` hold lines `name: value`, in any order. */
export type Talk = (stage: TalkStage) => Promise<unknown>;

/** How long anything that is waited for may take; where nothing comes, that is waited for so long. */
const LIMIT_MS = 1500;

/** Resolves with `late` when it takes too long. */
export function within<T, L>(promise: Promise<T>, late: L, limitMs: number = LIMIT_MS): Promise<T | L> {
  return Promise.race([promise, delay(limitMs, late, { ref: false })]);
}
