/** Retry, hedge and internal redirect policies, compiled. */
import type {
  HeaderPredicate,
  HedgePolicy,
  InternalRedirectPolicy,
  RetryExtension,
  RetryPolicy,
} from '../api/route.ts';
import type {
  ExtensionSettings,
  ForwardSettings,
  HedgeSettings,
  InternalRedirectSettings,
  MetadataSettings,
  RetrySettings,
} from './action-settings.ts';
import { HeaderCondition } from './header-match.ts';
import type { HeaderMatcherSettings } from './settings.ts';

/** Compiles a retry policy. @throws SyntaxError for a bad regular expression. */
export function compileRetryPolicy(settings: RetrySettings): RetryPolicy {
  const { retryBackOff, rateLimitedRetryBackOff } = settings;
  return {
    retryOn: settings.retryOn
      .split(',')
      .map((token) => token.trim())
      .filter((token) => token !== ''),
    numRetries: settings.numRetries,
    perTryTimeoutMs: settings.perTryTimeoutMs,
    perTryIdleTimeoutMs: settings.perTryIdleTimeoutMs,
    retriableStatusCodes: settings.retriableStatusCodes,
    retriableHeaders: predicates(settings.retriableHeaders),
    retriableRequestHeaders: predicates(settings.retriableRequestHeaders),
    backOff: retryBackOff && backOff(retryBackOff),
    rateLimitedBackOff: rateLimitedRetryBackOff && {
      resetHeaders: rateLimitedRetryBackOff.resetHeaders.map(({ name, format }) => ({
        name: name.toLowerCase(),
        format,
      })),
      maxMs: wholeMs(rateLimitedRetryBackOff.maxIntervalMs),
    },
    hostPredicates: settings.retryHostPredicate.map(hostPredicate),
    retryPriority: settings.retryPriority,
    hostSelectionMaxAttempts: settings.hostSelectionRetryMaxAttempts || 1,
  };
}

function predicates(matchers: readonly HeaderMatcherSettings[]): readonly HeaderPredicate[] {
  return matchers.map((each) => new HeaderCondition(each));
}

function backOff({ baseIntervalMs, maxIntervalMs }: NonNullable<RetrySettings['retryBackOff']>) {
  const baseMs = wholeMs(baseIntervalMs);
  return { baseMs, maxMs: maxIntervalMs === undefined ? baseMs * 10 : wholeMs(maxIntervalMs) };
}

/** Envoy counts whole milliseconds, at least one. */
function wholeMs(ms: number): number {
  return Math.max(1, Math.trunc(ms));
}

function hostPredicate({ name, config }: ExtensionSettings): RetryExtension {
  if (name !== 'envoy.retry_host_predicates.omit_host_metadata') return { name, config };
  const { metadataMatch } = config as { readonly metadataMatch?: MetadataSettings };
  return { name, config: { metadataMatch: metadataMatch?.filterMetadata ?? {} } };
}

/** Compiles a hedge policy. */
export function compileHedgePolicy({ hedgeOnPerTryTimeout }: HedgeSettings): HedgePolicy {
  return { hedgeOnPerTryTimeout };
}

const REDIRECTS = [301, 302, 303, 307, 308];

/** The internal redirect policy of a route, also from the deprecated fields; `undefined` when there is none. */
export function compileInternalRedirects(settings: ForwardSettings): InternalRedirectPolicy | undefined {
  const { internalRedirectPolicy, internalRedirectAction, maxInternalRedirects = 1 } = settings;
  if (internalRedirectPolicy !== undefined) return internalRedirects(internalRedirectPolicy);
  if (internalRedirectAction !== 'HANDLE_INTERNAL_REDIRECT') return undefined;
  return {
    maxInternalRedirects,
    statuses: [302],
    allowCrossScheme: false,
    predicates: [],
    responseHeadersToCopy: [],
  };
}

function internalRedirects(settings: InternalRedirectSettings): InternalRedirectPolicy {
  const { redirectResponseCodes } = settings;
  return {
    maxInternalRedirects: settings.maxInternalRedirects,
    statuses:
      redirectResponseCodes.length === 0 ? [302] : redirectResponseCodes.filter((code) => REDIRECTS.includes(code)),
    allowCrossScheme: settings.allowCrossSchemeRedirect,
    predicates: settings.predicates,
    responseHeadersToCopy: settings.responseHeadersToCopy.map((name) => name.toLowerCase()),
  };
}
