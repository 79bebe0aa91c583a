/** Hosts are the addresses that clients were on their way to: made when they are asked for, gone when nobody does. */
import type {
  ClusterConfig,
  Counter,
  Discovery,
  DiscoveryContext,
  Endpoint,
  Host,
  LoadBalancer,
  PickContext,
  TimerHandle,
} from '@mesh/core';
import { addressOf, type Destination, readDestination } from './destination.ts';
import { type OriginalDstSettings, originalDstSettings } from './settings.ts';

/** Filter state with the address to go to, as text. */
const FILTER_STATE = 'envoy.network.transport_socket.original_dst_address';
/** Filter state with what a PROXY protocol header has told of the client's connection. */
const PROXIED = 'envoy.network.proxy_protocol_options';
const NOWHERE = Object.freeze({ region: '', zone: '', subZone: '' });

interface Known {
  readonly endpoint: Endpoint;
  readonly host: Host;
  /** Picked since the last cleanup. */
  used: boolean;
}

/** Discovery and policy of one cluster: the hosts come from the choice. */
export class OriginalDst implements Discovery, LoadBalancer {
  readonly balancer: LoadBalancer = this;
  private readonly context: DiscoveryContext<ClusterConfig>;
  private readonly settings: OriginalDstSettings;
  private readonly invalid: Counter;
  /** By `ip:port` as it was asked for, in canonical form. */
  private readonly known = new Map<string, Known>();
  private timer: TimerHandle | undefined = undefined;

  /** @throws MeshError `CONFIG_INVALID` when nothing says which addresses may be dialled. */
  constructor(context: DiscoveryContext<ClusterConfig>) {
    this.context = context;
    this.settings = originalDstSettings(context.config);
    this.invalid = context.stats.counter('original_dst_host_invalid');
  }

  start(): Promise<void> {
    this.scheduleCleanup();
    return Promise.resolve();
  }

  close(): void {
    this.timer?.cancel();
    this.known.clear();
  }

  /** The hosts are its own. */
  update(): void {}

  pick(context: PickContext): Host | undefined {
    const { filterState, headers } = context;
    const { header } = this.settings;
    // In Envoy's order; what cannot be read leaves the word to the next one.
    return (
      this.hostOf(textOf(filterState?.get(FILTER_STATE))) ??
      this.hostOf(this.fromMetadata(context)) ??
      (header === undefined ? undefined : this.hostOf(headers?.get(header))) ??
      this.hostOf(context.originalDestination ?? proxiedDestination(filterState?.get(PROXIED)))
    );
  }

  private fromMetadata({ dynamicMetadata }: PickContext): string | undefined {
    const { metadata } = this.settings;
    if (metadata === undefined) return undefined;
    let value = dynamicMetadata?.get(metadata.namespace);
    for (const step of metadata.path) value = isRecord(value) ? value[step] : undefined;
    return textOf(Array.isArray(value) ? value[0] : value);
  }

  private hostOf(text: string | undefined): Host | undefined {
    if (text === undefined || text === '') return undefined;
    const known = this.known.get(text);
    if (known !== undefined) {
      known.used = true;
      return known.host;
    }
    const destination = readDestination(text);
    if (destination === undefined || !this.settings.allowed.has(destination.ip)) {
      this.invalid.inc();
      return undefined;
    }
    const key = addressOf(destination);
    return key === text ? this.add(key, destination) : this.hostOf(key);
  }

  private add(key: string, destination: Destination): Host | undefined {
    const { clusterName, log } = this.context;
    const { maxHosts, port = destination.port } = this.settings;
    if (this.known.size >= maxHosts) {
      log('debug', `no host for ${key}: it has ${maxHosts}, as many as it may`);
      return undefined;
    }
    const address = addressOf({ ip: destination.ip, port });
    const hostname = `${clusterName}${address}`;
    const endpoint = { ip: destination.ip, port, hostname, weight: 1, priority: 0, locality: NOWHERE };
    this.publish(endpoint);
    const host = this.context.host(address);
    if (host !== undefined) this.known.set(key, { endpoint, host, used: true });
    return host;
  }

  private publish(added?: Endpoint): void {
    const endpoints = [...this.known.values()].map(({ endpoint }) => endpoint);
    this.context.publish(added === undefined ? endpoints : [...endpoints, added]);
  }

  private scheduleCleanup(): void {
    this.timer = this.context.timers.after(this.settings.cleanupMs, () => {
      this.cleanUp();
      this.scheduleCleanup();
    });
  }

  /** Forgets the hosts that were not picked since last time and have no connection. */
  private cleanUp(): void {
    const before = this.known.size;
    for (const [key, one] of this.known) {
      const { stats } = one.host;
      if (!one.used && stats.cxActive === 0 && stats.rqActive === 0) this.known.delete(key);
      one.used = false;
    }
    if (this.known.size !== before) this.publish();
  }
}

/** Where the client's connection was going before a balancer took it. */
function proxiedDestination(proxied: unknown): string | undefined {
  if (!isRecord(proxied) || typeof proxied.localIp !== 'string' || typeof proxied.localPort !== 'number')
    return undefined;
  return addressOf({ ip: proxied.localIp, port: proxied.localPort });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
