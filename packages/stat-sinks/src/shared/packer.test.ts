import { expect, it } from 'vitest';
import { Packer } from './packer.ts';

function packed(maxBytes: number, lines: readonly string[]): string[] {
  const sent: string[] = [];
  const packer = new Packer(maxBytes, (datagram) => sent.push(datagram));
  for (const line of lines) packer.add(line);
  packer.flush();
  return sent;
}

it.each([
  ['one line each without a size', 0, ['aa', 'bb'], ['aa', 'bb']],
  ['as many lines as fit', 6, ['aa', 'bb', 'cc'], ['aa\nbb', 'cc']],
  ['a full datagram to the byte', 5, ['aa', 'bb', 'c'], ['aa\nbb', 'c']],
  ['no byte more', 4, ['aa', 'bb'], ['aa', 'bb']],
  ['a line of the whole size by itself, at once', 4, ['a', 'bbbb', 'c'], ['bbbb', 'a\nc']],
  ['bytes rather than characters', 8, ['ää', 'bb', 'cc'], ['ää\nbb', 'cc']],
  ['nothing', 10, [], []],
] as const)('Packer sends %s', (_, maxBytes, lines, datagrams) => {
  expect(packed(maxBytes, lines)).toEqual(datagrams);
});
