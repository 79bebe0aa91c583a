/** `/explain`: what would be done with a request, and why. */

import type { AdminContext } from '../context.ts';
import { type AdminReply, type AdminRequest, type AdminRoute, json, text } from '../route.ts';

const USAGE = `usage: POST /explain with a JSON body, e.g.
       {"url": "http://front.example/api?x=1", "method": "GET", "headers": {"x-version": "2"}}
       further keys: listener, sourceIp, tls, random, runtime`;

/** It changes nothing, but it shows the configuration and costs as much as building a listener: POST, guarded. */
export const explainRoutes: readonly AdminRoute[] = [
  {
    path: '/explain',
    help: 'tell which listener, virtual host, route and cluster a request would meet, and why. The body is JSON: url, method, headers, listener, sourceIp, tls, random, runtime',
    mutates: true,
    handle: explain,
  },
];

function explain({ body }: AdminRequest, context: AdminContext): AdminReply {
  if (body.trim() === '') return text(`${USAGE}\n`, 400);
  const answer = context.explain(body);
  if ('problem' in answer) return text(`${answer.problem}\n${USAGE}\n`, 400);
  return json(answer.explanation);
}
