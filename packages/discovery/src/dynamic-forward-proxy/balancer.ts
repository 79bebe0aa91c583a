/** The host of a request is the one that it names. */
import type { DiscoveryContext, Host, LoadBalancer, PickContext } from '@mesh/core';
import { type DnsCache, readAuthority } from '../dns-cache/index.ts';

/** Filter state that names another host or port than the request does. */
const HOST_KEY = 'envoy.upstream.dynamic_host';
const PORT_KEY = 'envoy.upstream.dynamic_port';

export class NamedHostBalancer implements LoadBalancer {
  private readonly cache: DnsCache;
  private readonly defaultPort: number;
  private readonly host: DiscoveryContext['host'];

  constructor(cache: DnsCache, defaultPort: number, host: DiscoveryContext['host']) {
    this.cache = cache;
    this.defaultPort = defaultPort;
    this.host = host;
  }

  /** Names are looked up in the cache, hosts in the cluster. */
  update(): void {}

  pick(context: PickContext): Host | undefined {
    const named = context.filterState?.get(HOST_KEY);
    const text = typeof named === 'string' ? named : (context.headers?.authority ?? context.serverName ?? '');
    // Most requests name host and port as they are kept.
    const name = this.cache.find(text) ?? this.find(text, context);
    if (name === undefined) return undefined;
    name.touch();
    const host = this.host(name.named.key);
    return host?.health === 'unhealthy' ? undefined : host;
  }

  private find(text: string, { filterState }: PickContext) {
    const port = Number(filterState?.get(PORT_KEY) ?? 0);
    const named = readAuthority(text, port > 0 && port <= 65_535 ? port : this.defaultPort);
    return named === undefined ? undefined : this.cache.find(named.key);
  }
}
