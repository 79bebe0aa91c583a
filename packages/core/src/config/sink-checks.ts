/** Clusters that stats sinks send to must be there, as Envoy asks. */
import type { ResolvedExtension } from './extension.ts';
import { type ConfigPath, didYouMean, type SchemaIssue } from './issues.ts';

/** What was wrong in itself may be missing. */
type Sinks = readonly ({ readonly config?: unknown } | undefined)[];

/** Where a sink's config may name a cluster; the fields of the built-in sinks. */
interface SinkClusters {
  readonly tcpClusterName?: string;
  readonly grpcService?: { readonly envoyGrpc?: { readonly clusterName?: string } };
}

/** Names that no cluster has. `pathOf` is where a sink's config stands, where that is known. */
export function checkSinks(
  sinks: Sinks,
  known: ReadonlySet<string | undefined>,
  pathOf: (sink: ResolvedExtension) => ConfigPath | undefined,
): SchemaIssue[] {
  const candidates = [...known].flatMap((name) => name ?? []);
  return sinks.flatMap((sink, index) => {
    const path = (sink && pathOf(sink as ResolvedExtension)) ?? ['stats_sinks', index, 'typed_config'];
    return named((sink?.config ?? {}) as SinkClusters).flatMap(({ name, at, words }) => {
      if (name === undefined || known.has(name)) return [];
      const hint = didYouMean(name, candidates);
      const message = `${words} '${name}'`;
      return [{ path: [...path, ...at], message, ...(hint === undefined ? {} : { hint }) }];
    });
  });
}

function named({ tcpClusterName, grpcService }: SinkClusters) {
  return [
    { name: tcpClusterName, at: ['tcp_cluster_name'], words: 'tcp statsd: unknown cluster' },
    {
      name: grpcService?.envoyGrpc?.clusterName,
      at: ['grpc_service', 'envoy_grpc', 'cluster_name'],
      words: 'Unknown gRPC client cluster',
    },
  ];
}
