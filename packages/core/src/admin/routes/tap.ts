/** `/tap`: traces of requests as they pass. */
import type { AdminContext } from '../context.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, text } from '../route.ts';

/** Requests, as filters see them. */
export const tapRoutes: readonly AdminRoute[] = [
  {
    path: '/tap',
    help: 'tap filter control',
    mutates: true,
    offered: (context) => context.taps?.offered === true,
    handle: tap,
  },
];

function tap({ body }: AdminRequest, { taps }: AdminContext): AdminReply {
  const answer = taps?.attach(body) ?? { problem: 'there is nothing to tap' };
  if ('problem' in answer) return text(answer.problem, 400);
  return { ...text(answer.traces), live: true };
}
