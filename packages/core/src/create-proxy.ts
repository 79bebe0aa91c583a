/** `createProxy`: takes config by code, by file or as an object, checks all of it, and builds a proxy from it. */

import type { JsonObject } from './admin/index.ts';
import type { Clock, RandomSource } from './api/clock.ts';
import { type AdminOptions, adminConfig, entry } from './compose.ts';
import { type BootstrapConfig, bootstrapSchema } from './config/bootstrap.ts';
import type { ClusterConfig } from './config/cluster.ts';
import { checkReferences } from './config/cross-checks.ts';
import { deepFreeze } from './config/freeze.ts';
import { ConfigError, formatPath } from './config/issues.ts';
import { type JsonSchema, configJsonSchema as jsonSchema } from './config/json-schema.ts';
import type { ListenerConfig } from './config/listener.ts';
import { type LoadedConfig, loadConfigFile, loadConfigText } from './config/load.ts';
import { mergeConfig } from './config/merge.ts';
import { fillDefaults } from './config/message.ts';
import { parseBootstrap } from './config/parse.ts';
import type { ConfigPlaces } from './config/places.ts';
import { type FieldSupport, supportTable } from './config/support-table.ts';
import type { ConfiguredStatsSink, Extension } from './define/index.ts';
import { httpConnectionManager } from './http-connection-manager.ts';
import { MeshProxy } from './proxy.ts';
import { Registry } from './registry.ts';
import { createLogger, type Logger } from './runtime/log.ts';

/** What {@link createProxy} takes. `config` and the code-built parts may be given together. */
export interface ProxyOptions {
  /** Path of an Envoy bootstrap in YAML or JSON, or the same as an object. */
  readonly config?: string | object;
  /** YAML text merged over `config` (Envoy's `--config-yaml`); without `config` it is the whole config. */
  readonly configOverride?: string;
  readonly listeners?: readonly ListenerConfig[];
  readonly clusters?: readonly ClusterConfig[];
  /** Where metrics are sent at every `stats_flush_interval`, beside the sinks of `config`. */
  readonly statsSinks?: readonly ConfiguredStatsSink[];
  /** Default: no admin server. */
  readonly admin?: AdminOptions;
  /** What configuration may name: `[...standard, myFilter]`. Definitions used in code need not be listed. */
  readonly extensions?: readonly Extension[];
  /** Default: warnings and errors to stderr. */
  readonly logger?: Logger;
  /** How long `drain` waits for requests in flight. Default 600 000. */
  readonly drainTimeMs?: number;
  /** Longest wait of a line on its way to an access-log file (`--file-flush-interval-msec`). Default 10 000. */
  readonly logFlushIntervalMs?: number;
  /** Identity, where the config does not say (`--service-node` and its siblings). */
  readonly node?: { readonly id?: string; readonly cluster?: string; readonly zone?: string };
  /** Tags that every metric gets (`--stats-tag`), before those of `stats_config`. */
  readonly statsTags?: readonly { readonly name: string; readonly value: string }[];
  /** Shown by `/server_info`. */
  readonly commandLineOptions?: JsonObject;
  /** Source of time; tests give a virtual one. */
  readonly clock?: Clock;
  /** Source of chance; tests give a fixed one. */
  readonly random?: RandomSource;
}

/**
 * Builds a proxy. Nothing is bound or connected before `start()`.
 *
 * @throws ConfigError with every problem of the config, each with file, line and column where it stands in a file.
 * @throws MeshError `DUPLICATE_EXTENSION`, or `CONFIG_INVALID` when an extension cannot work with its config.
 *
 * @example
 * const proxy = await createProxy({ config: 'front-envoy.yaml', extensions: [...standard, myFilter] });
 * await proxy.start();
 */
export async function createProxy(options: ProxyOptions): Promise<MeshProxy> {
  const registry = new Registry([httpConnectionManager, ...(options.extensions ?? [])]);
  const { bootstrap, raw, places } = readConfig(options, registry);
  return new MeshProxy({
    bootstrap,
    raw,
    places,
    registry,
    logger: options.logger ?? createLogger({ level: 'warning' }),
    clock: options.clock,
    random: options.random,
    drainTimeMs: options.drainTimeMs,
    logFlushIntervalMs: options.logFlushIntervalMs,
    commandLineOptions: options.commandLineOptions,
    node: options.node,
    statsTags: options.statsTags,
  });
}

/**
 * Does everything that {@link createProxy} does to a config, and nothing more: the answer to `mesh --mode validate`.
 * @throws as `createProxy`.
 */
export async function validateConfig(options: ProxyOptions): Promise<void> {
  const proxy = await createProxy(options);
  await proxy.close();
}

/** The JSON Schema of everything that `config` may hold with these extensions (`mesh schema`). */
export function configJsonSchema(extensions: readonly Extension[]): JsonSchema {
  return jsonSchema(new Registry([httpConnectionManager, ...extensions]));
}

/** Which field of Envoy's configuration is implemented and which is refused, and why; read from the schemas. */
export function configSupport(extensions: readonly Extension[]): FieldSupport[] {
  return supportTable(new Registry([httpConnectionManager, ...extensions]));
}

interface ReadConfig {
  readonly bootstrap: BootstrapConfig;
  readonly raw: JsonObject;
  readonly places: ConfigPlaces | undefined;
}

function readConfig(options: ProxyOptions, registry: Registry): ReadConfig {
  const loaded = load(options);
  const { listeners = [], clusters = [], statsSinks = [], admin } = options;
  const otherClusters = clusters.map(({ name }) => name);
  const parsed = loaded === undefined ? undefined : parseBootstrap(loaded, { extensions: registry, otherClusters });
  const base = parsed?.config ?? fillDefaults(bootstrapSchema, {});
  const bootstrap = {
    ...base,
    ...(admin === undefined ? {} : { admin: adminConfig(admin) }),
    statsSinks: [...base.statsSinks, ...statsSinks.map(({ definition, config }) => entry(definition, config))],
    staticResources: {
      listeners: [...base.staticResources.listeners, ...listeners],
      clusters: [...base.staticResources.clusters, ...clusters],
    },
  };
  checkTogether(bootstrap, registry);
  return { bootstrap: deepFreeze(bootstrap), raw: (parsed?.raw ?? {}) as JsonObject, places: parsed?.places };
}

/** What stands in a file has been checked; what code added may not fit to it, or in itself. */
function checkTogether(bootstrap: BootstrapConfig, extensions: Registry): void {
  const context = { extensions, pathOf: () => undefined, otherClusters: [] };
  const issues = checkReferences(bootstrap as never, context).map(({ path, message, hint }) => ({
    path: formatPath(path),
    file: 'createProxy',
    line: 0,
    col: 0,
    message,
    ...(hint === undefined ? {} : { hint }),
  }));
  if (issues.length > 0) throw new ConfigError(issues);
}

function load({ config, configOverride }: ProxyOptions): LoadedConfig | undefined {
  const override = configOverride === undefined ? undefined : loadConfigText(configOverride, '--config-yaml');
  if (config === undefined) return override;
  const base =
    typeof config === 'string'
      ? loadConfigFile(config)
      : loadConfigText(JSON.stringify(config, null, 2), 'config.json');
  return override === undefined ? base : mergeConfig(base, override);
}
