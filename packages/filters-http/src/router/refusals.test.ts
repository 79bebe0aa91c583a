import type { TerminalStream, UpstreamCluster } from '@mesh/core';
import { expect, it } from 'vitest';
import { refusalOf } from './refusals.ts';

const stream = { random: 0, runtime: { get: () => undefined } } as unknown as TerminalStream;
const cluster = (dropShare: number | undefined, random: number) =>
  ({ dropShare, random: () => random, maintenance: { runtimeKey: 'k' } }) as unknown as UpstreamCluster;

it.each([
  [undefined, 0, undefined],
  [0, 0, undefined],
  [0.25, 0.24, 'drop_overload'],
  [0.25, 0.25, undefined],
  [1, 0.99, 'unconditional_drop_overload'],
])('refusalOf: a share of %s, and chance %s', (share, random, details) => {
  expect(refusalOf(cluster(share, random), stream)?.details).toBe(details);
});

it('refusalOf tells why as Envoy does', () => {
  expect(refusalOf(cluster(0.5, 0), stream)).toMatchObject({ body: 'drop overload', marker: 'x-envoy-drop-overload' });
  expect(refusalOf(cluster(1, 0), stream)).toMatchObject({
    body: 'unconditional drop overload',
    marker: 'x-envoy-unconditional-drop-overload',
  });
});
