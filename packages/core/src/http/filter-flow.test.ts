/** What filters of one chain do to one another: order, held parts, parking, limits. */
import { describe, expect, it } from 'vitest';
import type { Headers } from '../api/headers.ts';
import type { HttpFilter } from '../api/http-filter.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { HOLD, STOP } from './answers.ts';
import { hooks, rig, turn } from './fixture.ts';

/** Holds everything back until the end, then lets it go in one piece. */
const holdAll = (direction: 'Request' | 'Response', head = false) =>
  hooks({
    ...(head
      ? {
          [`on${direction}Headers`]: (_head: Headers, _s: unknown, _t: unknown, end: boolean) =>
            end ? undefined : HOLD,
        }
      : {}),
    [`on${direction}Data`]: (_chunk: Uint8Array, _s: unknown, _t: unknown, end: boolean) => (end ? undefined : HOLD),
  });

describe('order', () => {
  it('requests walk a, b, c and responses c, b, a', () => {
    const seen: string[] = [];
    const note = (name: string): HttpFilter<never, never> => {
      const at = (hook: string) => () => void seen.push(`${name}.${hook}`);
      return hooks({
        onRequestHeaders: at('head'),
        onRequestData: at('data'),
        onRequestTrailers: at('trailers'),
        onResponseHeaders: at('head'),
        onResponseData: at('data'),
        onResponseTrailers: at('trailers'),
        onComplete: at('complete'),
      });
    };
    const r = rig({ a: note('a'), b: note('b'), c: note('c') });
    r.sendHead();
    r.sendData('x');
    r.sendTrailers();
    expect(seen.splice(0)).toEqual(
      ['head', 'data', 'trailers'].flatMap((hook) => ['a', 'b', 'c'].map((f) => `${f}.${hook}`)),
    );
    r.respondHead();
    r.respondData('y');
    r.respondTrailers();
    const response = ['head', 'data', 'trailers'].flatMap((hook) => ['c', 'b', 'a'].map((f) => `${f}.${hook}`));
    expect(seen).toEqual([...response, 'a.complete', 'b.complete', 'c.complete']);
  });

  it('keeps the order of chunks across parks at different filters', async () => {
    const wait = () => Promise.resolve().then(() => undefined);
    const r = rig({ a: hooks({ onRequestData: wait }), b: hooks({ onRequestData: wait }) });
    r.sendHead();
    for (const text of ['1', '2', '3', '4']) r.sendData(text);
    r.sendData('5', true);
    expect(r.clientPauses).toBe(1);
    await turn();
    expect(r.request).toMatchObject({ body: '12345', ended: true });
    expect(r.clientPauses).toBe(0);
  });

  it('gives a filter in front of a parked one nothing new', async () => {
    const seen: string[] = [];
    const r = rig({
      a: hooks({ onRequestData: (chunk) => void seen.push(Buffer.from(chunk).toString()) }),
      b: hooks({ onRequestHeaders: () => STOP }),
    });
    r.sendHead();
    r.sendData('1');
    expect(seen).toEqual([]);
    r.stream.resumeRequest();
    expect(seen).toEqual(['1']);
    expect(r.request.body).toBe('1');
  });
});

