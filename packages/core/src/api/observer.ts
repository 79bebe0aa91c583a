/** What access loggers, tracers and stats sinks get besides their config. */
import type { RandomSource, Timers } from './clock.ts';
import type { Runtime } from './runtime.ts';
import type { SideCalls } from './side-calls.ts';
import type { StatsScope } from './stats.ts';
import type { Clusters } from './upstream.ts';

/** Who this proxy is: `node` of the bootstrap, else the flags `--service-node`, `--service-cluster`, `--service-zone`. */
export interface NodeIdentity {
  readonly id: string;
  readonly cluster: string;
  readonly region: string;
  readonly zone: string;
  readonly subZone: string;
  /** Address of this machine that others see, without port (Envoy's local address); `127.0.0.1` when it has no other. */
  readonly localIp: string;
  readonly hostname: string;
  /** Of this proxy, e.g. `1.2.3`. Default unknown. */
  readonly version?: string;
  /** `node.metadata` of the bootstrap. Default none. */
  readonly metadata?: Readonly<Record<string, unknown>>;
}

/** Where finished lines go: a file that never blocks, bounded, counted in `filesystem.`. */
export interface LogOutput {
  /** Takes a line with its line feed; it is written at once when `urgent`, else with the next 64 KiB or interval. */
  readonly write: (line: string, urgent: boolean) => void;
  /** The same for text in wire form, one character per byte, which is what formats print; never urgent, and cheaper. */
  readonly writeWire: (line: string) => void;
  /** Lines lost so far. */
  readonly dropped: number;
  /** Writes what is buffered and, when nobody else has it open, closes the file. */
  close(): Promise<void>;
}

/** The log files of a proxy: one per path, however many write to it; `/reopen_logs` and SIGUSR1 reopen them all. */
export interface LogFiles {
  /**
   * Opens a file for appending; `/dev/stdout` and `/dev/stderr` are the process's own.
   * @throws Error `unable to open file '<path>': <reason>`
   */
  open(path: string): LogOutput;
}

/** See the file's comment. */
export interface ObserverContext {
  /** The root scope: names are whole. */
  readonly stats: StatsScope;
  readonly clusters: Clusters;
  readonly sideCalls: SideCalls;
  readonly timers: Timers;
  readonly random: RandomSource;
  readonly runtime: Runtime;
  readonly node: NodeIdentity;
  readonly files: LogFiles;
  /** Unix milliseconds. */
  wallMs(): number;
  /** Writes to the proxy's own log. */
  log(level: 'debug' | 'info' | 'warning' | 'error', message: string): void;
}
