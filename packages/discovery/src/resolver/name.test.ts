import { expect, it } from 'vitest';
import { nameProblem } from './name.ts';

it.each([
  'service1',
  'service1.default.svc.cluster.local',
  'example.com.',
  '_grpc._tcp.example.com',
  'xn--bcher-kva.example',
  '3com.example',
  `${'a'.repeat(63)}.example`,
])('nameProblem accepts %s', (name) => {
  expect(nameProblem(name)).toBeUndefined();
});

it.each([
  ['', 'label'],
  ['.', 'label'],
  ['a..b', 'label'],
  ['a\0b.example', 'label'],
  ['-a.example', 'label'],
  ['a-.example', 'label'],
  ['a b', 'label'],
  ['bücher.example', 'label'],
  ['user@host', 'label'],
  ['host:80', 'label'],
  [`${'a'.repeat(64)}.example`, 'label'],
  [Array(64).fill('abc').join('.'), '253'],
  ['127.1', 'number'],
  ['2130706433', 'number'],
  ['0x7f000001', 'number'],
  ['1.2.3.4.5', 'number'],
])('nameProblem refuses %j', (name, problem) => {
  expect(nameProblem(name)).toContain(problem);
});
