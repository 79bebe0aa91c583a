/** What the admin server asks of a proxy. */
import type { DrainOptions, JsonObject, ServerState } from '../admin/index.ts';
import type { ExtensionKind } from '../define/index.ts';
import type { AdminSource } from '../proxy-admin.ts';
import { versionText } from '../version.ts';
import type { ProxyParts } from './parts.ts';

/** The part of {@link AdminSource} that only the proxy itself can tell, or do. */
export type AdminDuties = Omit<
  AdminSource,
  'version' | 'commandLineOptions' | 'node' | 'state' | 'drainListeners' | 'healthcheck'
> & {
  state(): ServerState;
  drainListeners(options: DrainOptions): Promise<void>;
  healthcheck(fail: boolean): void;
};

/** Adds what follows from the config. */
export function adminSource(parts: ProxyParts, duties: AdminDuties): AdminSource {
  return {
    ...duties,
    version: versionText(),
    commandLineOptions: parts.commandLineOptions ?? {},
    node: nodeJson(parts),
    drainListeners: (options) => {
      void duties.drainListeners(options);
    },
  };
}

/** Envoy's `Node`, with what this build is and has. */
function nodeJson({ bootstrap, node = {}, registry }: ProxyParts): JsonObject {
  const { id, cluster, locality, metadata } = bootstrap.node;
  const [revision = '', version = '', status = '', type = '', ssl = ''] = versionText().split('/');
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return {
    id: id || (node.id ?? ''),
    cluster: cluster || (node.cluster ?? ''),
    metadata: metadata as JsonObject,
    locality: {
      region: locality?.region ?? '',
      zone: locality?.zone || (node.zone ?? ''),
      sub_zone: locality?.subZone ?? '',
    },
    user_agent_name: 'mesh',
    user_agent_build_version: {
      version: { major_number: major, minor_number: minor, patch },
      metadata: { 'revision.sha': revision, 'revision.status': status, 'build.type': type, 'ssl.version': ssl },
    },
    extensions: registry.all().map(extensionJson),
    client_features: [],
    listening_addresses: [],
    dynamic_parameters: {},
  };
}

/** The categories of Envoy's extensions. */
const CATEGORIES: Readonly<Record<ExtensionKind, string>> = {
  'http-filter': 'envoy.filters.http',
  'network-filter': 'envoy.filters.network',
  'listener-filter': 'envoy.filters.listener',
  discovery: 'envoy.clusters',
  'load-balancer': 'envoy.load_balancing_policies',
  'cluster-monitor': 'mesh.cluster_monitors',
  'access-log': 'envoy.access_loggers',
  tracer: 'envoy.tracers',
  'stats-sink': 'envoy.stats_sinks',
};

function extensionJson({ kind, name, typeUrl }: ReturnType<ProxyParts['registry']['all']>[number]): JsonObject {
  return {
    name,
    category: CATEGORIES[kind],
    type_descriptor: '',
    disabled: false,
    type_urls: typeUrl === undefined ? [] : [typeUrl.slice(typeUrl.indexOf('/') + 1)],
  };
}
