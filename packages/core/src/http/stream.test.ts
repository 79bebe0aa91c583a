/** One exchange: replies, failures of filters, back-pressure, the end. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { flagString, ResponseFlag } from '../errors.ts';
import { HOLD, STOP } from './answers.ts';
import { hooks, type Rig, rig, turn } from './fixture.ts';

describe('Stream.reply', () => {
  it('walks the response hooks of every filter, last one first', () => {
    const seen: string[] = [];
    const mark = (name: string): HttpFilter<never, never> =>
      hooks({
        onResponseHeaders(headers) {
          seen.push(name);
          headers.append('x-by', name);
        },
        onResponseData: () => void seen.push(`${name} data`),
      });
    const r = rig({
      a: mark('a'),
      b: hooks({ onRequestHeaders: (_h, stream) => stream.reply(403, 'no') }),
      c: mark('c'),
    });
    r.sendHead(true);
    expect(seen).toEqual(['c', 'a', 'c data', 'a data']);
    expect(r.response.head?.getAll('x-by')).toEqual(['c', 'a']);
    expect(r.request.head).toBeUndefined();
  });

  it('has content-length and text/plain with a body, and neither without', () => {
    const withBody = rig({ a: hooks({ onRequestHeaders: (_h, stream) => stream.reply(403, 'no') }) });
    withBody.sendHead(true);
    expect(withBody.response.head?.get('content-length')).toBe('2');
    expect(withBody.response.head?.get('content-type')).toBe('text/plain');
    const empty = rig({ a: hooks({ onRequestHeaders: (_h, stream) => stream.reply(404) }) });
    empty.sendHead(true);
    expect(empty.response.head?.has('content-length')).toBe(false);
    expect(empty.response.head?.has('content-type')).toBe(false);
    expect(empty.response.ended).toBe(true);
  });

  it('takes headers, a list for repeated ones, flag, details and a last change', () => {
    const r = rig({
      a: hooks({
        onRequestHeaders: (_h, stream) =>
          stream.reply(
            429,
            '{}',
            { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] },
            { flag: ResponseFlag.RL, details: 'slow down', modify: (head) => head.set('retry-after', '1') },
          ),
      }),
    });
    r.sendHead(true);
    expect([...(r.response.head?.entries() ?? [])].filter(([name]) => name !== 'date' && name !== 'server')).toEqual([
      ['content-type', 'application/json'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
      ['retry-after', '1'],
      ['content-length', '2'],
    ]);
    expect([flagString(r.stream.flags), r.stream.details]).toEqual(['RL', 'slow down']);
  });

  it('without return is as good as with it', () => {
    const r = rig({ a: hooks({ onRequestHeaders: (_h, stream) => void stream.reply(401) }) });
    r.sendHead();
    r.sendData('late', true);
    expect([r.status, r.request.head]).toEqual([401, undefined]);
  });

  it('counts once: a second reply is ignored', () => {
    const r = rig({
      a: hooks({
        onRequestHeaders(_h, stream) {
          stream.reply(401);
          return stream.reply(402);
        },
      }),
    });
    r.sendHead(true);
    expect(r.status).toBe(401);
  });

  it('makes the stream finished at once, also while a response filter takes its time', async () => {
    const r = rig({
      a: hooks({ onResponseHeaders: async () => {} }),
      b: hooks({ onRequestHeaders: (_h, stream) => stream.reply(401, 'no') }),
    });
    r.sendHead(true);
    expect([r.stream.finished, r.stream.over]).toEqual([true, false]);
    await turn();
    expect([r.status, r.response.body, r.stream.over]).toEqual([401, 'no', true]);
  });

  it('is not mixed with what the upstream still sends', async () => {
    const r = rig({
      a: hooks({ onResponseHeaders: async () => {} }),
      b: hooks({ onRequestData: (_chunk, stream) => stream.reply(413, 'too much') }),
    });
    r.sendHead();
    r.sendData('x');
    r.respondHead(200);
    r.respondData('from upstream');
    r.respondTrailers();
    await turn();
    expect([r.status, r.response.body, r.response.trailers]).toEqual([413, 'too much', undefined]);
  });

  it('by a response filter whose head has not left goes around the response hooks', () => {
    let calls = 0;
    const r = rig({
      a: hooks({ onResponseHeaders: () => void calls++ }),
      b: hooks({ onResponseHeaders: (_h, stream) => stream.reply(502, 'bad upstream', { 'x-why': 'b' }) }),
    });
    r.sendHead(true);
    r.respondHead(200);
    r.respondData('dropped', true);
    expect([r.status, r.response.body, r.response.head?.get('x-why')]).toEqual([502, 'bad upstream', 'b']);
    expect(calls).toBe(0);
    expect(r.wasReset).toBe(false);
  });

  it('by a response filter that held the head is still possible with the last chunk', () => {
    const r = rig({
      a: hooks({
        onResponseHeaders: () => HOLD,
        onResponseData: (_chunk, stream, _state, end) => (end ? stream.reply(502, 'bad') : HOLD),
      }),
    });
    r.sendHead(true);
    r.respondHead(200);
    r.respondData('a');
    r.respondData('b', true);
    expect([r.status, r.response.body]).toEqual([502, 'bad']);
  });

  it('after the head has left resets the stream', () => {
    const r = rig({ a: hooks({ onResponseData: (_chunk, stream) => stream.reply(502) }) });
    r.sendHead(true);
    r.respondHead(200);
    r.respondData('x');
    expect([r.status, r.wasReset, r.response.ended]).toEqual([200, true, false]);
  });

  it('to a gRPC request is trailers-only', () => {
    const r = rig(
      { a: hooks({ onRequestHeaders: (_h, stream) => stream.reply(503, 'no 100%') }) },
      { requestHeaders: { 'content-type': 'application/grpc+proto' } },
    );
    r.sendHead();
    expect([r.status, r.response.body, r.response.ended]).toEqual([200, '', true]);
    expect(r.response.head?.get('grpc-status')).toBe('14');
    expect(r.response.head?.get('grpc-message')).toBe('no 100%25');
  });

  it.each([
    ['a status that is none', (stream: HttpStream) => stream.reply(99)],
    ['a header that is none', (stream: HttpStream) => stream.reply(200, '', { 'x y': '1' })],
    ['a value with a line feed', (stream: HttpStream) => stream.reply(200, '', { x: 'a\r\nb: c' })],
  ])('with %s fails the filter, at once and in a promise', async (_what, reply) => {
    for (const promise of [false, true]) {
      const r = rig({
        a: hooks({ onRequestHeaders: (_h, stream) => (promise ? turn().then(() => reply(stream)) : reply(stream)) }),
      });
      r.sendHead(true);
      await turn();
      await turn();
      expect(r.status).toBe(500);
      expect(r.logs.join()).toContain('filter a failed: TypeError');
    }
  });
});

describe('a filter that fails', () => {
  const HOOKS = [
    'onRequestHeaders',
    'onRequestData',
    'onRequestTrailers',
    'onResponseHeaders',
    'onResponseData',
    'onResponseTrailers',
  ] as const;
  const failing = (hook: string, promise: boolean): HttpFilter<never, never> =>
    hooks({
      [hook]() {
        const error = new Error(`in ${hook}`);
        if (promise) return Promise.reject(error);
        throw error;
      },
    });
  const playAll = async (r: Rig) => {
    r.sendHead();
    r.sendData('a');
    r.sendTrailers();
    await turn();
    r.respondHead();
    r.respondData('b');
    r.respondTrailers();
    await turn();
  };

  it.each(HOOKS.flatMap((hook) => [false, true].map((promise) => [hook, promise] as const)))(
    'in %s (promise %s) costs its own stream, the counter and a log line',
    async (hook, promise) => {
      let completed = 0;
      const r = rig({ a: failing(hook, promise), b: hooks({ onComplete: () => void completed++ }) });
      await playAll(r);
      const late = hook === 'onResponseData' || hook === 'onResponseTrailers';
      if (late) expect([r.wasReset, r.response.ended]).toEqual([true, false]);
      else expect([r.status, r.response.body, r.wasReset]).toEqual([500, 'Internal Server Error', false]);
      expect(r.counter('filter_error')).toBe(1);
      expect(r.logs).toHaveLength(1);
      expect(r.logs[0]).toContain(`filter a failed: Error: in ${hook}`);
      expect(r.stream.details).toBe('filter_error{a}');
      expect(completed).toBe(1);
    },
  );

  it('in onComplete is counted and spares the others', () => {
    let completed = 0;
    const r = rig({ a: failing('onComplete', false), b: hooks({ onComplete: () => void completed++ }) });
    r.sendHead(true);
    r.respondHead(204, true);
    expect([r.status, completed, r.counter('filter_error')]).toEqual([204, 1, 1]);
  });

  it('in a response hook on a reply does not stop the client from being answered', () => {
    const r = rig({
      a: failing('onResponseHeaders', false),
      b: hooks({ onRequestHeaders: (_h, stream) => stream.reply(401) }),
    });
    r.sendHead(true);
    expect(r.status).toBe(500);
  });
});

describe('state', () => {
  it('is one per filter and stream', () => {
    const made: object[] = [];
    const states = {
      a: () => {
        const state = { n: 0 };
        made.push(state);
        return state;
      },
    };
    const seen: unknown[] = [];
    const filter = {
      onRequestHeaders: (_h: unknown, _s: unknown, state: { n: number }) => void state.n++,
      onResponseHeaders: (_h: unknown, _s: unknown, state: { n: number }) => void seen.push(state.n),
      onComplete: (_s: unknown, state: { n: number }) => void seen.push(state),
    } as unknown as HttpFilter<never, never>;
    const r = rig(
      { first: hooks({ onRequestHeaders: (_h, _s, state) => void seen.push(state) }), a: filter },
      { states },
    );
    r.sendHead(true);
    r.respondHead(200, true);
    expect(seen).toEqual([undefined, 1, { n: 1 }]);
    expect(seen[2]).toBe(made[0]);
    expect(made).toHaveLength(1);
  });
});

describe('back-pressure', () => {
  it('pauses the upstream while the client does not keep up', () => {
    const r = rig({});
    r.sendHead(true);
    r.respondHead();
    r.writable = false;
    r.respondData('x');
    r.stream.flushResponse();
    r.stream.flushResponse();
    expect(r.upstreamPauses).toBe(1);
    r.stream.onWritable();
    expect(r.upstreamPauses).toBe(0);
    expect(r.counter('downstream_flow_control_paused_reading_total')).toBe(1);
    expect(r.counter('downstream_flow_control_resumed_reading_total')).toBe(1);
  });

  it('counts pauses of a parked filter and of a slow client together', async () => {
    const r = rig({ a: hooks({ onResponseHeaders: () => STOP }) });
    r.sendHead(true);
    r.writable = false;
    r.stream.flushResponse();
    r.respondHead();
    expect(r.upstreamPauses).toBe(2);
    r.stream.onWritable();
    expect(r.upstreamPauses).toBe(1);
    r.writable = true;
    r.stream.resumeResponse();
    expect(r.upstreamPauses).toBe(0);
  });

  it('tells a source that comes late how often it is paused', () => {
    const r = rig({});
    r.stream.pauseSource();
    r.sendHead(true);
    expect(r.upstreamPauses).toBe(1);
  });
});

describe('the end', () => {
  it.each([
    ['a whole response', (r: Rig) => r.respondHead(200, true)],
    ['a reset by a filter', (r: Rig) => r.stream.reset()],
    ['a client that goes away', (r: Rig) => r.stream.onReset('connection termination')],
  ])('comes once, with %s', (_what, finish) => {
    let completed = 0;
    const r = rig({ a: hooks({ onComplete: () => void completed++ }) });
    r.sendHead(true);
    finish(r);
    r.stream.reset();
    r.stream.onReset('connection termination');
    r.respondData('late');
    r.stream.reply(500);
    expect(completed).toBe(1);
    expect(r.stream.finished).toBe(true);
    expect(r.manager.stats.downstream_rq_active.value).toBe(0);
  });

  it('sets DC for a client that goes away, and drops what the upstream sends then', () => {
    const r = rig({});
    r.sendHead(true);
    r.stream.onReset('connection termination');
    r.respondHead();
    expect([r.status, flagString(r.stream.flags), r.stream.details]).toEqual([
      undefined,
      'DC',
      'downstream_remote_disconnect',
    ]);
  });

  it('counts bytes both ways', () => {
    const r = rig({});
    r.sendHead();
    r.sendData('12345', true);
    r.respondHead();
    r.respondData('123');
    r.respondData('', true);
    expect([r.stream.bytesReceived, r.stream.bytesSent]).toEqual([5, 3]);
  });
});
