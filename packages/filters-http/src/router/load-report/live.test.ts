/** Load reports on their way from responses to the policy that wants them. */
import { defineLoadBalancer, type Host, type LoadReport } from '@mesh/core';
import { answer, sequence } from '@mesh/testing';
import { expect, it } from 'vitest';
import { ask, closeAfterEach, get, proxyFor, retrying, upstreamOf } from '../fixture.ts';

closeAfterEach();

/** Hears the reports of every host. */
function listening(heard: LoadReport[]) {
  return defineLoadBalancer({
    name: 'test.load_balancing_policies.listening',
    config: { '~standard': { version: 1, vendor: 'test', validate: () => ({ value: {} }) } },
    create() {
      let hosts: readonly Host[] = [];
      return {
        update({ priorities }) {
          hosts = priorities[0]?.hosts ?? [];
          for (const host of hosts) host.loadReports = { onReport: (report) => void heard.push(report) };
        },
        pick: () => hosts[0],
      };
    },
  });
}

it('the router delivers reports of heads, also of those that are tried again, and of trailers', async () => {
  const head = (eps: number) => ({ 'endpoint-load-metrics': `TEXT eps=${eps}` });
  const upstream = await upstreamOf(
    sequence(
      answer({ status: 503, headers: head(1) }),
      answer({ headers: head(2), body: 'x' }),
      answer({ body: ['x'], trailers: head(3) }),
      answer({ headers: { 'endpoint-load-metrics': 'TEXT eps=many' } }),
    ),
  );
  const heard: LoadReport[] = [];
  const policy = retrying({ retryOn: '5xx' });
  const proxy = await proxyFor({
    upstream,
    cluster: { loadBalancing: listening(heard)(), httpProtocolOptions: { enableTrailers: true } as never },
    ...policy,
  });
  for (let i = 0; i < 3; i++) expect((await ask(proxy, get('/'))).status).toBe(200);
  expect(heard.map(({ eps }) => eps)).toEqual([1, 2, 3]);
});
