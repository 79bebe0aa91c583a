/** The DNS caches of a proxy by name. */
import { isDeepStrictEqual } from 'node:util';
import { type Clusters, type DiscoveryContext, MeshError } from '@mesh/core';
import type { DnsCacheConfig } from '@mesh/core/proto';
import type { DnsLookup } from '../resolver/index.ts';
import { DnsCache } from './dns-cache.ts';
import { dnsCacheSettings, lookupFor } from './settings.ts';

interface Shared {
  readonly cache: DnsCache;
  readonly config: DnsCacheConfig;
  users: number;
}

/** A proxy is known by its clusters; what is kept of it goes with it. */
const byProxy = new WeakMap<Clusters, Map<string, Shared>>();

/** A hold on a cache: it is closed when the last one is given back. */
export interface CacheHold {
  readonly cache: DnsCache;
  release(): void;
}

/**
 * The cache of that name, made when it is the first time. `lookup` replaces the resolver of the config.
 * @throws MeshError `CONFIG_INVALID` when it is there with other settings; in Envoy's words.
 */
export function holdCache(config: DnsCacheConfig, context: DiscoveryContext, lookup?: DnsLookup): CacheHold {
  const { clock, clusters, random, rootStats: stats } = context;
  const caches = byProxy.get(clusters) ?? new Map<string, Shared>();
  byProxy.set(clusters, caches);
  const known = caches.get(config.name);
  if (known !== undefined && !isDeepStrictEqual(known.config, config)) {
    throw new MeshError('CONFIG_INVALID', `config specified DNS cache '${config.name}' with different settings`);
  }
  const tools = { clock, random, stats, lookup: lookup ?? lookupFor(config, context) };
  const shared = known ?? { cache: new DnsCache(dnsCacheSettings(config), tools), config, users: 0 };
  caches.set(config.name, shared);
  shared.users++;
  let held = true;
  return {
    cache: shared.cache,
    release() {
      if (!held) return;
      held = false;
      if (--shared.users > 0) return;
      caches.delete(config.name);
      shared.cache.close();
    },
  };
}
