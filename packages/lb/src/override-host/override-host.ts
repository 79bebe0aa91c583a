/** The choice of the hosts that a request names, in turn. */
import type { Host, HostSets, LoadBalancer, PickContext } from '@mesh/core';
import type { OverrideHostConfig } from './config.ts';

type Source = OverrideHostConfig['overrideHostSources'][number];

/** The hosts that one request names, and how many of them its attempts have used. */
interface Named {
  readonly addresses: readonly string[];
  used: number;
}

export class OverrideHostBalancer implements LoadBalancer {
  private readonly sources: readonly Source[];
  private readonly fallback: LoadBalancer;
  private byAddress: ReadonlyMap<string, Host> = new Map();
  /** By the context that the attempts of a request share. */
  private readonly named = new WeakMap<PickContext, Named>();

  constructor({ overrideHostSources }: Pick<OverrideHostConfig, 'overrideHostSources'>, fallback: LoadBalancer) {
    this.sources = overrideHostSources;
    this.fallback = fallback;
  }

  update(sets: HostSets): void {
    this.byAddress = new Map(sets.priorities.flatMap(({ hosts }) => hosts.map((host) => [host.address, host])));
    this.fallback.update(sets);
  }

  /** A host that is refused stays refused only by the fallback, as in Envoy. */
  pick(context: PickContext, reselection: number): Host | undefined {
    return this.nextNamed(context) ?? this.fallback.pick(context, reselection);
  }

  private nextNamed(context: PickContext): Host | undefined {
    // As in Envoy: a cluster that is made of others has drawn a priority already, and hears of no hosts.
    if (context.within !== undefined) return undefined;
    let named = this.named.get(context);
    if (named === undefined) {
      const addresses = this.sources.flatMap((source) => addressesOf(source, context));
      // Most requests name nobody, and need not be remembered.
      if (addresses.length === 0) return undefined;
      named = { addresses, used: 0 };
      this.named.set(context, named);
    }
    while (named.used < named.addresses.length) {
      const host = this.byAddress.get(named.addresses[named.used++] as string);
      if (host !== undefined) return host;
    }
    return undefined;
  }

  peek(context: PickContext): Host | undefined {
    return this.fallback.peek?.(context);
  }

  close(): void {
    this.fallback.close?.();
  }
}

function addressesOf({ header, metadata }: Source, { headers, dynamicMetadata }: PickContext): string[] {
  let text: unknown;
  if (metadata === undefined) text = headers?.get(header.toLowerCase());
  else {
    text = dynamicMetadata?.get(metadata.key);
    for (const { key } of metadata.path) {
      text = typeof text === 'object' && text !== null && Object.hasOwn(text, key) ? (text as never)[key] : undefined;
    }
  }
  if (typeof text !== 'string') return [];
  return text.split(',').flatMap((each) => (each.trim() === '' ? [] : [each.trim()]));
}
