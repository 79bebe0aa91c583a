/** The extensions that one proxy knows: a value, not a global. */
import type {
  AccessLogDefinition,
  ClusterMonitorDefinition,
  DiscoveryDefinition,
  Extension,
  ExtensionKind,
  HttpFilterDefinition,
  ListenerFilterDefinition,
  LoadBalancerDefinition,
  NetworkFilterDefinition,
  StatsSinkDefinition,
  TracerDefinition,
} from './define/index.ts';
import { MeshError } from './errors.ts';

export class Registry {
  readonly #byKind = new Map<string, Map<string, Extension>>();
  readonly #byTypeUrl = new Map<string, Extension>();

  /** @throws MeshError `DUPLICATE_EXTENSION` when two different definitions share a name or type URL. */
  constructor(extensions: readonly Extension[]) {
    for (const extension of extensions) this.#add(extension);
  }

  #add(extension: Extension): void {
    const kind = this.#byKind.get(extension.kind) ?? new Map<string, Extension>();
    this.#byKind.set(extension.kind, kind);
    const same = kind.get(extension.name);
    if (same === extension) return;
    if (same !== undefined) throw duplicate(extension, 'name', extension.name);
    kind.set(extension.name, extension);
    if (extension.typeUrl === undefined) return;
    const key = `${extension.kind} ${extension.typeUrl}`;
    if (this.#byTypeUrl.has(key)) throw duplicate(extension, 'type URL', extension.typeUrl);
    this.#byTypeUrl.set(key, extension);
  }

  /** By type URL when one is given, else by name. */
  find(kind: 'http-filter', by: Lookup): HttpFilterDefinition | undefined;
  find(kind: 'network-filter', by: Lookup): NetworkFilterDefinition | undefined;
  find(kind: 'listener-filter', by: Lookup): ListenerFilterDefinition | undefined;
  find(kind: 'load-balancer', by: Lookup): LoadBalancerDefinition | undefined;
  find(kind: 'discovery', by: Lookup): DiscoveryDefinition | undefined;
  find(kind: 'access-log', by: Lookup): AccessLogDefinition | undefined;
  find(kind: 'tracer', by: Lookup): TracerDefinition | undefined;
  find(kind: 'stats-sink', by: Lookup): StatsSinkDefinition | undefined;
  find(kind: string, by: Lookup): Extension | undefined;
  find(kind: string, by: Lookup): Extension | undefined {
    if (by.typeUrl !== undefined) return this.#byTypeUrl.get(`${kind} ${by.typeUrl}`);
    return this.#byKind.get(kind)?.get(by.name);
  }

  /** Names of a kind in the order of registration. */
  names(kind: string): string[] {
    return [...(this.#byKind.get(kind)?.keys() ?? [])];
  }

  /** The discovery that serves clusters of this `type`. */
  discovery(type: string): DiscoveryDefinition | undefined {
    for (const extension of this.#byKind.get('discovery')?.values() ?? []) {
      if (extension.kind === 'discovery' && extension.types.includes(type)) return extension;
    }
    return undefined;
  }

  /** Everything that may watch clusters. */
  monitors(): ClusterMonitorDefinition[] {
    const all = [...(this.#byKind.get('cluster-monitor')?.values() ?? [])];
    return all.filter((extension) => extension.kind === 'cluster-monitor');
  }

  /** Every definition, for listings. */
  all(): { kind: ExtensionKind; name: string; typeUrl: string | undefined }[] {
    return [...this.#byKind.values()].flatMap((kind) =>
      [...kind.values()].map(({ kind: of, name, typeUrl }) => ({ kind: of, name, typeUrl })),
    );
  }
}

/** How an extension is named in configuration. */
export interface Lookup {
  readonly name: string;
  readonly typeUrl?: string | undefined;
}

function duplicate(extension: Extension, what: string, value: string): MeshError {
  return new MeshError('DUPLICATE_EXTENSION', `two ${extension.kind} extensions have the ${what} ${value}`);
}
