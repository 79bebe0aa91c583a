/** An exchange that runs again from its first filter. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import { HeaderMap, ResponseHead } from '../headers/header-map.ts';
import { hooks, rig } from './fixture.ts';

interface Seen {
  readonly path: string;
  body: string;
  end: boolean;
  trailers: number;
}

/** A terminal filter that redirects its first run to `/next` once the request is complete, and answers the second. */
function redirecting(runs: Seen[], body?: string, trailers?: HeaderMap): HttpFilter<never, TerminalStream> {
  const act = (stream: TerminalStream) => {
    if (runs.length > 1) {
      const head = new ResponseHead();
      stream.respondHead(head, true);
      return;
    }
    stream.requestHeaders.path = '/next';
    stream.recreate(body === undefined ? undefined : Buffer.from(body), trailers);
  };
  const run = () => runs[runs.length - 1] as Seen;
  return {
    onRequestHeaders(head, stream, _state, end) {
      runs.push({ path: head.path, body: '', end, trailers: 0 });
      if (end) act(stream);
    },
    onRequestData(chunk, stream, _state, end) {
      run().body += Buffer.from(chunk).toString();
      run().end = end;
      if (end) act(stream);
    },
    onRequestTrailers(given, stream) {
      run().trailers = given.size;
      act(stream);
    },
  };
}

describe('Stream.recreate', () => {
  it('walks the filters again with the changed head and answers the same client', () => {
    const paths: string[] = [];
    const first = hooks({ onRequestHeaders: (head) => void paths.push(head.path) });
    const runs: Seen[] = [];
    const r = rig({ first }, { terminal: redirecting(runs) });
    r.sendHead(true);
    expect(paths).toEqual(['/', '/next']);
    expect(r.status).toBe(200);
    expect(r.response.ended).toBe(true);
  });

  it('gives every run its own states and completes each once', () => {
    const done: number[] = [];
    let made = 0;
    const a: HttpFilter<{ n: number }> = { onComplete: (_stream, state) => void done.push(state.n) };
    const r = rig({ a: a as never }, { terminal: redirecting([]), states: { a: () => ({ n: ++made }) } });
    r.sendHead(true);
    expect(done).toEqual([1, 2]);
  });

  it('sends the kept body through the filters again', () => {
    const runs: Seen[] = [];
    const r = rig({}, { terminal: redirecting(runs, 'kept') });
    r.sendHead();
    r.sendData('kept', true);
    expect(runs).toEqual([
      { path: '/', body: 'kept', end: true, trailers: 0 },
      { path: '/next', body: 'kept', end: true, trailers: 0 },
    ]);
  });

  it('ends with the trailers where there are some', () => {
    const runs: Seen[] = [];
    const trailers = new HeaderMap();
    trailers.append('x-end', '1');
    const r = rig({}, { terminal: redirecting(runs, 'kept', trailers) });
    r.sendHead();
    r.sendData('kept');
    r.sendTrailers();
    expect(runs[1]).toEqual({ path: '/next', body: 'kept', end: false, trailers: 1 });
    expect(r.status).toBe(200);
  });

  it("keeps filter state, share and start time, and drops the first run's late answers", () => {
    const streams: TerminalStream[] = [];
    const terminal: HttpFilter<never, TerminalStream> = {
      onRequestHeaders(_head, stream) {
        streams.push(stream);
        if (streams.length > 1) return;
        stream.info.filterState.set('hops', 1);
        stream.recreate(undefined, undefined);
        stream.respondHead(new ResponseHead(), true);
        stream.reply(500);
      },
    };
    const r = rig({}, { terminal });
    r.sendHead(true);
    const [first, second] = streams as [TerminalStream, TerminalStream];
    expect(second).not.toBe(first);
    expect(second.info.filterState.get('hops')).toBe(1);
    expect([second.random, second.info.startMs]).toEqual([first.random, first.info.startMs]);
    expect(r.response.head).toBeUndefined();
    expect([r.counter('downstream_rq_total'), r.counter('downstream_rq_tx_reset')]).toEqual([1, 0]);
  });

  it.each([
    ['the request is incomplete', false],
    ['the response has started', true],
  ])('resets when %s', (_case, end) => {
    const terminal: HttpFilter<never, TerminalStream> = {
      onRequestHeaders(_head, stream) {
        if (end) stream.respondHead(new ResponseHead(), false);
        stream.recreate(undefined, undefined);
      },
    };
    const r = rig({}, { terminal });
    r.sendHead(end);
    expect(r.wasReset).toBe(true);
  });
});
