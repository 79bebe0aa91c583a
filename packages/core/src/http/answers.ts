/** The constants that hooks answer with. */
import type { Hold, Stop } from '../api/http-filter.ts';
import type { Replied } from '../api/http-stream.ts';

/** Park the stream until `stream.resumeRequest()` or `stream.resumeResponse()`; its source is paused meanwhile. */
export const STOP: Stop = Object.freeze({ answer: 'stop' });

/** Keep this part back; the framework buffers it, bounded by the stream's buffer limit. */
export const HOLD: Hold = Object.freeze({ answer: 'hold' });

/** @internal What `stream.reply` returns. */
export const REPLIED: Replied = Object.freeze({ replied: true });
