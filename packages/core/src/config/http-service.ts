/** Who answers HTTP requests of the proxy's own: `HttpService`, and what it comes to. */
import { headerValueOption } from './header-mutation.ts';
import { fields, type MessageOutput, message, required } from './message.ts';
import { duration, list, nonEmpty } from './proto-json.ts';

/** Envoy `HttpUri`. */
const httpUri = message(
  { uri: required(nonEmpty()), cluster: required(nonEmpty()), timeout: required(duration()) },
  { name: 'envoy.config.core.v3.HttpUri' },
);

/** Envoy `HttpService`. */
export const httpService = message(
  { http_uri: required(httpUri), request_headers_to_add: list(headerValueOption, { max: 1000 }) },
  {
    name: 'envoy.config.core.v3.HttpService',
    known: fields('formatters', 'the requests have fixed headers'),
    check({ requestHeadersToAdd = [] }, report) {
      for (const [index, entry] of requestHeadersToAdd.entries()) {
        // `%%` is how a percent sign is written where formats are read.
        if (!/%/.test(entry?.header?.value?.replaceAll('%%', '') ?? '')) continue;
        const problem = 'the request belongs to no exchange: its headers cannot have formats';
        report({ path: ['request_headers_to_add', index, 'header', 'value'], message: problem });
      }
    },
  },
);

/** A `HttpService` that has been read. */
export type HttpServiceConfig = MessageOutput<(typeof httpService)['info']['fields']>;

/** Whom to ask and with what: names of `SideRequest`. */
export interface HttpTarget {
  readonly cluster: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly timeoutMs: number;
}

/** What a checked `HttpService` says. As in Envoy a later header takes the place of an earlier one of its name. */
export function httpTarget({
  httpUri: { cluster, timeoutMs, uri },
  requestHeadersToAdd,
}: HttpServiceConfig): HttpTarget {
  const added = requestHeadersToAdd.map(
    ({ header }) => [header.key.toLowerCase(), header.value.replaceAll('%%', '%')] as const,
  );
  return { cluster, timeoutMs, headers: [...new Map(added)], ...splitUri(uri, cluster) };
}

/** A whole URI, or only a path; a URI names the host of the request. */
function splitUri(uri: string, cluster: string): { authority: string; path: string } {
  const from = uri.indexOf('://');
  if (from < 0) return { authority: cluster, path: uri };
  const slash = uri.indexOf('/', from + 3);
  if (slash < 0) return { authority: uri.slice(from + 3) || cluster, path: '/' };
  return { authority: uri.slice(from + 3, slash) || cluster, path: uri.slice(slash) };
}
