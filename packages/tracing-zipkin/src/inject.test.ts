import { describe, expect, test } from 'vitest';
import { head, lines } from './fixture.ts';
import { type Carried, inject } from './inject.ts';

const T = '7ace000000000001';
const H = '4100000000000001';
const S = '5a00000000000001';
const P = '9a00000000000001';
const plain: Carried = { traceId: T, spanId: S, parentId: '', sampled: true };
const several = { 'x-b3-traceid': T, 'x-b3-spanid': S, 'x-b3-sampled': '1' };

type Row = readonly [
  given: Record<string, string>,
  span: Partial<Carried>,
  w3c: boolean,
  expected: Record<string, string>,
];
const rows: readonly Row[] = [
  [{}, {}, false, several],
  [{}, { sampled: false }, false, { ...several, 'x-b3-sampled': '0' }],
  [{}, { parentId: P }, false, { ...several, 'x-b3-parentspanid': P }],
  [{ 'x-b3-parentspanid': 'stale' }, {}, false, { ...several, 'x-b3-parentspanid': 'stale' }],
  [{ 'x-b3-flags': '1' }, {}, false, { ...several, 'x-b3-flags': '1' }],
  [{ b3: '1' }, {}, false, { b3: `${T}-${S}-1` }],
  [{ b3: '0', 'x-b3-traceid': 'x' }, { sampled: false }, false, { b3: `${T}-${S}-0`, 'x-b3-traceid': 'x' }],
  [{ b3: 'd' }, { parentId: P, traceId: H + T }, false, { b3: `${H}${T}-${S}-1-${P}` }],
  [{ traceparent: 'theirs', tracestate: 'a=1' }, {}, false, { traceparent: 'theirs', tracestate: 'a=1', ...several }],
  [{}, {}, true, { ...several, traceparent: `00-0000000000000000${T}-${S}-01` }],
  [
    { traceparent: 'theirs', tracestate: 'a=1' },
    { traceId: H + T, sampled: false },
    true,
    {
      ...several,
      'x-b3-traceid': H + T,
      'x-b3-sampled': '0',
      traceparent: `00-${H}${T}-${S}-00`,
      tracestate: 'a=1',
    },
  ],
  [{ b3: '1' }, {}, true, { b3: `${T}-${S}-1`, traceparent: `00-0000000000000000${T}-${S}-01` }],
];

describe('inject', () => {
  test.each(rows)('into %j %j (W3C: %j)', (given, span, w3c, expected) => {
    const headers = head(given);
    inject({ ...plain, ...span }, headers, w3c);
    expect(lines(headers)).toEqual(expected);
  });
});
