/** Every flag of Envoy's command line: which are used here, which have nothing to do, and which are refused and why. */

/** One flag. */
export interface Flag {
  readonly name: string;
  readonly short?: string;
  /** `none` takes no value; `count` is a whole number from 0 to 2^32 - 1. */
  readonly value: 'none' | 'text' | 'count';
  /** Word for the value in the help. */
  readonly label?: string;
  readonly help: string;
  /**
   * `ignored`: accepted, because what it asks for is meaningless here or always so. `refused`: would change what the
   * proxy does, and is not built.
   */
  readonly use: 'used' | 'ignored' | 'refused';
  /** It may be given several times; `lists` of the parsed flags has every value. */
  readonly repeated?: true;
  /** The only value accepted, for flags of which one choice is what is done anyway. */
  readonly only?: string;
}

/** A flag that does something. */
export const used = (name: string, value: Flag['value'], label: string, help: string, short?: string): Flag => ({
  name,
  value,
  label,
  help,
  use: 'used',
  ...(short === undefined ? {} : { short }),
});

const ignored = (name: string, value: Flag['value'], help: string, only?: string): Flag => ({
  name,
  value,
  help,
  use: 'ignored',
  ...(only === undefined ? {} : { only }),
});

const refused = (name: string, value: Flag['value'], help: string): Flag => ({ name, value, help, use: 'refused' });

const noHotRestart = 'there is no hot restart';
const oneProcess = 'nothing is shared between processes';
const xds = 'xDS is not built yet';

/** All flags, in the order of the help. */
export const FLAGS: readonly Flag[] = [
  used('config-path', 'text', 'FILE', 'configuration in YAML or JSON', 'c'),
  used('config-yaml', 'text', 'YAML', 'configuration text, merged over that of --config-path'),
  used('mode', 'text', 'MODE', 'serve (default), or validate: check the configuration and exit'),
  used('log-level', 'text', 'LEVEL', 'trace, debug, info (default), warning, error, critical, off', 'l'),
  used('component-log-level', 'text', 'LIST', 'levels of single components, such as upstream:debug,http:trace'),
  used('log-format', 'text', 'PATTERN', 'spdlog pattern; default [%Y-%m-%d %T.%e][%t][%l][%n] %v'),
  used('log-path', 'text', 'FILE', 'log to a file instead of standard error'),
  used(
    'file-flush-interval-msec',
    'count',
    'MS',
    'longest wait of a line for a log file, also of access logs; default 10000',
  ),
  used('service-node', 'text', 'NAME', 'node id, where the configuration has none'),
  used('service-cluster', 'text', 'NAME', 'node cluster, where the configuration has none'),
  used('service-zone', 'text', 'NAME', 'node zone, where the configuration has none'),
  { ...used('stats-tag', 'text', 'NAME:VALUE', 'tag of every statistic; may be given several times'), repeated: true },
  used('admin-address-path', 'text', 'FILE', 'write the address of the admin server to a file'),
  used('concurrency', 'count', 'N', 'number of workers; 1 for now, whatever is given'),
  used('drain-time-s', 'count', 'S', 'longest wait for requests in flight at the end; default 600'),
  used('hot-restart-version', 'none', '', 'print "disabled" and exit'),
  used('version', 'none', '', 'print the version and exit'),
  used('help', 'none', '', 'print this and exit', 'h'),

  ignored('base-id', 'count', oneProcess),
  ignored('use-dynamic-base-id', 'none', oneProcess),
  ignored('base-id-path', 'text', oneProcess),
  ignored('disable-hot-restart', 'none', noHotRestart),
  ignored('skip-hot-restart-on-no-parent', 'none', noHotRestart),
  ignored('skip-hot-restart-parent-stats', 'none', noHotRestart),
  ignored('restart-epoch', 'count', noHotRestart, '0'),
  ignored('parent-shutdown-time-s', 'count', noHotRestart),
  ignored('socket-path', 'text', noHotRestart),
  ignored('socket-mode', 'text', noHotRestart),
  ignored('drain-strategy', 'text', 'while draining, every response closes its connection', 'immediate'),
  ignored('local-address-ip-version', 'text', 'the local address is not used', 'v4'),
  ignored('cpuset-threads', 'none', 'the number of workers does not follow the machine'),
  ignored('enable-mutex-tracing', 'none', 'there are no locks'),
  ignored('enable-core-dump', 'none', 'core dumps are the business of Node.js and the system'),
  ignored('skip-deprecated-logs', 'none', 'deprecated fields are not logged'),
  ignored('log-format-escaped', 'none', 'control characters in messages are always escaped'),
  ignored('log-stacktrace-single-entry', 'none', 'an entry of the log is always one line'),

  refused(
    'allow-unknown-static-fields',
    'none',
    'an unknown field is always an error, as it would not do what it says',
  ),
  refused('allow-unknown-fields', 'none', 'an unknown field is always an error, as it would not do what it says'),
  refused('reject-unknown-dynamic-fields', 'none', xds),
  refused('ignore-unknown-dynamic-fields', 'none', xds),
  refused('enable-fine-grain-logging', 'none', 'levels are per component; use --component-log-level'),
  refused('file-flush-min-size-kb', 'count', 'log files are flushed at 64 KiB'),
  refused('disable-extensions', 'text', 'not built yet'),
];

/** The flag of `flags` that is written like this, `--name` or `-n`. */
export function findFlag(written: string, flags: readonly Flag[]): Flag | undefined {
  return flags.find(({ name, short }) => written === `--${name}` || (short !== undefined && written === `-${short}`));
}
