/** Rules about `health_checks` that look at the whole cluster. */
import type { ClusterConfig } from './cluster.ts';
import type { DeepPartial } from './message.ts';
import type { Report } from './schema-type.ts';
import { isTls, upstreamHttpOptionsName } from './upstream-http.ts';

type PartialCluster = DeepPartial<ClusterConfig>;

/** Every rule, in Envoy's words. */
export function checkHealthChecks(cluster: PartialCluster, report: Report): void {
  const checks = cluster.healthChecks ?? [];
  if (checks.length > 1) checkNames(checks, report);
  for (const [index, check] of checks.entries()) {
    const below: Report = (issue) => report({ ...issue, path: ['health_checks', index, ...(issue.path ?? [])] });
    if (check?.grpcHealthCheck !== undefined && !speaksHttp2(cluster)) {
      const message = `${cluster.name ?? ''} cluster must support HTTP/2 for gRPC healthchecking`;
      below({ path: ['grpc_health_check'], at: 'key', message });
    }
    checkAlpn(cluster, check, below);
    checkAuthority(cluster, check, below);
  }
}

type PartialCheck = DeepPartial<ClusterConfig['healthChecks'][number]>;

function checkNames(checks: readonly (PartialCheck | undefined)[], report: Report): void {
  const seen = new Set<string>();
  for (const [index, check] of checks.entries()) {
    const name = check?.name ?? '';
    if (name === '') {
      const rule = 'all health checks must have a name when multiple health checks are configured';
      report({ path: ['health_checks', index], message: `health check at index ${index} is missing a name; ${rule}` });
    } else if (seen.has(name)) {
      const rule = 'all health check names must be unique within a cluster';
      const message = `duplicate health check name '${name}' at index ${index}; ${rule}`;
      report({ path: ['health_checks', index, 'name'], message });
    }
    seen.add(name);
  }
}

function speaksHttp2(cluster: PartialCluster): boolean {
  const typed = cluster.typedExtensionProtocolOptions?.[upstreamHttpOptionsName];
  if (typed === undefined) return cluster.http2ProtocolOptions !== undefined;
  const { explicitHttpConfig, useDownstreamProtocolConfig, autoConfig } = typed;
  if (autoConfig !== undefined) return true;
  return (explicitHttpConfig ?? useDownstreamProtocolConfig)?.http2ProtocolOptions !== undefined;
}

function checkAlpn(cluster: PartialCluster, check: PartialCheck | undefined, report: Report): void {
  if (check?.httpHealthCheck?.useAlpnProtocol !== true) return;
  const matches = (cluster.transportSocketMatches ?? []).map((one) => one?.transportSocket);
  if ([cluster.transportSocket, ...matches].every((socket) => isTls(socket))) return;
  const where = `the health check of cluster ${cluster.name ?? ''} which has a non-ALPN transport socket`;
  const message = `use_alpn_protocol configured for ${where}`;
  report({ path: ['http_health_check', 'use_alpn_protocol'], at: 'key', message });
}

/** The name of the cluster stands in for a host that is not given. */
function checkAuthority({ name = '' }: PartialCluster, check: PartialCheck | undefined, report: Report): void {
  const http = check?.httpHealthCheck;
  const grpc = check?.grpcHealthCheck;
  const missing = http === undefined ? grpc !== undefined && (grpc.authority ?? '') === '' : (http.host ?? '') === '';
  if (!missing || /^[!-~]*$/.test(name)) return;
  const [kind, field] = http === undefined ? ['grpc_health_check', 'authority'] : ['http_health_check', 'host'];
  report({ path: [kind, field], message: `is required: the cluster's name ${JSON.stringify(name)} is no host` });
}
