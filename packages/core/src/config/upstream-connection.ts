/** How a cluster makes its connections: from where, to which address first, how many ahead of demand. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import type { SourceAddress } from '../upstream/settings.ts';
import { notAnIp, tcpKeepalive } from './common.ts';
import { type DeepPartial, fields, message, required, withDefault } from './message.ts';
import { double, enumOf, list, nonEmpty, uint32 } from './proto-json.ts';
import type { Report } from './schema-type.ts';

/** Envoy `SocketAddress` of this side: any port when it is 0. */
const sourceAddress = message(
  {
    protocol: withDefault(enumOf(['TCP'], { UDP: { number: 1, reason: 'UDP is not built yet' } }), 'TCP'),
    address: required(nonEmpty()),
    port_value: uint32({ max: 65535 }),
  },
  {
    name: 'envoy.config.core.v3.SocketAddress',
    known: {
      named_port: 'named ports need a service resolver',
      resolver_name: 'source addresses are IP addresses',
      ipv4_compat: 'an address to connect from is of one family',
      network_namespace_filepath: 'Node.js cannot enter a network namespace',
    },
    oneofs: [{ fields: ['port_value', 'named_port'], required: true }],
    check({ address }, report) {
      const problem = notAnIp(address);
      if (problem !== undefined) report({ path: ['address'], message: problem.replace(/\..*/s, '') });
    },
  },
);

const extraSourceAddress = message(
  { address: required(sourceAddress) },
  {
    name: 'envoy.config.core.v3.ExtraSourceAddress',
    known: { socket_options: 'Node.js cannot set socket options by number' },
  },
);

const NO_OPTIONS = 'Node.js cannot set socket options before it binds';

/** Envoy `BindConfig`: addresses to connect from, one for each family. */
export const bindConfig = message(
  {
    source_address: sourceAddress,
    extra_source_addresses: list(extraSourceAddress),
    additional_source_addresses: list(sourceAddress),
  },
  {
    name: 'envoy.config.core.v3.BindConfig',
    known: { ...fields('freebind socket_options', NO_OPTIONS), local_address_selector: 'not built: by family only' },
    check({ sourceAddress: source, extraSourceAddresses = [], additionalSourceAddresses = [] }, report) {
      const more = [...extraSourceAddresses.map((one) => one?.address), ...additionalSourceAddresses];
      checkSources(source?.address, more, report);
    },
  },
);

function checkSources(
  source: string | undefined,
  more: readonly ({ readonly address?: string | undefined } | undefined)[],
  report: Report,
): void {
  if (more.length === 0) return;
  if (source === undefined) {
    report({ message: 'upstream binding config has extra/additional source addresses but no source_address' });
  } else if (more.length > 1) {
    report({ message: 'upstream binding config has more than one extra/additional source addresses' });
  } else if (isIP(source) === isIP(more[0]?.address ?? '')) {
    report({ message: 'upstream binding config has two same IP version source addresses' });
  }
}

/** Envoy `Cluster.PreconnectPolicy`: connections for each request, existing or expected. */
export const preconnectPolicy = message(
  {
    per_upstream_preconnect_ratio: double({ min: 1, max: 3 }),
    predictive_preconnect_ratio: double({ min: 1, max: 3 }),
  },
  { name: 'envoy.config.cluster.v3.Cluster.PreconnectPolicy' },
);

/** Envoy `HappyEyeballsConfig`: which of several addresses of a host is tried first. */
const happyEyeballsConfig = message(
  {
    first_address_family_version: withDefault(enumOf(['DEFAULT', 'V4', 'V6']), 'DEFAULT'),
    first_address_family_count: withDefault(uint32({ min: 1 }), 1),
  },
  { name: 'envoy.config.cluster.v3.UpstreamConnectionOptions.HappyEyeballsConfig' },
);

/** Envoy `UpstreamConnectionOptions`. */
export const upstreamConnectionOptions = message(
  { tcp_keepalive: tcpKeepalive, happy_eyeballs_config: happyEyeballsConfig },
  {
    name: 'envoy.config.cluster.v3.UpstreamConnectionOptions',
    known: {
      set_local_interface_name_on_upstream_connections: 'interface names of connections are not told anywhere',
    },
  },
);

/** Addresses that a cluster connects from. */
type BindConfig = z.output<typeof bindConfig>;

/** The addresses to connect from. */
export function sourceAddresses(config: DeepPartial<BindConfig> | undefined): SourceAddress[] {
  if (config?.sourceAddress === undefined) return [];
  const all = [
    config.sourceAddress,
    ...(config.extraSourceAddresses ?? []).map((one) => one?.address),
    ...(config.additionalSourceAddresses ?? []),
  ];
  return all.flatMap((one) => {
    if (one?.address === undefined) return [];
    const { address: localAddress, portValue: localPort = 0 } = one;
    return [{ localAddress, family: isIP(localAddress), ...(localPort > 0 && { localPort }) }];
  });
}
