/** How checks of a host connect: what its endpoint says goes before what the check says. */
import type { CheckConnectOptions, HealthCheckConfig, Host, TransportOptions } from '@mesh/core';

/** The options for `host`. */
export function connectOptions(host: Host, config: HealthCheckConfig): CheckConnectOptions {
  const { altPort = 0, transportSocketMatchCriteria: criteria } = config;
  const own = host.healthCheck;
  return {
    ip: own?.ip ?? '',
    port: own?.port || altPort,
    transport: transportOptions(config),
    transportMatch: criteria && { 'envoy.transport_socket_match': criteria },
  };
}

function transportOptions({ tlsOptions }: HealthCheckConfig): TransportOptions | undefined {
  const { alpnProtocols = [] } = tlsOptions;
  return alpnProtocols.length === 0 ? undefined : { applicationProtocols: alpnProtocols };
}

/** The authority of requests to `host`: its endpoint's, the check's, or the name of the cluster. */
export function authorityFor(host: Host, configured: string, clusterName: string): string {
  return host.healthCheck?.hostname || configured || clusterName;
}
