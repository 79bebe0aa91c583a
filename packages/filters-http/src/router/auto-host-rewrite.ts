/** `auto_host_rewrite`: the upstream sees the name under which it was found. */
import type { ForwardAction, Host, RequestHeaders } from '@mesh/core';

/** Sets the authority to the host's name, when it has one. `keepOriginal` notes the old one for the upstream. */
export function rewriteToHostname(
  headers: RequestHeaders,
  host: Host,
  action: ForwardAction,
  keepOriginal: boolean,
): void {
  const { hostname } = host;
  if (hostname === '') return;
  const was = headers.authority;
  if (action.appendXForwardedHost && was !== '') appendForwardedHost(headers, was);
  if (keepOriginal && was !== '') headers.set('x-envoy-original-host', was);
  headers.authority = hostname;
}

/** Not when it is the last entry already: a retry would add it again. */
function appendForwardedHost(headers: RequestHeaders, host: string): void {
  const given = headers.get('x-forwarded-host');
  if (given === undefined) headers.set('x-forwarded-host', host);
  else if (given.split(',').at(-1)?.trim() !== host) headers.set('x-forwarded-host', `${given},${host}`);
}
