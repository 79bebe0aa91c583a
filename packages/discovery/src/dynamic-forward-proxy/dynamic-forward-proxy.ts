/** A cluster whose hosts are the names of a DNS cache. Each is one host, whatever its addresses are at the time. */
import type { ClusterConfig, Discovery, DiscoveryContext, Endpoint, HostNames } from '@mesh/core';
import { type CachedName, type CacheHold, holdCache } from '../dns-cache/index.ts';
import type { DnsLookup } from '../resolver/index.ts';
import { NamedHostBalancer } from './balancer.ts';
import { type DynamicForwardProxyConfig, isSecure } from './config.ts';

type Context = DiscoveryContext<ClusterConfig, DynamicForwardProxyConfig>;
type CacheConfig = NonNullable<DynamicForwardProxyConfig['dnsCacheConfig']>;

const NOWHERE = Object.freeze({ region: '', zone: '', subZone: '' });

/** The discovery of one cluster. */
export class DynamicForwardProxy implements Discovery {
  readonly balancer: NamedHostBalancer;
  readonly names: HostNames;
  private readonly context: Context;
  private readonly config: CacheConfig;
  private readonly hold: CacheHold;
  private stopListening: (() => void) | undefined = undefined;

  /** @throws MeshError `CONFIG_INVALID` when another cluster has a cache of that name with other settings. */
  constructor(context: Context, lookup?: DnsLookup) {
    this.context = context;
    this.config = context.typeConfig.dnsCacheConfig as CacheConfig;
    this.hold = holdCache(this.config, context, lookup);
    const { cache } = this.hold;
    const port = isSecure(context.config) ? 443 : 80;
    this.balancer = new NamedHostBalancer(cache, port, context.host);
    this.names = {
      cacheName: this.config.name,
      defaultPort: port,
      load: (authority, user, defaultPort = port) => cache.load(authority, defaultPort, user),
    };
  }

  start(): Promise<void> {
    const { cache } = this.hold;
    const publish = () => this.publish();
    this.stopListening = cache.listen({ onAddresses: publish, onRemoved: publish });
    this.publish();
    for (const { address, portValue } of this.config.preresolveHostnames) cache.preload(address, portValue ?? 0);
    return Promise.resolve();
  }

  close(): void {
    this.stopListening?.();
    this.hold.release();
  }

  private publish(): void {
    this.context.publish(this.hold.cache.found().map(endpointOf));
  }
}

function endpointOf({ addresses, named }: CachedName): Endpoint {
  const [ip, ...more] = addresses;
  return {
    ip: ip as string,
    port: named.port,
    key: named.key,
    hostname: named.key,
    weight: 1,
    priority: 0,
    locality: NOWHERE,
    additionalAddresses: more.map((other) => ({ ip: other, port: named.port })),
  };
}
