/** Flags → what the program is asked to do. */
import { createLogger, type LogLevel } from '@mesh/core';
import type { ParsedFlags } from './parse-flags.ts';

/** What serving and validating need to know. */
export interface RunOptions {
  readonly mode: 'serve' | 'validate';
  readonly configPath: string | undefined;
  readonly configYaml: string | undefined;
  readonly logLevel: LogLevel;
  readonly componentLogLevels: Readonly<Record<string, LogLevel>>;
  readonly logFormat: string | undefined;
  readonly logPath: string | undefined;
  readonly fileFlushIntervalMs: number;
  readonly node: { readonly id?: string; readonly cluster?: string; readonly zone?: string };
  /** Tags of every statistic. */
  readonly statsTags: readonly { readonly name: string; readonly value: string }[];
  readonly adminAddressPath: string | undefined;
  readonly concurrency: number;
  readonly drainTimeMs: number;
  /** The command line itself, of which `/server_info` shows more than is used. */
  readonly given: ParsedFlags;
}

/** Either options, or everything that is wrong with the values. */
export type OptionsResult =
  | { readonly options: RunOptions; readonly problems: readonly [] }
  | { readonly options: undefined; readonly problems: readonly string[] };

/** Checks the values of the flags, with Envoy's defaults for those that are absent. */
export function readOptions(given: ParsedFlags): OptionsResult {
  const { values } = given;
  const problems: string[] = [];
  const check = <Value>(read: () => Value): Value | undefined => {
    try {
      return read();
    } catch (error) {
      problems.push((error as Error).message);
      return undefined;
    }
  };
  const mode = check(() => readMode(values.get('mode') ?? 'serve'));
  const logLevel = check(() => readLevel(values.get('log-level') ?? 'info'));
  const componentLogLevels = check(() => readComponentLevels(values.get('component-log-level')));
  const logFormat = values.get('log-format');
  if (logFormat !== undefined) check(() => createLogger({ format: logFormat }));
  const statsTags = (given.lists.get('stats-tag') ?? []).flatMap((text) => check(() => readStatsTag(text)) ?? []);
  check(() => needConfig(values));
  if (problems.length > 0 || mode === undefined || logLevel === undefined || componentLogLevels === undefined) {
    return { options: undefined, problems };
  }
  const options: RunOptions = {
    mode,
    configPath: values.get('config-path'),
    configYaml: values.get('config-yaml'),
    logLevel,
    componentLogLevels,
    logFormat,
    logPath: values.get('log-path'),
    fileFlushIntervalMs: Number(values.get('file-flush-interval-msec') ?? 10_000),
    node: readNode(values),
    statsTags,
    adminAddressPath: values.get('admin-address-path'),
    concurrency: Number(values.get('concurrency') ?? 1),
    drainTimeMs: Number(values.get('drain-time-s') ?? 600) * 1000,
    given,
  };
  return { options, problems: [] };
}

type Values = ParsedFlags['values'];

function readMode(text: string): 'serve' | 'validate' {
  if (text === 'serve' || text === 'validate') return text;
  throw new Error(`unknown mode '${text}'; it can be serve or validate`);
}

function readLevel(text: string): LogLevel {
  const level = (text === 'warn' ? 'warning' : text) as LogLevel;
  // The logger refuses what is no level, with a list of those that are.
  createLogger({ level });
  return level;
}

function readComponentLevels(text: string | undefined): Record<string, LogLevel> {
  const pairs = text === undefined || text === '' ? [] : text.split(',');
  const levels = pairs.map((pair) => {
    const [name, level, ...rest] = pair.split(':');
    if (name && level !== undefined && rest.length === 0) return [name, readLevel(level)] as const;
    throw new Error(`component log level not correctly specified '${pair}'`);
  });
  return Object.fromEntries(levels);
}

/** In Envoy's words. */
function readStatsTag(text: string): RunOptions['statsTags'][number] {
  const colon = text.indexOf(':');
  if (colon === -1) throw new Error(`misformatted stats-tag '${text}'`);
  const [name, value] = [text.slice(0, colon), text.slice(colon + 1)];
  const invalid = !/^[A-Za-z0-9]*$/.test(name) ? name : !/^[^.]+$/.test(value) ? value : undefined;
  if (invalid !== undefined) throw new Error(`misformatted stats-tag '${text}' contains invalid char in '${invalid}'`);
  return { name, value };
}

function needConfig(values: Values): void {
  if (values.get('config-path') || values.get('config-yaml')) return;
  throw new Error('no configuration is given: use -c FILE or --config-yaml YAML (mesh --help tells more)');
}

function readNode(values: Values): RunOptions['node'] {
  const id = values.get('service-node');
  const cluster = values.get('service-cluster');
  const zone = values.get('service-zone');
  return { ...(id && { id }), ...(cluster && { cluster }), ...(zone && { zone }) };
}
