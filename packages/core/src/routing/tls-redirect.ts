/** `require_tls` of a virtual host: requests that did not come over TLS are sent to https, before any route is asked. */
import type { RequestHeaders } from '../api/headers.ts';
import type { RedirectAction, Route } from '../api/route.ts';

const NOTHING: readonly unknown[] = [];

/** Stands in for a route; it changes no headers and configures no filter, as in Envoy. */
export class TlsRedirectRoute implements Route {
  readonly name = '';
  readonly virtualHost: string;
  readonly metadata: Readonly<Record<string, unknown>> = {};
  readonly action: RedirectAction = {
    kind: 'redirect',
    status: 301,
    location: (headers) => `https://${headers.authority}${headers.path}`,
  };

  constructor(virtualHost: string) {
    this.virtualHost = virtualHost;
  }

  finalizeRequest(): void {}

  finalizeResponse(): void {}

  filterConfig(): unknown {
    return undefined;
  }

  filterConfigs(): readonly unknown[] {
    return NOTHING;
  }
}

/** Whether the request must be redirected. `x-forwarded-proto` has been set, or was trusted, by the connection manager. */
export function needsTls(requireTls: 'EXTERNAL_ONLY' | 'ALL', headers: RequestHeaders): boolean {
  if ((headers.get('x-forwarded-proto') ?? headers.scheme) === 'https') return false;
  return requireTls === 'ALL' || headers.get('x-envoy-internal') !== 'true';
}
