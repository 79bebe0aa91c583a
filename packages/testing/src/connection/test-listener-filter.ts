/** Runs listener filters without sockets: first bytes cut anywhere, their answer and what they found. */
import type { ConfiguredListenerFilter, Extension, ListenerConnection } from '@mesh/core';
import { type DropReason, ListenerPlan, PendingConnection, StatsStore, TimerWheel } from '@mesh/core/engine';
import { turn, VirtualClock } from '../clock.ts';
import { fromConfig, type YamlFilter } from '../filter/filter-config.ts';
import { type LogLine, statValue } from '../filter/test-filter.ts';
import { FakeSocket, FarEnd } from './fake-socket.ts';

/** A listener filter as code makes it, or as YAML names it (`{ name, typedConfig }`, with `extensions`). */
export type ListenerFilterUnderTest = ConfiguredListenerFilter | YamlFilter;

/** Options of {@link testListenerFilter}. */
export interface TestListenerFilterOptions {
  /** Definitions that `{ name, typedConfig }` entries are looked up in. */
  readonly extensions?: readonly Extension[];
  /** How long all filters together may take; 0 is without limit. Default 15 000. */
  readonly filtersTimeoutMs?: number;
  /** A connection whose time is over goes on (`continue_on_listener_filters_timeout`). Default false. */
  readonly continueOnTimeout?: boolean;
  /** Where connections come from and where they were accepted. Default `192.0.2.1:40000` and `192.0.2.9:443`. */
  readonly addresses?: { readonly remoteIp?: string; readonly localIp?: string; readonly localPort?: number };
}

/** What the filters have come to. */
export type ListenerOutcome = 'waiting' | 'accepted' | DropReason;

/** One connection in front of the filters. */
export class PendingUnderTest extends FarEnd {
  /** What the filters have found, so far. */
  readonly found: ListenerConnection;
  /** @internal */
  readonly progress: { outcome: ListenerOutcome; rest: Buffer };

  /** @internal */
  constructor(socket: FakeSocket, found: ListenerConnection, progress: PendingUnderTest['progress']) {
    super(socket);
    this.found = found;
    this.progress = progress;
  }

  /** `accepted` goes on to a filter chain; everything but `waiting` and that says why the connection was closed. */
  get outcome(): ListenerOutcome {
    return this.progress.outcome;
  }

  /** The bytes that the filter chain gets: those that were looked at and not taken off. */
  get rest(): Buffer {
    return this.progress.rest;
  }
}

/** Filters under test, made by {@link testListenerFilter}. */
export class ListenerFilterTest {
  readonly clock = new VirtualClock();
  /** What was logged, e.g. the failures of filters. */
  readonly logs: LogLine[] = [];
  private readonly store = new StatsStore();
  private readonly wheel: TimerWheel;
  private readonly plan: ListenerPlan;
  private readonly options: TestListenerFilterOptions;

  /** @internal */
  constructor(filters: readonly ListenerFilterUnderTest[], options: TestListenerFilterOptions) {
    this.options = options;
    this.wheel = new TimerWheel(this.clock, (error) => this.log('error', 'timer', String(error)));
    const stats = this.store.scope('');
    const context = {
      stats,
      listenerStats: stats.scope('listener.test.'),
      log: (level: string, message: string) => this.log(level, 'config', message),
    };
    const planned = filters.map((filter) => {
      const { definition, config } =
        'definition' in filter ? filter : fromConfig('listener-filter', filter, options.extensions ?? []);
      return { name: definition.name, filter: definition.create(config, context), disabled: undefined };
    });
    this.plan = new ListenerPlan({
      chains: [],
      fallback: undefined,
      filters: planned,
      filtersTimeoutMs: options.filtersTimeoutMs ?? 15_000,
      continueOnTimeout: options.continueOnTimeout ?? false,
    });
  }

  private log(level: string, component: string, message: string): void {
    this.logs.push({ level, component, message });
  }

