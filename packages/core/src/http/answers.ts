/** The constants that hooks answer with. */
import type { Hold, Stop } from '../api/http-filter.ts';
import type { Replied } from '../api/http-stream.ts';

/** Park the stream until `stream.resumeRequest()` or `stream.resumeResponse()`; its source is paused meanwhile. */
export const STOP: Stop = Object.freeze({ answer: 'stop' });

/** Keep this part back; the framework buffers it, bounded by the stream's buffer limit. */
export const HOLD: Hold = Object.freeze({ answer: 'hold' });

/** @internal What `stream.reply` returns. */
export const REPLIED: Replied = Object.freeze({ replied: true });

/** A hook takes its time. */
export function isPromise(answer: unknown): answer is PromiseLike<unknown> {
  return typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function';
}

/** A hook answered what means nothing. */
export function unexpected(answer: unknown): TypeError {
  const what =
    typeof answer === 'object' ? Object.prototype.toString.call(answer) : `${typeof answer} ${String(answer)}`;
  return new TypeError(`a hook answered ${what}; expected nothing, a reply, HOLD, STOP, bytes or a promise of these`);
}
