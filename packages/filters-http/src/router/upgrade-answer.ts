/** What the answer to a request for another protocol means. */
import type { TerminalStream } from '@mesh/core';
import type { Attempt } from './attempt.ts';

/** No limit of a response holds for a tunnel. */
export function upgradeAnswered(stream: TerminalStream, attempt: Attempt, status: number): void {
  if (status < 400 && status !== 101) stream.info.details = 'websocket_handshake_unsuccessful';
  if (status !== 101) return;
  stream.clearDeadline();
  attempt.unlimit();
}
