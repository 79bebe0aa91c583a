import { describe, expect, it } from 'vitest';
import { readStatus, requestFrame } from './grpc-message.ts';
import { PayloadSearch } from './payload.ts';

const bytes = (text: string) => Buffer.from(text);

describe('PayloadSearch', () => {
  it.each<[string, string[], string[], boolean]>([
    ['the blocks side by side', ['ab', 'cd'], ['abcd'], true],
    ['with something between', ['ab', 'cd'], ['xxab..cdyy'], true],
    ['in pieces', ['abc', 'def'], ['..a', 'b', 'c', 'd', 'ef'], true],
    ['a false start', ['aab'], ['aaab'], true],
    ['a false start in pieces', ['aab'], ['aa', 'ab'], true],
    ['the wrong order', ['ab', 'cd'], ['cdab'], false],
    ['blocks that share bytes', ['aba', 'ab'], ['abab'], false],
    ['an empty block', ['', 'a'], ['a'], true],
    ['nothing wanted', [], [''], true],
    ['nothing sent', ['a'], [], false],
  ])('%s', (_, wanted, sent, found) => {
    const search = new PayloadSearch(wanted.map(bytes));
    for (const chunk of sent) search.add(bytes(chunk));
    expect(search.found).toBe(found);
  });
});

describe('grpc.health.v1 messages', () => {
  it('a request without and with a service', () => {
    expect([...requestFrame('')]).toEqual([0, 0, 0, 0, 0]);
    expect([...requestFrame('ab')]).toEqual([0, 0, 0, 0, 4, 0x0a, 2, 97, 98]);
    expect([...requestFrame('x'.repeat(200)).subarray(0, 8)]).toEqual([0, 0, 0, 0, 203, 0x0a, 0xc8, 1]);
  });

  it.each<[string, number[], number | undefined]>([
    ['SERVING', [0x08, 1], 1],
    ['nothing', [], 0],
    ['fields that are not known', [0x12, 1, 9, 0x1d, 1, 2, 3, 4, 0x08, 1], 1],
    ['a field that is cut short', [0x12, 9, 1], undefined],
    ['a number without end', [0x08, 0xff, 0xff], undefined],
    ['groups', [0x0b], undefined],
  ])('a response: %s', (_, message, status) => {
    expect(readStatus(Uint8Array.from(message))).toBe(status);
  });
});
