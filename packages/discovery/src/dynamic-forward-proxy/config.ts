/** The config of `envoy.clusters.dynamic_forward_proxy`, and what it asks of the rest of the cluster. */
import { type ClusterConfig, MeshError } from '@mesh/core';
import { bool, dnsCacheConfig, isTls, message, withDefault } from '@mesh/core/proto';

export const TYPE = 'envoy.extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

export const clusterSchema = message(
  { dns_cache_config: dnsCacheConfig, allow_insecure_cluster_options: withDefault(bool(), false) },
  {
    name: TYPE,
    known: {
      sub_clusters_config: 'a cluster of its own for each name is not built yet; use dns_cache_config',
      allow_coalesced_connections: 'connections are never used for another name than that which they were made for',
    },
    oneofs: [{ fields: ['dns_cache_config', 'sub_clusters_config'], required: true }],
  },
);

/** The parsed config. */
export type DynamicForwardProxyConfig = ReturnType<typeof clusterSchema.parse>;

/** Whether connections are secured, which decides the port of names without one. */
export function isSecure({ transportSocket }: ClusterConfig): boolean {
  return isTls(transportSocket);
}

/**
 * The host of a request is the server name, and the certificate must be for it: a certificate for another host than the one
 * that a client has named must not do.
 * @throws MeshError `CONFIG_INVALID` when that is switched off without saying so; in Envoy's words.
 */
export function secured(
  config: ClusterConfig,
  { allowInsecureClusterOptions }: DynamicForwardProxyConfig,
): ClusterConfig {
  const typed = config.typedExtensionProtocolOptions?.[HTTP_OPTIONS];
  const given = typed === undefined ? config.upstreamHttpProtocolOptions : typed.upstreamHttpProtocolOptions;
  const filled =
    typed === undefined && given === undefined ? { ...config, upstreamHttpProtocolOptions: STRICT } : config;
  const options = filled === config ? given : STRICT;
  if (allowInsecureClusterOptions || (options?.autoSni === true && options.autoSanValidation)) {
    return isSecure(config) || config.transportSocketMatches.length > 0 ? filled : config;
  }
  throw new MeshError(
    'CONFIG_INVALID',
    'dynamic_forward_proxy cluster must have auto_sni and auto_san_validation true unless allow_insecure_cluster_options is set.',
  );
}

const STRICT = Object.freeze({ autoSni: true, autoSanValidation: true, overrideAutoSniHeader: '' });
