import { describe, expect, it } from 'vitest';
import { newRequestId, numberOfId, traceReasonOf, withoutTraceReason, withTraceReason } from './request-id.ts';

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';

describe('request ids', () => {
  it('are UUIDs of version 4, each of its own', () => {
    const ids = Array.from({ length: 600 }, newRequestId);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it.each([
    ['none', '4'],
    ['sampling', '9'],
    ['service', 'a'],
    ['client', 'b'],
  ] as const)('carry why they are traced: %s', (reason, digit) => {
    const id = withTraceReason(ID, reason);
    expect(id[14]).toBe(digit);
    expect(id.length).toBe(36);
    expect(traceReasonOf(id)).toBe(reason);
    expect(withoutTraceReason(id)).toBe(ID);
  });

  it.each(['', 'x', `${ID}0`, ID.slice(1)])('of another form carry nothing: %j', (id) => {
    expect(withTraceReason(id, 'client')).toBe(id);
    expect(traceReasonOf(id)).toBe('none');
  });

  it.each([
    ['00000001', 1],
    ['FFFFffff-rest', 0xffff_ffff],
    ['0000270f-0000-4000-8000-000000000000', 9999],
    ['0000000', -1],
    ['0000000g', -1],
    ['0000000\x10', -1],
    ['-0000001', -1],
    ['', -1],
  ])('begin with a number: %j', (id, number) => {
    expect(numberOfId(id)).toBe(number);
  });
});
