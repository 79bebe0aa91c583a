/** Sessions that were written to outside of their own reads are flushed together, once per turn of the event loop. */

/** Something with bytes to send. */
export interface Flushable {
  flushNow(): void;
}

let waiting: Flushable[] = [];
let spare: Flushable[] = [];

/** `session` is flushed when all that this poll has brought is done. Call it once per session and turn. */
export function flushLater(session: Flushable): void {
  if (waiting.length === 0) setImmediate(flushAll);
  waiting.push(session);
}

function flushAll(): void {
  const sessions = waiting;
  waiting = spare;
  for (let i = 0; i < sessions.length; i++) (sessions[i] as Flushable).flushNow();
  sessions.length = 0;
  spare = sessions;
}