describe('HOLD', () => {
  it('joins what was held with the chunk that goes on', () => {
    const r = rig({ a: holdAll('Request') });
    r.sendHead();
    r.sendData('ab');
    r.sendData('cd');
    expect(r.request).toMatchObject({ body: '', ended: false });
    r.sendData('ef', true);
    expect(r.request).toMatchObject({ body: 'abcdef', ended: true });
  });

  it('replaces all of it when the last answer is bytes', () => {
    const r = rig({
      a: hooks({ onRequestData: (_chunk, _stream, _state, end) => (end ? Buffer.from('!') : HOLD) }),
    });
    r.sendHead();
    r.sendData('ab');
    r.sendData('cd', true);
    expect(r.request.body).toBe('ab!');
  });

  it('from a headers hook keeps the head until data goes on, so that it can still be changed', () => {
    const r = rig({
      a: hooks({
        onRequestHeaders: (_head, _stream, _state, end) => (end ? undefined : HOLD),
        onRequestData(_chunk, stream, _state, end) {
          if (!end) return HOLD;
          stream.requestHeaders.set('x-late', '1');
        },
      }),
    });
    r.sendHead();
    r.sendData('ab');
    expect(r.request.head).toBeUndefined();
    r.sendData('cd', true);
    expect(r.request.head?.get('x-late')).toBe('1');
    expect(r.request.body).toBe('abcd');
  });

  it('from a headers hook without a data hook parks, for nothing could ever let the head go', () => {
    const r = rig({ a: hooks({ onRequestHeaders: () => HOLD }), b: hooks({ onRequestData: () => {} }) });
    r.sendHead();
    r.sendData('ab', true);
    expect(r.request).toMatchObject({ head: undefined, body: '' });
    r.stream.resumeRequest();
    expect(r.request).toMatchObject({ body: 'ab', ended: true });
    expect(r.request.head).toBeDefined();
  });

  it.each(['Request', 'Response'] as const)('of two filters in a row passes on at the end (%s)', (direction) => {
    const r = rig({ a: holdAll(direction, true), b: holdAll(direction, true) });
    if (direction === 'Response') r.sendHead(true);
    const [head, data] =
      direction === 'Request'
        ? [() => r.sendHead(), (text: string, end: boolean) => r.sendData(text, end)]
        : [() => r.respondHead(), (text: string, end: boolean) => r.respondData(text, end)];
    head();
    data('ab', false);
    data('cd', true);
    const message = direction === 'Request' ? r.request : r.response;
    expect(message).toMatchObject({ body: 'abcd', ended: true });
    expect(message.head).toBeDefined();
  });

  it('is let go in front of trailers by every filter that holds', () => {
    const r = rig({ a: holdAll('Request', true), b: holdAll('Request', true), c: holdAll('Request') });
    r.sendHead();
    r.sendData('ab');
    r.sendData('cd');
    r.sendTrailers();
    expect(r.request).toMatchObject({ body: 'abcd', ended: true });
    expect(r.request.trailers?.get('x-end')).toBe('1');
  });

  it('behind a filter that takes its time does not stop the chunks that follow', async () => {
    const r = rig({ a: hooks({ onRequestData: async () => {} }), b: holdAll('Request') });
    r.sendHead();
    r.sendData('ab');
    r.sendData('cd');
    r.sendData('ef', true);
    await turn();
    expect(r.request).toMatchObject({ body: 'abcdef', ended: true });
    expect(r.clientPauses).toBe(0);
  });

  it('on a head that a promise of an earlier filter let go does not stop the body', async () => {
    const r = rig({ a: hooks({ onRequestHeaders: async () => {} }), b: holdAll('Request', true) });
    r.sendHead();
    r.sendData('ab');
    r.sendData('cd', true);
    await turn();
    expect(r.request).toMatchObject({ body: 'abcd', ended: true });
  });

  it('over the limit is 413 for requests, counted, and reaches no upstream', () => {
    const r = rig({ a: holdAll('Request', true) }, { limitBytes: 8 });
    r.sendHead();
    r.sendData('12345678');
    expect(r.status).toBeUndefined();
    r.sendData('9');
    expect([r.status, r.response.body, r.response.ended]).toEqual([413, 'Payload Too Large', true]);
    expect(r.request.head).toBeUndefined();
    expect(r.stream.details).toBe('request_payload_too_large');
    expect(r.counter('downstream_rq_too_large')).toBe(1);
  });

  it('over the limit is 500 for responses whose head has not left', () => {
    const r = rig({ a: holdAll('Response', true) }, { limitBytes: 8 });
    r.sendHead(true);
    r.respondHead();
    r.respondData('123456789');
    expect([r.status, r.response.body]).toEqual([500, 'Internal Server Error']);
    expect(r.stream.details).toBe('response_payload_too_large');
    expect(r.counter('rs_too_large')).toBe(1);
  });

  it('over the limit is a reset for responses whose head has left', () => {
    const r = rig({ a: holdAll('Response') }, { limitBytes: 8 });
    r.sendHead(true);
    r.respondHead();
    r.respondData('123456789');
    expect(r.wasReset).toBe(true);
    expect(r.response.ended).toBe(false);
  });

  it('counts what was let go as gone', () => {
    const r = rig(
      { a: hooks({ onRequestData: (chunk) => (chunk.length === 8 ? HOLD : undefined) }) },
      { limitBytes: 8 },
    );
    r.sendHead();
    for (let i = 0; i < 5; i++) {
      r.sendData('12345678');
      r.sendData('.');
    }
    expect(r.status).toBeUndefined();
    expect(r.request.body).toBe('12345678.'.repeat(5));
  });
});

