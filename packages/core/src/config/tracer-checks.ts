/** Clusters that tracers report to must be there, as Envoy asks. */
import type { ResolvedExtension } from './extension.ts';
import { type ConfigPath, didYouMean, type SchemaIssue } from './issues.ts';

/** Where a tracer's config may name a cluster; the fields of the built-in tracers. */
interface TracerClusters {
  readonly collectorCluster?: string;
  readonly collectorService?: { readonly httpUri?: { readonly cluster?: string } };
}

/** A provider, and where it stands when nothing is wrapped. What was wrong in itself may be missing. */
export interface ProviderAt {
  readonly provider: ResolvedExtension | undefined;
  readonly path: ConfigPath;
}

/** Names that no cluster has. `pathOf` is where a provider's config stands, where that is known. */
export function checkTracers(
  providers: readonly ProviderAt[],
  known: ReadonlySet<string | undefined>,
  pathOf: (provider: ResolvedExtension) => ConfigPath | undefined,
): SchemaIssue[] {
  const candidates = [...known].flatMap((name) => name ?? []);
  return providers.flatMap(({ provider, path }) => {
    if (provider === undefined) return [];
    const { collectorCluster, collectorService } = (provider.config ?? {}) as TracerClusters;
    const name = collectorService?.httpUri?.cluster ?? collectorCluster;
    if (typeof name !== 'string' || name === '' || known.has(name)) return [];
    const field = collectorService === undefined ? ['collector_cluster'] : ['collector_service', 'http_uri', 'cluster'];
    const hint = didYouMean(name, candidates);
    const message = `${provider.definition.name}: unknown cluster '${name}'`;
    return [{ path: [...(pathOf(provider) ?? path), ...field], message, ...(hint === undefined ? {} : { hint }) }];
  });
}
