/** What a route that forwards does besides naming a cluster. */
import type { HttpStream } from '../api/http-stream.ts';
import type { ForwardAction, MirrorPolicy, RetryPolicy } from '../api/route.ts';
import type { HttpConnectionManagerConfig } from '../config/http-connection-manager.ts';
import type { ExplainedPolicies } from './explanation.ts';
import type { Head } from './head.ts';

/** The hash of the route's hash policies, told when a host is chosen by it. */
export interface ExplainedHash {
  readonly hash?: string;
  readonly hashCookie?: string;
}

/** Asks the hash policies. */
export function hashOf(action: ForwardAction, stream: HttpStream): ExplainedHash {
  if (!action.hasHashPolicy) return {};
  let cookie: string | undefined;
  const hash = action.hash(stream, (setCookie) => {
    cookie = setCookie;
  });
  return {
    ...(hash !== undefined && { hash: hash.toString(16).padStart(16, '0') }),
    ...(cookie !== undefined && { hashCookie: cookie }),
  };
}

/** `admitted` is the head that the router looked at: what is left of a client's own wishes counts. */
export function policiesOf(
  action: ForwardAction,
  manager: HttpConnectionManagerConfig,
  admitted: Head | undefined,
  hash: ExplainedHash,
): ExplainedPolicies {
  const { streamDuration } = action;
  const longest = streamDuration?.maxStreamDurationMs ?? manager.commonHttpProtocolOptions.maxStreamDurationMs;
  const wish = (name: string) => admitted?.fields.find(([field]) => field === name)?.[1];
  const retry = retryOf(action.retry, wish);
  return {
    timeoutMs:
      numberIn(wish('x-envoy-upstream-rq-timeout-ms')) ?? (streamDuration === undefined ? action.timeoutMs : 0),
    idleTimeoutMs: action.idleTimeoutMs ?? manager.streamIdleTimeoutMs,
    ...(longest !== undefined && longest > 0 && { maxStreamDurationMs: longest }),
    priority: action.priority,
    ...(retry !== undefined && { retry }),
    mirrors: action.mirrors.map(mirror),
    ...hash,
  };
}

/** The conditions of the request are added to those of the route, its numbers take the place of the route's. */
function retryOf(
  policy: RetryPolicy | undefined,
  wish: (name: string) => string | undefined,
): ExplainedPolicies['retry'] {
  const wanted = [wish('x-envoy-retry-on'), wish('x-envoy-retry-grpc-on')].flatMap((list) => list?.split(',') ?? []);
  const on = new Set([...(policy?.retryOn ?? []), ...wanted.map((token) => token.trim())]);
  if (policy === undefined && on.size === 0) return undefined;
  const codes = wish('x-envoy-retriable-status-codes')?.split(',').map(Number) ?? [];
  return {
    on: [...on],
    times: numberIn(wish('x-envoy-max-retries')) ?? policy?.numRetries ?? 1,
    perTryTimeoutMs: numberIn(wish('x-envoy-upstream-rq-per-try-timeout-ms')) ?? policy?.perTryTimeoutMs ?? 0,
    perTryIdleTimeoutMs: policy?.perTryIdleTimeoutMs ?? 0,
    statusCodes: [...(policy?.retriableStatusCodes ?? []), ...codes],
  };
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

function mirror({ cluster, clusterHeader, fraction }: MirrorPolicy): ExplainedPolicies['mirrors'][number] {
  const percent = fraction === undefined ? 100 : (100 * fraction.numerator) / fraction.denominator;
  const key = fraction?.runtimeKey ?? '';
  return { cluster: cluster || `header ${clusterHeader ?? ''}`, percent, ...(key !== '' && { runtimeKey: key }) };
}