describe('parking', () => {
  it('does not count a chunk that a promise looks at against the limit', async () => {
    const r = rig({ a: hooks({ onRequestData: async () => {} }) }, { limitBytes: 8 });
    r.sendHead();
    r.sendData('x'.repeat(1000), true);
    await turn();
    expect(r.request.body).toHaveLength(1000);
  });

  it("keeps the chunk whole for a promise, whatever becomes of the codec's buffer", async () => {
    const seen: string[] = [];
    const r = rig({
      a: hooks({
        async onResponseData(chunk) {
          await turn();
          seen.push(Buffer.from(chunk).toString());
          return Buffer.from(Buffer.from(chunk).toString().toUpperCase());
        },
      }),
    });
    r.sendHead(true);
    r.respondHead();
    r.respondData('hello', true);
    await turn();
    await turn();
    expect(seen).toEqual(['hello']);
    expect(r.response.body).toBe('HELLO');
  });

  it('by a promise ends with the promise: a resume before is not lost and not early', async () => {
    let settle = (_answer: typeof STOP) => {};
    const promise = new Promise<typeof STOP>((resolve) => {
      settle = resolve;
    });
    const r = rig({ a: hooks({ onRequestHeaders: () => promise }) });
    r.sendHead(true);
    r.stream.resumeRequest();
    expect(r.request.head).toBeUndefined();
    settle(STOP);
    await turn();
    expect(r.request.ended).toBe(true);
  });

  it('is bounded: a source that does not listen to its pause meets the limit', () => {
    const r = rig({ a: hooks({ onRequestHeaders: () => STOP, onRequestData: () => {} }) }, { limitBytes: 8 });
    r.sendHead();
    r.sendData('x'.repeat(65_536));
    expect(r.status).toBeUndefined();
    r.sendData('x'.repeat(9));
    expect(r.status).toBe(413);
  });

  it('with STOP to data lets that chunk go on when resumed', () => {
    const r = rig({ a: hooks({ onRequestData: (chunk) => (chunk[0] === 0x31 ? STOP : undefined) }) });
    r.sendHead();
    r.sendData('1');
    r.sendData('2', true);
    expect(r.request.body).toBe('');
    r.stream.resumeRequest();
    expect(r.request).toMatchObject({ body: '12', ended: true });
  });

  it('is over when the client goes away; a promise that settles later changes nothing', async () => {
    let settle = () => {};
    const r = rig({
      a: hooks({
        onRequestHeaders: () =>
          new Promise<void>((resolve) => {
            settle = resolve;
          }),
      }),
    });
    r.sendHead(true);
    r.stream.onReset('connection termination');
    settle();
    await turn();
    expect(r.request.head).toBeUndefined();
    expect(r.stream.over).toBe(true);
  });

  it("a promise that rejects after the stream is over is nobody's failure", async () => {
    let fail = (_error: Error) => {};
    const r = rig({
      a: hooks({
        onRequestHeaders: () =>
          new Promise<void>((_resolve, reject) => {
            fail = reject;
          }),
      }),
    });
    r.sendHead(true);
    r.stream.onReset('connection termination');
    fail(new Error('late'));
    await turn();
    expect(r.logs).toEqual([]);
  });

  it('resume without a park is harmless', () => {
    const r = rig({ a: hooks({ onRequestData: () => {} }) });
    r.sendHead();
    r.stream.resumeRequest();
    r.stream.resumeResponse();
    r.sendData('a', true);
    r.stream.resumeRequest();
    expect(r.request.body).toBe('a');
  });
});

describe('answers that are none', () => {
  const wrong = (direction: 'Request' | 'Response', part: string, promise: boolean) =>
    hooks({ [`on${direction}${part}`]: () => (promise ? Promise.resolve(true) : true) } as HttpFilter);

  it.each([
    ['Headers', false],
    ['Headers', true],
    ['Data', false],
    ['Data', true],
    ['Trailers', false],
    ['Trailers', true],
  ])('cost the stream a 500 and say why (%s, promise %s)', async (part, promise) => {
    const r = rig({ a: wrong('Request', part, promise) });
    r.sendHead();
    r.sendData('x');
    r.sendTrailers();
    await turn();
    expect(r.status).toBe(500);
    expect(r.logs.join()).toContain('filter a failed: TypeError: a hook answered boolean true; expected nothing');
  });
});

describe("a terminal filter of one's own", () => {
  const terminal = (
    onRequestData: (chunk: Uint8Array, stream: HttpStream, state: unknown, end: boolean) => unknown,
  ) => ({ terminal: { onRequestData } as never });

  it('may be asynchronous: its source waits for it', async () => {
    const seen: string[] = [];
    const r = rig(
      {},
      terminal(async (chunk) => {
        const text = Buffer.from(chunk).toString();
        await turn();
        seen.push(text);
      }),
    );
    r.sendHead();
    r.sendData('a');
    expect(r.clientPauses).toBe(1);
    r.sendData('b', true);
    for (let i = 0; i < 4; i++) await turn();
    expect(seen).toEqual(['a', 'b']);
    expect(r.clientPauses).toBe(0);
  });

  it('costs its stream a 500 when it rejects', async () => {
    const r = rig(
      {},
      terminal(async () => {
        throw new Error('broken');
      }),
    );
    r.sendHead();
    r.sendData('a');
    await turn();
    expect(r.status).toBe(500);
    expect(r.logs.join()).toContain('filter terminal failed: Error: broken');
  });
});
