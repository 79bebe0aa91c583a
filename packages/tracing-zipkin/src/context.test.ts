import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { extract } from './context.ts';
import { head } from './fixture.ts';

const T = '7ace000000000001';
const H = '4100000000000001';
const S = '5a00000000000001';
const P = '9a00000000000001';
type Expected = readonly [trace: string, span: string, parent: string, sampled?: boolean];
const context = ([traceId, spanId, parentId, sampled]: Expected) => ({ traceId, spanId, parentId, sampled });
const none: Expected = ['', '', ''];
const several = (more: Record<string, string> = {}) => ({ 'x-b3-traceid': T, 'x-b3-spanid': S, ...more });

const b3: readonly [headers: Record<string, string>, expected: Expected | undefined][] = [
  [{}, none],
  [{ b3: `${T}-${S}` }, [T, S, '']],
  [{ b3: `${T}-${S}-1` }, [T, S, '', true]],
  [{ b3: `${T}-${S}-0` }, [T, S, '', false]],
  [{ b3: `${T}-${S}-d` }, [T, S, '', true]],
  [{ b3: `${T}-${S}-1-${P}` }, [T, S, P, true]],
  [{ b3: `${T}-${S}-0-${P}` }, [T, S, P, false]],
  [{ b3: `${H}${T}-${S}` }, [H + T, S, '']],
  [{ b3: `${H}${T}-${S}-1` }, [H + T, S, '', true]],
  [{ b3: `${H}${T}-${S}-0-${P}` }, [H + T, S, P, false]],
  [{ b3: '0' }, ['', '', '', false]],
  [{ b3: '1' }, ['', '', '', true]],
  [{ b3: 'd' }, ['', '', '', true]],
  [{ b3: '' }, undefined],
  [{ b3: 'x' }, undefined],
  [{ b3: T }, undefined],
  [{ b3: `${T}-${S}-` }, undefined],
  [{ b3: `${T}-${S}-x` }, undefined],
  [{ b3: `${T}-${S}-1-` }, undefined],
  [{ b3: `${T}-${S}-1-00ff` }, undefined],
  [{ b3: `${T}-${S}-x-${P}` }, undefined],
  [{ b3: `${T}-${S}-${P}` }, undefined],
  [{ b3: `${H}${T}-${S}-1-${P}0` }, undefined],
  [{ b3: `zzzzzzzzzzzzzzzz-${S}-1` }, undefined],
  [{ b3: `${T}-zzzzzzzzzzzzzzzz-1` }, undefined],
  [{ b3: `${T}-${S}-1-zzzzzzzzzzzzzzzz` }, undefined],
  [{ b3: `ABCDEF0000000001-${S}-1` }, ['abcdef0000000001', S, '', true]],
  [{ b3: `${T}-${S}-0`, ...several({ 'x-b3-traceid': P, 'x-b3-sampled': '1' }) }, [T, S, '', false]],
  [{ b3: 'nonsense', ...several() }, undefined],
  [{ b3: '0', ...several({ 'x-b3-sampled': '1' }) }, ['', '', '', false]],
  [several(), [T, S, '']],
  [several({ 'x-b3-sampled': '1' }), [T, S, '', true]],
  [several({ 'x-b3-sampled': 'true' }), [T, S, '', true]],
  [several({ 'x-b3-sampled': '0' }), [T, S, '', false]],
  [several({ 'x-b3-sampled': 'TRUE' }), [T, S, '', false]],
  [several({ 'x-b3-sampled': 'd' }), [T, S, '', false]],
  [several({ 'x-b3-sampled': '' }), [T, S, '', false]],
  [several({ 'x-b3-flags': '1' }), [T, S, '']],
  [several({ 'x-b3-parentspanid': P }), [T, S, P]],
  [several({ 'x-b3-parentspanid': '' }), [T, S, '']],
  [several({ 'x-b3-parentspanid': '0000000000000000' }), [T, S, '']],
  [several({ 'x-b3-parentspanid': 'zz' }), undefined],
  [several({ 'x-b3-traceid': H + T }), [H + T, S, '']],
  [several({ 'x-b3-traceid': `0000000000000000${T}` }), [T, S, '']],
  [several({ 'x-b3-traceid': 'abc', 'x-b3-spanid': '7' }), ['0000000000000abc', '0000000000000007', '']],
  [several({ 'x-b3-traceid': 'ABC' }), ['0000000000000abc', S, '']],
  [several({ 'x-b3-traceid': '0xabc' }), ['0000000000000abc', S, '']],
  [several({ 'x-b3-traceid': '0x' }), undefined],
  [several({ 'x-b3-traceid': `1${T}` }), undefined],
  [several({ 'x-b3-traceid': `00${T}` }), [T, S, '']],
  [several({ 'x-b3-traceid': `0${H}${T}` }), undefined],
  [several({ 'x-b3-traceid': `zzzzzzzzzzzzzzzz${T}` }), undefined],
  [several({ 'x-b3-traceid': '' }), undefined],
  [several({ 'x-b3-spanid': '' }), undefined],
  [several({ 'x-b3-spanid': `1${S}` }), undefined],
  [{ 'x-b3-traceid': T }, none],
  [{ 'x-b3-spanid': S, 'x-b3-sampled': '0' }, ['', '', '', false]],
  [{ 'x-b3-sampled': '1' }, ['', '', '', true]],
];

