/** The collector of the demo: what Zipkin takes, it takes; what it is sent cannot hurt it, or who looks at its page. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Collector } from './server.ts';
import { readSpans, type Span } from './spans.ts';
import { treeLines, treeOf } from './tree.ts';

const TRACE = '00000000000000aa';
const id = (last: number) => `000000000000000${last}`;

function span(number: number, service: string, rest: Partial<Span> = {}): Span {
  return { traceId: TRACE, id: id(number), name: 'n', localEndpoint: { serviceName: service }, ...rest };
}

/** A front proxy calls a, which calls b; spans of the two sides of a call are shared. Not in order. */
const CHAIN: readonly Span[] = [
  span(2, 'b', { kind: 'SERVER', parentId: id(1), shared: true, timestamp: 40, duration: 10 }),
  span(1, 'front', { kind: 'CLIENT', timestamp: 10, duration: 100 }),
  span(2, 'a', { kind: 'CLIENT', parentId: id(1), timestamp: 30, duration: 30 }),
  span(1, 'a', { kind: 'SERVER', shared: true, timestamp: 20, duration: 80 }),
];

const shape = (spans: readonly Span[]) => treeLines(treeOf(spans)).map((line) => line.replace(/ {2}n .*/, ''));

describe('treeOf', () => {
  it('puts the side of the server below that of its client, and calls below the server that makes them', () => {
    expect(shape(CHAIN)).toEqual(['front  client', '   a  server', '      a  client', '         b  server']);
  });

  it('nests spans with ids of their own by their parents', () => {
    const own = [span(1, 'a', { kind: 'SERVER' }), span(2, 'a', { kind: 'CLIENT', parentId: id(1) })];
    expect(shape(own)).toEqual(['a  server', '   a  client']);
  });

  it('makes a root of what has no parent in the trace', () => {
    expect(shape([span(1, 'a', { parentId: id(9) }), span(2, 'b')])).toHaveLength(2);
  });

  it('survives spans that are each other’s parents', () => {
    const circle = [span(1, 'a', { parentId: id(2) }), span(2, 'b', { parentId: id(1) })];
    expect(shape(circle)).toHaveLength(2);
    expect(shape([span(1, 'a', { parentId: id(1) })])).toHaveLength(1);
  });
});

describe('readSpans', () => {
  const endpoint = { serviceName: 'a', ipv4: '127.0.0.1' };
  const v1 = (annotations: readonly object[], rest: object = {}) =>
    JSON.stringify([
      {
        traceId: TRACE,
        id: id(1),
        name: 'n',
        annotations,
        binaryAnnotations: [{ key: 'k', value: 'v', endpoint }],
        ...rest,
      },
    ]);

  it('reads a client of v1', () => {
    const body = v1([
      { timestamp: 5, value: 'cs', endpoint },
      { timestamp: 9, value: 'cr', endpoint },
    ]);
    expect(readSpans(1, body)).toEqual([
      {
        ...span(1, 'a', { kind: 'CLIENT', timestamp: 5, duration: 4, tags: { k: 'v' }, annotations: [] }),
        localEndpoint: endpoint,
      },
    ]);
  });

  it('reads both sides of a shared span of v1, with what else happened', () => {
    const events = ['cs', 'sr', 'x', 'ss', 'cr'].map((value, at) => ({ timestamp: at, value, endpoint }));
    const spans = readSpans(1, v1(events));
    expect(spans.map(({ kind, timestamp, duration }) => [kind, timestamp, duration])).toEqual([
      ['CLIENT', 0, 4],
      ['SERVER', 1, 2],
    ]);
    expect(spans[0]?.annotations).toEqual([{ timestamp: 2, value: 'x' }]);
  });

  it.each([
    '{}',
    'null',
    '[{}]',
    '[{"traceId":"x","id":"y"}]',
    '[{"traceId":"<b>","id":"0000000000000001"}]',
    'nonsense',
  ])('refuses %s', (body) => expect(() => readSpans(2, body)).toThrow());
});

describe('Collector', () => {
  let collector: Collector;
  let url: string;
  beforeEach(async () => {
    collector = new Collector();
    url = `http://127.0.0.1:${await collector.listen()}`;
  });
  afterEach(() => collector.close());

  const post = (path: string, body: string) => fetch(`${url}${path}`, { method: 'POST', body });
  const report = (spans: readonly Span[]) => post('/api/v2/spans', JSON.stringify(spans));

  it('takes reports and shows them as Zipkin does', async () => {
    expect((await report(CHAIN)).status).toBe(202);
    expect(await (await fetch(`${url}/api/v2/traces`)).json()).toEqual([CHAIN]);
    expect(await (await fetch(`${url}/api/v2/trace/${TRACE}`)).json()).toEqual(CHAIN);
    expect((await fetch(`${url}/api/v2/trace/0000000000000001`)).status).toBe(404);
    expect((await fetch(`${url}/other`)).status).toBe(404);
    expect((await fetch(url, { method: 'DELETE' })).status).toBe(405);
  });

  it('refuses what is no report, and what is too large', async () => {
    expect((await post('/api/v2/spans', '{}')).status).toBe(400);
    expect((await post('/api/v2/spans', ' '.repeat(1_100_000))).status).toBe(413);
    expect(collector.all()).toEqual([]);
  });

  it('shows a bar for each span, below its parent', async () => {
    await report(CHAIN);
    const page = await (await fetch(url)).text();
    expect([...page.matchAll(/margin-left:([\d.]+)rem"><summary><b>(\w+)/g)].map(([, by, who]) => [who, by])).toEqual([
      ['front', '0'],
      ['a', '1'],
      ['a', '2'],
      ['b', '3'],
    ]);
    expect(page).toContain('style="left:30.00%;width:10.00%"');
    expect(page).toContain('4 spans, 3 services, 0.1 ms');
  });

  it('escapes what it was sent', async () => {
    const evil = '"><script>alert(1)</script>&\'';
    await report([span(1, evil, { name: evil, tags: { [evil]: evil }, annotations: [{ timestamp: 1, value: evil }] })]);
    const response = await fetch(url);
    expect(response.headers.get('content-security-policy')).toContain("default-src 'none'");
    const page = await response.text();
    expect(page).not.toMatch(/<script|"><script|alert\(1\)<\//);
    expect(page).toContain('&#34;&#62;&#60;script&#62;');
  });

  it('keeps a hundred traces of five hundred spans', async () => {
    const of = (trace: number): Span => ({ ...span(1, 'a'), traceId: trace.toString(16).padStart(16, '0') });
    await report(Array.from({ length: 150 }, (_, trace) => of(trace)));
    await report(Array.from({ length: 600 }, () => of(149)));
    expect(collector.all()).toHaveLength(100);
    expect(collector.trace(of(0).traceId)).toEqual([]);
    expect(collector.trace(of(149).traceId)).toHaveLength(500);
  });
});
