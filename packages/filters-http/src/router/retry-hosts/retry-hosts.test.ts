import type { Host, RetryPolicy } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { retryHosts } from './index.ts';

function host(metadata?: Record<string, unknown>, canary = false): Host {
  return { address: '127.0.0.1:1', metadata, canary } as Host;
}

function rules(name: string, config: unknown = {}) {
  const hostPredicates = [{ name: `envoy.retry_host_predicates.${name}`, config }];
  return retryHosts({ hostPredicates, hostSelectionMaxAttempts: 3 } as unknown as RetryPolicy);
}

it('retryHosts makes nothing for a policy without predicates', () => {
  expect(retryHosts({ hostPredicates: [] } as unknown as RetryPolicy)).toBeUndefined();
});

it('previous_hosts refuses every host that was tried', () => {
  const tried = rules('previous_hosts');
  const [a, b] = [host(), host()];
  expect(tried?.reselections).toBe(3);
  expect([tried?.shouldSkip(a), tried?.shouldSkip(b)]).toEqual([false, false]);
  tried?.onHostAttempted(a);
  expect([tried?.shouldSkip(a), tried?.shouldSkip(b)]).toEqual([true, false]);
});

it('omit_canary_hosts refuses canaries', () => {
  const omit = rules('omit_canary_hosts');
  expect([omit?.shouldSkip(host({}, true)), omit?.shouldSkip(host({}, false))]).toEqual([true, false]);
});

describe('omit_host_metadata', () => {
  const criteria = { metadataMatch: { 'envoy.lb': { zone: 'a', tags: { x: [1, 2] } } } };
  it.each<[name: string, own: Record<string, unknown> | undefined, refused: boolean]>([
    ['everything and more', { 'envoy.lb': { zone: 'a', tags: { x: [1, 2] }, more: true } }, true],
    ['another value', { 'envoy.lb': { zone: 'b', tags: { x: [1, 2] } } }, false],
    ['a part only', { 'envoy.lb': { zone: 'a' } }, false],
    ['another list', { 'envoy.lb': { zone: 'a', tags: { x: [2, 1] } } }, false],
    ['another filter', { other: { zone: 'a', tags: { x: [1, 2] } } }, false],
    ['none', undefined, false],
  ])('a host that has %s', (_name, own, refused) => {
    expect(rules('omit_host_metadata', criteria)?.shouldSkip(host(own))).toBe(refused);
  });
});
