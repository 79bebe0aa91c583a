/** What the head of a mirrored request says differently from the original (Envoy's `ShadowWriter`). */
import type { HttpStream, MirrorPolicy, RequestHeaders } from '@mesh/core';
import { localAddress } from './local-address.ts';

/** Changes a copy of the request's head into the mirror's. */
export function finishMirrorHead(policy: MirrorPolicy, headers: RequestHeaders, stream: HttpStream): void {
  policy.mutate(headers, stream);
  if (policy.hostRewrite !== '') headers.authority = policy.hostRewrite;
  else if (!policy.keepHost) headers.authority = shadowHost(headers.authority);
  headers.set('x-envoy-internal', 'true');
  const from = headers.getAll('x-forwarded-for');
  headers.set('x-forwarded-for', from.length === 0 ? localAddress() : `${from.join(',')},${localAddress()}`);
}

/** `host:port` → `host-shadow:port`, so that the mirror's logs can tell. */
function shadowHost(authority: string): string {
  const port = /:\d+$/.exec(authority);
  if (port === null) return `${authority}-shadow`;
  return `${authority.slice(0, port.index)}-shadow${port[0]}`;
}
