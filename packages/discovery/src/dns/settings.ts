/** How a cluster's names are looked up, from the fields of the cluster or of its `cluster_type`. */
import type { ClusterConfig, DiscoveryContext } from '@mesh/core';
import { type DnsResolverFields, dnsResolverSettings } from '@mesh/core/proto';
import { type DnsLookup, lookupLimitMs, lookupOf, type RefreshPolicy } from '../resolver/index.ts';

/** What the discovery of a cluster by DNS works with. */
export interface DnsSettings {
  readonly lookup: DnsLookup;
  readonly policy: RefreshPolicy;
}

/** The fields that `Cluster` and `DnsCluster` have in common, and `DnsCluster`'s own. */
export interface DnsFields extends DnsResolverFields {
  readonly dnsRefreshRateMs: number;
  readonly dnsJitterMs: number;
  readonly dnsFailureRefreshRate?: { readonly baseIntervalMs: number; readonly maxIntervalMs?: number } | undefined;
  readonly respectDnsTtl: boolean;
  readonly dnsLookupFamily: ClusterConfig['dnsLookupFamily'] | 'UNSPECIFIED';
  readonly dnsMinRefreshRateMs?: number | undefined;
}

/** The settings of a cluster; `lookup` is instead of the configured resolver. */
export function dnsSettings(
  context: DiscoveryContext<ClusterConfig, unknown>,
  fields: DnsFields,
  lookup?: DnsLookup,
): DnsSettings {
  const resolver = dnsResolverSettings(fields) ?? dnsResolverSettings(context.config) ?? context.dnsResolver;
  return { lookup: lookup ?? lookupOf(resolver, context), policy: policyOf(fields, lookupLimitMs(resolver)) };
}

function policyOf(fields: DnsFields, timeoutMs: number): RefreshPolicy {
  const { dnsFailureRefreshRate: failure, dnsRefreshRateMs, dnsLookupFamily: family } = fields;
  // Without a failure rate Envoy goes on at the normal rate; with one the ceiling is ten times its base.
  const failureBaseMs = failure?.baseIntervalMs ?? dnsRefreshRateMs;
  const failureMaxMs = failure === undefined ? failureBaseMs : (failure.maxIntervalMs ?? 10 * failureBaseMs);
  return {
    family: family === 'UNSPECIFIED' ? 'AUTO' : family,
    refreshMs: dnsRefreshRateMs,
    jitterMs: fields.dnsJitterMs,
    failureBaseMs,
    failureMaxMs,
    respectTtl: fields.respectDnsTtl,
    minMs: fields.dnsMinRefreshRateMs ?? 0,
    timeoutMs,
  };
}
