/** How access loggers, tracers and stats sinks are defined. */
import type { AccessLog } from '../api/access-log.ts';
import type { ObserverContext } from '../api/observer.ts';
import type { StatsSink } from '../api/stats-sink.ts';
import type { Tracer } from '../api/tracer.ts';
import type { StandardSchema } from '../config/standard-schema.ts';
import { type Configured, type ExtensionBase, factory, type SchemaInput, type SchemaOutput } from './extension.ts';

/** An access logger's definition, with its types erased for the registry. */
export interface AccessLogDefinition extends ExtensionBase<'access-log'> {
  create(config: unknown, context: ObserverContext): AccessLog;
}

/** A tracer's definition, with its types erased for the registry. */
export interface TracerDefinition extends ExtensionBase<'tracer'> {
  create(config: unknown, context: ObserverContext): Tracer;
}

/** A stats sink's definition, with its types erased for the registry. */
export interface StatsSinkDefinition extends ExtensionBase<'stats-sink'> {
  create(config: unknown, context: ObserverContext): StatsSink;
}

/** An access log for `http({ accessLogs: […] })`. */
export type ConfiguredAccessLog = Configured<AccessLogDefinition>;
/** A tracer for `http({ tracing: { provider } })`. */
export type ConfiguredTracer = Configured<TracerDefinition>;
/** A sink for `createProxy({ statsSinks: […] })`. */
export type ConfiguredStatsSink = Configured<StatsSinkDefinition>;

/** What {@link defineAccessLog}, {@link defineTracer} and {@link defineStatsSink} take. */
export interface ObserverOptions<Config extends StandardSchema, Made> {
  readonly name: string;
  readonly typeUrl?: string;
  readonly config: Config;
  /** Called once per place in the configuration; calls `close` of what it made when that place is gone. */
  create(config: SchemaOutput<Config>, context: ObserverContext): Made;
}

/** A definition that can be called with its config. */
export type ObserverFactory<Input, Definition extends ExtensionBase> = Definition &
  ({} extends Input ? (config?: Input) => Configured<Definition> : (config: Input) => Configured<Definition>);

/**
 * Defines an access logger.
 *
 * @example
 * export const counted = defineAccessLog({
 *   name: 'acme.access_loggers.counted',
 *   config: z.object({}),
 *   create: (_, { stats }) => {
 *     const entries = stats.counter('acme.entries');
 *     return { log: () => entries.inc() };
 *   },
 * });
 */
export function defineAccessLog<Config extends StandardSchema>(
  options: ObserverOptions<Config, AccessLog>,
): ObserverFactory<SchemaInput<Config>, AccessLogDefinition> {
  return observer('access-log', options) as never;
}

/** Defines a tracer: how spans are made, how their context travels, and where they are reported. */
export function defineTracer<Config extends StandardSchema>(
  options: ObserverOptions<Config, Tracer>,
): ObserverFactory<SchemaInput<Config>, TracerDefinition> {
  return observer('tracer', options) as never;
}

/**
 * Defines a stats sink.
 *
 * @example
 * export const printed = defineStatsSink({
 *   name: 'acme.stat_sinks.printed',
 *   config: z.object({}),
 *   create: (_, { log }) => ({ flush: ({ counters }) => log('info', `${counters.length} counters`) }),
 * });
 */
export function defineStatsSink<Config extends StandardSchema>(
  options: ObserverOptions<Config, StatsSink>,
): ObserverFactory<SchemaInput<Config>, StatsSinkDefinition> {
  return observer('stats-sink', options) as never;
}

function observer<Config extends StandardSchema, Made>(
  kind: 'access-log' | 'tracer' | 'stats-sink',
  { name, typeUrl, config, create }: ObserverOptions<Config, Made>,
) {
  const definition = {
    kind,
    name,
    typeUrl,
    config,
    routeConfig: undefined,
    create: (given: unknown, context: ObserverContext) => create(given as SchemaOutput<Config>, context),
  };
  return factory(definition as unknown as AccessLogDefinition | TracerDefinition | StatsSinkDefinition);
}
