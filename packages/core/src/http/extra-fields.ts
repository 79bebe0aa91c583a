/** Request fields that a connection manager adds only when it is told to. */
import type { RequestHead, ResponseHead } from '../headers/header-map.ts';
import type { HttpSettings } from './settings.ts';
import type { Stream } from './stream.ts';

/** True when {@link applyExtras} has anything to do. */
export function needsExtras(settings: HttpSettings): boolean {
  return (
    settings.via !== '' ||
    settings.appendForwardedPort ||
    settings.userAgent !== undefined ||
    settings.schemeOverwrite !== undefined
  );
}

/** After the trust rules, before the route is looked up. */
export function applyExtras(head: RequestHead, stream: Stream, settings: HttpSettings): void {
  const { schemeOverwrite, userAgent } = settings;
  if (schemeOverwrite !== undefined) {
    head.scheme = schemeOverwrite;
    head.put('x-forwarded-proto', schemeOverwrite);
  }
  if (settings.appendForwardedPort) forwardPort(head, stream.connection.localPort, settings);
  if (userAgent !== undefined) {
    head.put('x-envoy-downstream-service-cluster', userAgent.cluster);
    if ((head.value('user-agent') ?? '') === '') head.put('user-agent', userAgent.cluster);
    if (userAgent.node !== '') head.put('x-envoy-downstream-service-node', userAgent.node);
  }
  if (settings.via !== '') appendVia(head, settings.via);
}

/** A trusted proxy in front knows better which port the client came to. */
function forwardPort(head: RequestHead, localPort: number, settings: HttpSettings): void {
  const untrusted = settings.useRemoteAddress && settings.xffNumTrustedHops === 0;
  if (untrusted || head.value('x-forwarded-port') === undefined) head.put('x-forwarded-port', String(localPort));
}

/** Adds this proxy to `via`. */
export function appendVia(head: RequestHead | ResponseHead, via: string): void {
  const present = head.getAll('via');
  head.put('via', present.length === 0 ? via : `${present.join(',')}, ${via}`);
}
