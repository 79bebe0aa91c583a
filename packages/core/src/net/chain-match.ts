/**
 * Which filter chain a connection gets: Envoy's nested maps, compiled once. Each step keeps the subtree of the most
 * specific value that fits and never comes back to another: if a later step fails, no chain matches.
 *
 *   destination port → destination IP → server name → transport → application protocol
 *     → direct source IP → source type → source IP → source port
 */
import { type IpRange, IpTable } from './ip-table.ts';

/** Whether a connection comes from this machine. */
export type SourceType = 'ANY' | 'SAME_IP_OR_LOOPBACK' | 'EXTERNAL';

/** What a chain asks of a connection (Envoy `FilterChainMatch`); what is empty asks for nothing. */
export interface ChainConditions {
  readonly destinationPort?: number | undefined;
  readonly prefixRanges: readonly IpRange[];
  /** Names and `*.suffix`, in any case. */
  readonly serverNames: readonly string[];
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  readonly directSourcePrefixRanges: readonly IpRange[];
  readonly sourceType: SourceType;
  readonly sourcePrefixRanges: readonly IpRange[];
  readonly sourcePorts: readonly number[];
}

/** A chain that takes every connection. */
export const ANY_CONNECTION: ChainConditions = {
  prefixRanges: [],
  serverNames: [],
  transportProtocol: '',
  applicationProtocols: [],
  directSourcePrefixRanges: [],
  sourceType: 'ANY',
  sourcePrefixRanges: [],
  sourcePorts: [],
};

/** What is asked of a connection. Addresses are '' for unix sockets. */
export interface ChainQuery {
  readonly localIp: string;
  readonly localPort: number;
  /** In lower case. */
  readonly serverName: string;
  /** '' counts as `raw_buffer`: nobody has looked. */
  readonly transportProtocol: string;
  readonly applicationProtocols: readonly string[];
  readonly directRemoteIp: string;
  readonly remoteIp: string;
  readonly remotePort: number;
}

type SourcePorts<T> = Map<number, T>;
class SourceTypes<T> {
  any: IpTable<SourcePorts<T>> | undefined = undefined;
  local: IpTable<SourcePorts<T>> | undefined = undefined;
  external: IpTable<SourcePorts<T>> | undefined = undefined;
}
type DirectSources<T> = IpTable<SourceTypes<T>>;
type Protocols<T> = Map<string, DirectSources<T>>;
type Transports<T> = Map<string, Protocols<T>>;
type Names<T> = Map<string, Transports<T>>;
type Destinations<T> = IpTable<Names<T>>;

/** The key of what asks for nothing. */
const ANY_TEXT = [''];
const ANY_PORT = [0];
const ANY_RANGE = [undefined];

/** The compiled conditions of a listener's chains. */
export class ChainMatcher<T> {
  private readonly ports = new Map<number, Destinations<T>>();

  /** False when another chain asks for the same in one of its combinations; then the matcher is of no use. */
  add(conditions: ChainConditions, chain: T): boolean {
    const { serverNames, applicationProtocols, transportProtocol } = conditions;
    const destinations = at(this.ports, conditions.destinationPort ?? 0, () => new IpTable<Names<T>>());
    for (const range of orAny(conditions.prefixRanges, ANY_RANGE)) {
      const names: Names<T> = destinations.of(range, () => new Map());
      for (const name of orAny(serverNames, ANY_TEXT)) {
        // `*.example.com` stands in the same map as `.example.com`.
        const key = name.startsWith('*.') ? name.slice(1) : name;
        const transports: Transports<T> = at(names, key.toLowerCase(), () => new Map());
        const protocols: Protocols<T> = at(transports, transportProtocol, () => new Map());
        for (const protocol of orAny(applicationProtocols, ANY_TEXT)) {
          const sources = at(protocols, protocol, () => new IpTable<SourceTypes<T>>());
          if (!addSources(sources, conditions, chain)) return false;
        }
      }
    }
    return true;
  }

  /** The chain for a connection; `undefined` when there is none. */
  find(query: ChainQuery): T | undefined {
    const destinations = this.ports.get(query.localPort) ?? this.ports.get(0);
    const names = destinations?.find(query.localIp);
    if (names === undefined) return undefined;
    const transports = byServerName(names, query.serverName);
    const transport = query.transportProtocol === '' ? 'raw_buffer' : query.transportProtocol;
    const protocols = transports?.get(transport) ?? transports?.get('');
    if (protocols === undefined) return undefined;
    const types = byProtocol(protocols, query.applicationProtocols)?.find(query.directRemoteIp);
    if (types === undefined) return undefined;
    const ports = bySourceType(types, query)?.find(query.remoteIp);
    return ports?.get(query.remotePort) ?? ports?.get(0);
  }
}

function at<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = create();
    map.set(key, value);
  }
  return value;
}

function orAny<V, A>(list: readonly V[], any: readonly A[]): readonly (V | A)[] {
  return list.length === 0 ? any : list;
}

function addSources<T>(sources: DirectSources<T>, conditions: ChainConditions, chain: T): boolean {
  for (const direct of orAny(conditions.directSourcePrefixRanges, ANY_RANGE)) {
    const table = ofType(
      sources.of(direct, () => new SourceTypes<T>()),
      conditions.sourceType,
    );
    for (const range of orAny(conditions.sourcePrefixRanges, ANY_RANGE)) {
      const ports = table.of(range, () => new Map());
      for (const port of orAny(conditions.sourcePorts, ANY_PORT)) {
        if (ports.has(port)) return false;
        ports.set(port, chain);
      }
    }
  }
  return true;
}

function ofType<T>(types: SourceTypes<T>, type: SourceType): IpTable<SourcePorts<T>> {
  if (type === 'SAME_IP_OR_LOOPBACK') return (types.local ??= new IpTable());
  if (type === 'EXTERNAL') return (types.external ??= new IpTable());
  return (types.any ??= new IpTable());
}

/** The name itself, then `.example.com` and `.com` of `www.example.com`, then chains that ask for no name. */
function byServerName<T>(names: Names<T>, name: string): Transports<T> | undefined {
  if (name !== '') {
    const exact = names.get(name);
    if (exact !== undefined) return exact;
    for (let dot = name.indexOf('.', 1); dot >= 0 && dot < name.length - 1; dot = name.indexOf('.', dot + 1)) {
      const suffix = names.get(name.slice(dot));
      if (suffix !== undefined) return suffix;
    }
  }
  return names.get('');
}

/** The first of the client's protocols that any chain asks for. */
function byProtocol<T>(protocols: Protocols<T>, offered: readonly string[]): DirectSources<T> | undefined {
  for (let i = 0; i < offered.length; i++) {
    const found = protocols.get(offered[i] as string);
    if (found !== undefined) return found;
  }
  return protocols.get('');
}

function bySourceType<T>(types: SourceTypes<T>, query: ChainQuery): IpTable<SourcePorts<T>> | undefined {
  const { any, local, external } = types;
  if (local === undefined && external === undefined) return any;
  return (isLocal(query) ? local : external) ?? any;
}

/** From a unix socket, from loopback, or from the very address that it goes to. */
function isLocal({ remoteIp, localIp }: ChainQuery): boolean {
  return remoteIp === '' || remoteIp === '127.0.0.1' || remoteIp === '::1' || remoteIp === localIp;
}
