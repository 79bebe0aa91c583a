import { defineLoadBalancer, type Host } from '@mesh/core';
import { answer } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, closeAfterEach, get, proxyFor, retrying, upstreamOf } from '../fixture.ts';
import { PreviousPriorities, retryPriority } from './index.ts';

closeAfterEach();

const NAME = 'envoy.retry_priorities.previous_priorities';

function hosts(count: number): Host[] {
  return Array.from({ length: count }, (_, priority) => ({ priority }) as Host);
}

describe('PreviousPriorities', () => {
  it('names the hosts of earlier attempts, anew after each so many', () => {
    const rule = new PreviousPriorities(2);
    const named = hosts(5).map((host) => {
      rule.onHostAttempted(host);
      return rule.hosts?.map(({ priority }) => priority);
    });
    expect(named).toEqual([undefined, [0, 1], [0, 1], [0, 1, 2, 3], [0, 1, 2, 3]]);
  });

  it('begins anew when no priority is left', () => {
    const rule = new PreviousPriorities(1);
    const [a, b] = hosts(2) as [Host, Host];
    rule.onHostAttempted(a);
    rule.reset();
    expect(rule.hosts).toBeUndefined();
    rule.onHostAttempted(b);
    expect(rule.hosts).toEqual([b]);
  });

  it('is nothing without a policy', () => {
    expect(retryPriority(undefined)).toBeUndefined();
    expect(retryPriority({ name: NAME, config: { updateFrequency: 1 } })).toBeInstanceOf(PreviousPriorities);
  });
});

it('the router tells policies which hosts a retry has behind it', async () => {
  const upstream = await Promise.all(['a', 'b', 'c'].map(() => upstreamOf(answer({ status: 503 }))));
  const seen: (number | undefined)[] = [];
  const watching = defineLoadBalancer({
    name: 'test.load_balancing_policies.watching',
    config: { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: {} }) } },
    create() {
      let all: readonly Host[] = [];
      return {
        update: ({ priorities }) => void (all = priorities[0]?.hosts ?? []),
        pick(context) {
          seen.push(context.triedHosts?.length);
          const left = all.find((host) => context.triedHosts?.includes(host) !== true);
          if (left === undefined) context.onNoPriorityLeft?.();
          return left ?? all[0];
        },
      };
    },
  });
  const retryPolicy = {
    retryOn: '5xx',
    numRetries: 5,
    retryBackOff: { baseIntervalMs: 1, maxIntervalMs: 1 },
    retryPriority: { name: NAME, config: { updateFrequency: 1 } },
  };
  const proxy = await proxyFor({ upstream, cluster: { loadBalancing: watching() }, ...retrying(retryPolicy) });
  expect((await ask(proxy, get('/'))).status).toBe(503);
  // Three hosts, then none is left: the count begins anew with the host of the fourth attempt.
  expect(seen).toEqual([undefined, 1, 2, 3, 1, 2]);
  expect(upstream.map(({ requests }) => requests.length)).toEqual([2, 2, 2]);
});
