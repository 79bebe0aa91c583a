/** The config of a cluster of type ORIGINAL_DST as it is used. */
import { type ClusterConfig, MeshError } from '@mesh/core';
import { AllowList } from './destination.ts';

/** Of the cluster's metadata: `{ allow: ["10.0.0.0/8", …], max_hosts: 1024 }`. */
const METADATA = 'mesh.original_dst';

export interface OriginalDstSettings {
  readonly allowed: AllowList;
  /** Hosts that the cluster may have at a time. */
  readonly maxHosts: number;
  /** Field that names the destination, lower case; `undefined` when none does. */
  readonly header: string | undefined;
  /** Dynamic metadata that names it: the namespace, and the way to the value in it. */
  readonly metadata: { readonly namespace: string; readonly path: readonly string[] } | undefined;
  /** Replaces the port of every destination. */
  readonly port: number | undefined;
  readonly cleanupMs: number;
}

/** @throws MeshError `CONFIG_INVALID` when nothing says which addresses may be dialled. */
export function originalDstSettings(config: ClusterConfig): OriginalDstSettings {
  const { originalDstLbConfig: options, cleanupIntervalMs, name } = config;
  const { allow, maxHosts } = readMetadata(config);
  const header = options?.useHttpHeader === true ? options.httpHeaderName || 'x-envoy-original-dst-host' : undefined;
  const key = options?.metadataKey;
  return {
    allowed: new AllowList(allow, name),
    maxHosts,
    header: header?.toLowerCase(),
    metadata: key && { namespace: key.key, path: key.path.map((segment) => segment.key) },
    port: options?.upstreamPortOverride,
    cleanupMs: cleanupIntervalMs,
  };
}

function readMetadata({ metadata, name }: ClusterConfig): { allow: readonly string[]; maxHosts: number } {
  const refuse = (problem: string): never => {
    throw new MeshError('CONFIG_INVALID', `cluster ${name}: ${problem}`);
  };
  const own = metadata?.filterMetadata[METADATA];
  if (own === undefined) {
    const example = `metadata: { filter_metadata: { ${METADATA}: { allow: ["10.0.0.0/8"] } } }`;
    return refuse(
      `type ORIGINAL_DST connects to whatever address a client names; say which ones it may, for example ${example}`,
    );
  }
  const { allow, max_hosts: maxHosts = 1024, ...rest } = own;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return refuse(`unknown field "${unknown}" of ${METADATA}`);
  if (!Array.isArray(allow) || allow.length === 0 || !allow.every((range) => typeof range === 'string')) {
    return refuse(`${METADATA}: allow must be a list of ranges such as "10.0.0.0/8", with one at least`);
  }
  if (typeof maxHosts !== 'number' || !Number.isInteger(maxHosts) || maxHosts < 1) {
    return refuse(`${METADATA}: max_hosts must be a whole number of at least 1`);
  }
  return { allow, maxHosts };
}
