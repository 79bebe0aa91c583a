/** Envoy's `envoy.retry_host_predicates.*`. */
import type { Host, RetryExtension } from '@mesh/core';

export interface HostPredicate {
  onHostAttempted?(host: Host): void;
  refuses(host: Host): boolean;
}

/** Never refuses: a name that the config does not let through. */
const ACCEPT_ALL: HostPredicate = { refuses: () => false };
const OMIT_CANARY: HostPredicate = { refuses: (host) => host.canary === true };

/** A predicate for one request. */
export function hostPredicate({ name, config }: RetryExtension): HostPredicate {
  switch (name) {
    case 'envoy.retry_host_predicates.previous_hosts':
      return previousHosts();
    case 'envoy.retry_host_predicates.omit_canary_hosts':
      return OMIT_CANARY;
    case 'envoy.retry_host_predicates.omit_host_metadata':
      return omitMetadata(config as OmitHostMetadata);
    default:
      return ACCEPT_ALL;
  }
}

/** Hosts that this request has been sent to. */
function previousHosts(): HostPredicate {
  const attempted = new Set<Host>();
  return { onHostAttempted: (host) => attempted.add(host), refuses: (host) => attempted.has(host) };
}

/** Envoy `OmitHostMetadataConfig`: `metadata_match.filter_metadata`. */
interface OmitHostMetadata {
  readonly metadataMatch?: Readonly<Record<string, unknown>> | undefined;
}

/** Hosts whose `envoy.lb` metadata has every pair of the criteria. */
function omitMetadata({ metadataMatch }: OmitHostMetadata): HostPredicate {
  const criteria = entriesOf(metadataMatch?.['envoy.lb']);
  return {
    refuses(host) {
      const own = entriesOf(host.metadata?.['envoy.lb']);
      return criteria.every(([key, value]) => own.some(([name, has]) => name === key && sameValue(has, value)));
    },
  };
}

function entriesOf(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Equality of protobuf values; the fields of an object have no order. */
function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), Object.entries(b)];
  return (
    left.length === right.length &&
    left.every(([key, value]) => key in b && sameValue(value, right.find(([name]) => name === key)?.[1]))
  );
}