const W = `00-${H}${T}-${S}`;
const w3c: readonly [headers: Record<string, string>, expected: Expected | undefined][] = [
  [{ traceparent: `${W}-01` }, [H + T, S, '', true]],
  [{ traceparent: `${W}-00` }, [H + T, S, '', false]],
  [{ traceparent: `${W}-03` }, [H + T, S, '', true]],
  [{ traceparent: `${W}-02` }, [H + T, S, '', false]],
  [{ traceparent: `00-0000000000000000${T}-${S}-01` }, [T, S, '', true]],
  [{ traceparent: `00-ABCDEF0000000001${T}-${S}-01` }, [`abcdef0000000001${T}`, S, '', true]],
  [{ traceparent: `ff${W.slice(2)}-01` }, [H + T, S, '', true]],
  [{ traceparent: `01${W.slice(2)}-01-more` }, none],
  [{ traceparent: `00-${T}-${S}-01` }, none],
  [{ traceparent: `00-${'0'.repeat(32)}-${S}-01` }, none],
  [{ traceparent: `00-${H}${T}-${'0'.repeat(16)}-01` }, none],
  [{ traceparent: `00-zz34567890123456${T}-${S}-01` }, none],
  [{ traceparent: '' }, none],
  [{ traceparent: `${W}-01`, b3: `${T}-${P}-0` }, [T, P, '', false]],
  [{ traceparent: `${W}-01`, b3: 'nonsense' }, undefined],
  [{ traceparent: `${W}-01`, b3: '0' }, ['', '', '', false]],
  [{ traceparent: `${W}-00`, 'x-b3-sampled': '1' }, [H + T, S, '', true]],
  [{ traceparent: `${W}-01`, 'x-b3-sampled': '0' }, [H + T, S, '', true]],
  [{ traceparent: 'broken', 'x-b3-sampled': '0' }, ['', '', '', false]],
  [{ traceparent: `${W}-01`, ...several({ 'x-b3-sampled': '0' }) }, [T, S, '', false]],
  [{ traceparent: `${W}-01`, ...several({ 'x-b3-traceid': 'broken' }) }, undefined],
];

describe('extract', () => {
  test.each(b3)('reads B3 %j', (headers, expected) => {
    expect(extract(head(headers), false)).toEqual(expected && context(expected));
    expect(extract(head(headers), true)).toEqual(expected && context(expected));
  });

  test.each(w3c)('reads W3C %j', (headers, expected) => {
    expect(extract(head(headers), true)).toEqual(expected && context(expected));
  });

  test('leaves traceparent alone unless it is asked to read it', () => {
    expect(extract(head({ traceparent: `${W}-01` }), false)).toEqual(context(none));
  });

  test('never throws, and what it reads is ids, whatever the headers hold', () => {
    const digit = fc.constantFrom(...'0123456789abcdefABCDEFxg- ');
    const value = fc.oneof(
      fc.string({ unit: digit, maxLength: 80 }),
      fc.array(fc.integer({ min: 0, max: 0x2ff }), { maxLength: 80 }).map((codes) => String.fromCharCode(...codes)),
      fc.constantFrom(T, S, H + T, `${T}-${S}`, `${T}-${S}-1-${P}`, '1', '0', 'd', `${W}-01`),
    );
    const names = ['b3', 'x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled', 'traceparent'];
    const headers = fc.record(Object.fromEntries(names.map((name) => [name, value])), { requiredKeys: [] });
    fc.assert(
      fc.property(headers, fc.boolean(), (given, both) => {
        const found = extract(head(given as Record<string, string>), both);
        if (found === undefined || found.traceId === '') return;
        expect(found.traceId).toMatch(/^(?:[\da-f]{16}){1,2}$/);
        expect(found.spanId).toMatch(/^[\da-f]{16}$/);
        expect(found.parentId).toMatch(/^(?:[\da-f]{16})?$/);
      }),
      { numRuns: 600 },
    );
  });
});
