import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { TimerHandle, Timers } from '../api/clock.ts';
import type { TapSink, TapSource } from '../api/tap.ts';
import { TapRegistry } from './taps.ts';

const any = '{match: {any_match: true}, output_config: {sinks: [{streaming_admin: {}}]}}';
const body = (id: string, config = any) => `config_id: ${id}\ntap_config: ${config}`;

/** Stands for a filter. */
class Source implements TapSource {
  sink: TapSink | undefined;
  attach(_config: object, sink: TapSink): void {
    this.sink = sink;
  }
  detach(): void {
    this.sink = undefined;
  }
}

const timers = {
  after(delayMs: number, callback: () => void): TimerHandle {
    const timer = setTimeout(callback, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
} as Timers;

let taps: TapRegistry;
beforeEach(() => {
  vi.useFakeTimers();
  taps = new TapRegistry(timers);
});
afterEach(() => {
  vi.useRealTimers();
});

function source(id = 'one') {
  const made = new Source();
  return { source: made, leave: taps.register(id, made) };
}

function attached(text: string): AsyncIterator<string> {
  const answer = taps.attach(text);
  if ('problem' in answer) throw new Error(answer.problem);
  return answer.traces[Symbol.asyncIterator]();
}

describe('TapRegistry', () => {
  it.each([
    ['nothing', '', '/tap requires a JSON/YAML body'],
    ['an unknown id', body('two'), "Unknown config id 'two'. No extension has registered with this id."],
    ['what is no YAML', 'a: [', /^\/tap:1:/],
    ['what is no map', '[1]', /map/],
    ['an unknown field', 'foo: 1', /unknown field "foo" of envoy\.admin\.v3\.TapRequest/],
    ['no config', 'config_id: one', /tap_config: is required/],
    [
      'no match',
      body('one', '{output_config: {sinks: [{streaming_admin: {}}]}}'),
      /neither match nor match_config is set/,
    ],
    ['two sinks', body('one', any.replace('[', '[{streaming_admin: {}}, ')), /sinks: /],
    [
      'a format',
      body('one', any.replace('{}', '{}, format: PROTO_TEXT')),
      /PROTO_TEXT is known to Envoy, not supported/,
    ],
    [
      'gRPC',
      body('one', any.replace('streaming_admin', 'streaming_grpc')),
      /streaming_grpc: known to Envoy, not supported/,
    ],
    ['a set of one', body('one', any.replace('any_match: true', 'or_match: {rules: [{any_match: true}]}')), /rules: /],
    ['no limit', body('one', any.replace('streaming_admin', 'buffered_admin')), /max_traces: is required/],
  ])('refuses %s, in words', (_what, text, words) => {
    source();
    const answer = taps.attach(text);
    expect(answer).toEqual({
      problem: expect.stringMatching(words instanceof RegExp ? words : words.replace(/[.[\]/]/g, '\\$&')),
    });
    // Nobody is attached.
    attached(body('one'));
  });

  it('has one client at a time, and takes the next one when it has left', async () => {
    const { source: one } = source();
    const traces = attached(body('one'));
    expect(taps.attach('')).toEqual({ problem: 'An attached /tap admin stream already exists. Detach it.' });
    await traces.return?.();
    expect(one.sink).toBeUndefined();
    attached(body('one'));
    expect(one.sink).toBeDefined();
  });

  it('taps every source of an id, those that come later too, and none that has gone', () => {
    const first = source();
    const other = source('two');
    attached(body('one'));
    const later = source();
    expect([first.source.sink, later.source.sink].map((sink) => sink !== undefined)).toEqual([true, true]);
    expect(other.source.sink).toBeUndefined();
    for (const { leave } of [first, later, other]) leave();
    expect(taps.offered).toBe(false);
  });

  it('gives traces as they come, and ends with the proxy', async () => {
    const { source: one } = source();
    const traces = attached(body('one'));
    const first = traces.next();
    one.sink?.take('a');
    one.sink?.take('b');
    expect([await first, await traces.next()].map(({ value }) => value)).toEqual(['a', 'b']);
    const end = traces.next();
    taps.close();
    expect((await end).done).toBe(true);
  });

  it('a client that takes nothing costs a bounded number of bytes, and what it misses is told', async () => {
    const { source: one } = source();
    const traces = attached(body('one'));
    const trace = 'x'.repeat(1024 * 1024);
    const taken = Array.from({ length: 20 }, () => one.sink?.take(trace));
    expect(taken.filter((yes) => yes)).toHaveLength(16);
    await traces.next();
    expect([one.sink?.take(trace), one.sink?.take(trace)]).toEqual([true, false]);
  });

  const gathered = (more: string) => body('one', any.replace('streaming_admin: {}', `buffered_admin: {${more}}`));

  it('buffered_admin gives nothing before max_traces, then all, and ends', async () => {
    const { source: one } = source();
    const traces = attached(gathered('max_traces: 2'));
    let got: unknown;
    const first = traces.next().then((step) => {
      got = step.value;
    });
    const { sink } = one;
    sink?.take('a');
    await Promise.resolve();
    expect(got).toBeUndefined();
    expect([sink?.take('b'), sink?.take('c')]).toEqual([true, false]);
    await first;
    expect([got, (await traces.next()).value, (await traces.next()).done]).toEqual(['a', 'b', true]);
    expect(one.sink).toBeUndefined();
  });

  it('buffered_admin gives what there is when its timeout is over', async () => {
    const { source: one } = source();
    const traces = attached(gathered('max_traces: 9, timeout: 2s'));
    one.sink?.take('a');
    const first = traces.next();
    vi.advanceTimersByTime(2000);
    expect([(await first).value, (await traces.next()).done]).toEqual(['a', true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('a source that cannot carry a config out leaves nobody attached', () => {
    taps.register('one', {
      attach: () => {
        throw new Error('bad');
      },
      detach: () => {},
    });
    expect(taps.attach(body('one'))).toEqual({ problem: 'bad' });
    expect(taps.attach(body('one'))).toEqual({ problem: 'bad' });
  });
});