  /** A new connection, of which nothing has been sent. */
  async connect(): Promise<PendingUnderTest> {
    const { remoteIp = '192.0.2.1', localIp = '192.0.2.9', localPort = 443 } = this.options.addresses ?? {};
    const addresses = { remoteAddress: remoteIp, remotePort: 40_000, localAddress: localIp, localPort };
    const fake = new FakeSocket(addresses);
    const progress: PendingUnderTest['progress'] = { outcome: 'waiting', rest: Buffer.alloc(0) };
    const pending = new PendingConnection(fake.asSocket, this.plan, {
      ready: (_pending, rest) => {
        progress.outcome = 'accepted';
        progress.rest = Buffer.from(rest);
        // Whatever comes now belongs to the chain.
        fake.deliver = (chunk) => {
          progress.rest = Buffer.concat([progress.rest, chunk]);
        };
      },
      dropped: (_pending, reason) => {
        progress.outcome = reason;
      },
      timedOut: () => {},
      filterFailed: (name, error) => this.log('error', name, String(error)),
      after: (delayMs, callback) => this.wheel.after(delayMs, callback),
    });
    pending.begin();
    await turn();
    return new PendingUnderTest(fake, pending, progress);
  }

  /** A connection that sends `pieces`, one after the other. */
  async run(...pieces: readonly (string | Uint8Array)[]): Promise<PendingUnderTest> {
    const made = await this.connect();
    await made.send(...pieces);
    return made;
  }

  /**
   * Sends the same bytes whole, cut in two at every place, and one by one, and makes sure that nothing depends on it.
   * Resolves with the connection that got them whole.
   * @throws Error that shows both results where a cut makes a difference.
   */
  async everyCut(bytes: string | Uint8Array): Promise<PendingUnderTest> {
    const all = Buffer.from(bytes);
    const whole = await this.run(all);
    const cuts = Array.from({ length: Math.max(0, all.length - 1) }, (_, at) => [
      all.subarray(0, at + 1),
      all.subarray(at + 1),
    ]);
    for (const pieces of [...cuts, [...all].map((byte) => Buffer.of(byte))]) {
      const made = await this.connect();
      // No turn in between: filters are asked as soon as bytes are there.
      for (const piece of pieces) made.socket.arrive(piece);
      same(whole, made, `cut into ${pieces.map(({ length }) => length).join(' + ')} bytes`);
    }
    return whole;
  }

  /** A counter's or gauge's value by its full name. @throws Error for an unknown name. */
  stats(name: string): number {
    return statValue(this.store, name);
  }
}

function same(whole: PendingUnderTest, made: PendingUnderTest, how: string): void {
  const [expected, found] = [summary(whole), summary(made)];
  if (expected !== found)
    throw new Error(`the result depends on how bytes arrive; ${how}:\n${found}\nwhole:\n${expected}`);
}

function summary({ outcome, rest, found }: PendingUnderTest): string {
  const { remoteIp, remotePort, localIp, localPort, serverName, applicationProtocols, transportProtocol } = found;
  const facts = { remoteIp, remotePort, localIp, localPort, serverName, applicationProtocols, transportProtocol };
  const maps = { metadata: [...found.metadata], filterState: [...found.filterState] };
  // A connection that is closed has no use for what else has come.
  const kept = outcome === 'accepted' || outcome === 'waiting' ? rest.toString('latin1') : '';
  return JSON.stringify({ outcome, rest: kept, ...facts, ...maps });
}

/**
 * Puts a listener filter, or a chain of them, under test.
 *
 * @example
 * const t = testListenerFilter(proxyProtocol());
 * const { outcome, found, rest } = await t.everyCut('PROXY TCP4 1.2.3.4 5.6.7.8 1000 2000\r\nhello');
 * expect([outcome, found.remoteIp, String(rest)]).toEqual(['accepted', '1.2.3.4', 'hello']);
 */
export function testListenerFilter(
  filters: ListenerFilterUnderTest | readonly ListenerFilterUnderTest[],
  options: TestListenerFilterOptions = {},
): ListenerFilterTest {
  return new ListenerFilterTest(Array.isArray(filters) ? filters : [filters as ListenerFilterUnderTest], options);
}
