import { expect, it } from 'vitest';
import { RequestHead } from '../headers/header-map.ts';
import { stripHost } from './host-text.ts';

it.each([
  ['h.test:80', 'matching', false, 'h.test'],
  ['h.test:81', 'matching', false, 'h.test:81'],
  ['h.test:81', 'any', false, 'h.test'],
  ['h.test:', 'any', false, 'h.test:'],
  ['[::1]:80', 'any', false, '[::1]'],
  ['[::1]', 'any', false, '[::1]'],
  ['h.test.', 'none', true, 'h.test'],
  ['h.test.:81', 'none', true, 'h.test:81'],
  ['h.test.:80', 'matching', true, 'h.test'],
  ['h.test.', 'any', false, 'h.test.'],
] as const)('stripHost of %s, port %s, dot %s gives %s', (host, stripPort, stripTrailingDot, expected) => {
  const head = new RequestHead();
  head.authority = host;
  stripHost(head, { stripPort, stripTrailingDot }, 80);
  expect(head.authority).toBe(expected);
});
