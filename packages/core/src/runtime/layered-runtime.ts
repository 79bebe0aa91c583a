/**
 * Envoy's layered runtime: values that operators change while the proxy runs. Later layers win. The layers are merged
 * when one of them changes; asking is one look-up.
 */
import { type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { Runtime, RuntimeFraction } from '../api/runtime.ts';
import type { Counter, Gauge } from '../api/stats.ts';
import { type RuntimeEntry, textEntry } from './runtime-entry.ts';
import { diskValues, isDirectory, type LayerValues, staticValues } from './runtime-layers.ts';

/** A runtime without a layer: every answer is the fallback. */
export const NO_RUNTIME: Runtime = Object.freeze({
  get: () => undefined,
  integer: (_key: string, fallback: number) => fallback,
  boolean: (_key: string, fallback: boolean) => fallback,
  enabled: ({ numerator, denominator }: RuntimeFraction, random: number) => random % denominator < numerator,
});

/** Envoy `RuntimeLayer`: exactly one of the three is given. */
export interface RuntimeLayerSettings {
  readonly name: string;
  readonly staticLayer?: Readonly<Record<string, unknown>>;
  readonly adminLayer?: object;
  readonly diskLayer?: DiskLayerSettings;
}

/** Envoy `DiskLayer`: the files below `<symlinkRoot>/<subdirectory>[/<service cluster>]`. */
export interface DiskLayerSettings {
  /** Read again whenever something is moved to this path. */
  readonly symlinkRoot: string;
  readonly subdirectory: string;
  readonly appendServiceCluster: boolean;
}

/** The metrics of a runtime, below `runtime.`. */
export interface RuntimeMetrics {
  readonly load_success: Counter;
  readonly load_error: Counter;
  readonly override_dir_exists: Counter;
  readonly override_dir_not_exists: Counter;
  readonly admin_overrides_active: Gauge;
  readonly num_keys: Gauge;
  readonly num_layers: Gauge;
}

/** What a runtime is made of. */
export interface LayeredRuntimeOptions {
  readonly layers: readonly RuntimeLayerSettings[];
  /** `node.cluster`, for layers that append it. */
  readonly serviceCluster: string;
  readonly metrics: RuntimeMetrics;
  /** Told why a disk layer cannot be read; the other layers stand. */
  readonly onError: (message: string) => void;
}

/** All layers with their values at one time, for `/runtime`. */
export interface RuntimeSnapshot {
  readonly layers: readonly string[];
  readonly entries: readonly {
    readonly key: string;
    /** '' where a layer does not have the key. */
    readonly layerValues: readonly string[];
    readonly finalValue: string;
  }[];
}

interface Layer {
  readonly name: string;
  readonly values: LayerValues;
}

/** The runtime of a proxy. */
export class LayeredRuntime implements Runtime {
  /** Whether there is a layer that {@link override} changes. */
  readonly hasAdminLayer: boolean;
  private readonly options: LayeredRuntimeOptions;
  private readonly fixed: ReadonlyMap<RuntimeLayerSettings, LayerValues>;
  private readonly overrides = new Map<string, RuntimeEntry>();
  private readonly watchers: FSWatcher[] = [];
  private layers: readonly Layer[] = [];
  private values: ReadonlyMap<string, RuntimeEntry> = new Map();

  /** @throws BadRuntimeValue for a static layer that the configuration schema should have refused. */
  constructor(options: LayeredRuntimeOptions) {
    this.options = options;
    this.hasAdminLayer = options.layers.some(({ adminLayer }) => adminLayer !== undefined);
    const fixed = options.layers.filter(({ staticLayer }) => staticLayer !== undefined);
    this.fixed = new Map(fixed.map((layer) => [layer, staticValues(layer.staticLayer ?? {})]));
    this.load();
  }

  /**
   * Watches the roots of disk layers, and reads them once more in case they changed in the meantime.
   * @throws Error in Envoy's words when a root cannot be watched.
   */
  start(): void {
    const roots = new Set(this.options.layers.flatMap(({ diskLayer }) => diskLayer?.symlinkRoot ?? []));
    for (const root of roots) this.watch(root);
    this.load();
  }

  /** Ends the watching. */
  close(): void {
    for (const watcher of this.watchers.splice(0)) watcher.close();
  }

  get(key: string): string | undefined {
    return this.values.size === 0 ? undefined : this.values.get(key)?.text;
  }

  integer(key: string, fallback: number): number {
    return this.values.get(key)?.integer ?? fallback;
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.values.get(key)?.boolean ?? fallback;
  }

  enabled(fraction: RuntimeFraction, random: number): boolean {
    const entry = fraction.runtimeKey === '' ? undefined : this.values.get(fraction.runtimeKey);
    if (entry !== undefined) {
      if (entry.fraction !== undefined) return random % entry.fraction.denominator < entry.fraction.numerator;
      // A plain number is a percentage, whatever the denominator of the configured share.
      if (entry.integer !== undefined) return random % 100 < entry.integer;
    }
    return random % fraction.denominator < fraction.numerator;
  }

  /** Sets values of the admin layer; '' removes one. Without such a layer nothing happens. */
  override(values: ReadonlyMap<string, string>): void {
    if (!this.hasAdminLayer) return;
    for (const [key, text] of values) {
      if (text === '') this.overrides.delete(key);
      else this.overrides.set(key, textEntry(text));
    }
    this.options.metrics.admin_overrides_active.set(this.overrides.size === 0 ? 0 : 1);
    this.load();
  }

  /** Every key, sorted. */
  snapshot(): RuntimeSnapshot {
    const entries = [...this.values.keys()].sort().map((key) => ({
      key,
      layerValues: this.layers.map(({ values }) => values.get(key)?.text ?? ''),
      finalValue: this.values.get(key)?.text ?? '',
    }));
    return { layers: this.layers.map(({ name }) => name), entries };
  }

  /** Reads disk layers anew and merges all. */
  private load(): void {
    const { metrics, layers, onError } = this.options;
    const loaded: Layer[] = [];
    let onDisk = 0;
    let failed = 0;
    for (const layer of layers) {
      try {
        const values = this.valuesOf(layer);
        if (values === undefined) continue;
        loaded.push({ name: layer.name, values });
        if (layer.diskLayer !== undefined) onDisk++;
      } catch (error) {
        failed++;
        onError(`error loading runtime values for layer ${layer.name} from disk: ${(error as Error).message}`);
      }
    }
    this.layers = loaded;
    this.values = new Map(loaded.flatMap(({ values }) => [...values]));
    (failed === 0 ? metrics.load_success : metrics.load_error).inc();
    (onDisk > 1 ? metrics.override_dir_exists : metrics.override_dir_not_exists).inc();
    metrics.num_layers.set(loaded.length);
    metrics.num_keys.set(this.values.size);
  }

  /** `undefined` for a disk layer that is not there. */
  private valuesOf(layer: RuntimeLayerSettings): LayerValues | undefined {
    if (layer.adminLayer !== undefined) return new Map(this.overrides);
    if (layer.diskLayer === undefined) return this.fixed.get(layer);
    const { symlinkRoot, subdirectory, appendServiceCluster } = layer.diskLayer;
    const directory = `${symlinkRoot}/${subdirectory}${appendServiceCluster ? `/${this.options.serviceCluster}` : ''}`;
    return isDirectory(directory) ? diskValues(directory) : undefined;
  }

  private watch(root: string): void {
    if (root === '') throw new Error('invalid file path ');
    // With a slash at the end everything in the directory counts, as in Envoy.
    const whole = root.endsWith('/');
    const name = basename(root);
    try {
      const watcher = watch(whole ? root : dirname(root), { persistent: false }, (event, file) => {
        if (event === 'rename' && (whole || file === name)) this.load();
      });
      watcher.on('error', (error) => this.options.onError(`runtime watch of ${root} ended: ${error.message}`));
      this.watchers.push(watcher);
    } catch (error) {
      const why = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'No such file or directory' : String(error);
      throw new Error(`unable to add filesystem watch for file ${root}: ${why}`, { cause: error });
    }
  }
}
