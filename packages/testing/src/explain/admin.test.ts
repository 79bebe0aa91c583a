import type { Explanation } from '@mesh/core';
import { router } from '@mesh/filters-http';
import { describe, expect, it } from 'vitest';
import { type LiveProxy, startProxy } from '../proxy.ts';
import { explain } from './explain.ts';
import { CONFIG, hcm, listenerAt } from './fixture.ts';

describe('POST /explain', () => {
  const config = {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    static_resources: {
      listeners: [
        listenerAt(
          0,
          hcm([{ name: 'v', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: 'users' } }] }]),
        ),
      ],
      clusters: CONFIG.static_resources.clusters,
    },
  };
  const post = async (live: LiveProxy, body: object) => {
    const { address, port } = live.proxy.adminAddress as { address: string; port: number };
    const answer = await fetch(`http://${address}:${port}/explain`, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, text: await answer.text() };
  };

  it('asks the running proxy, whose hosts have a health', async () => {
    const live = await startProxy({ config, extensions: [router] });
    try {
      const { status, text } = await post(live, { url: 'http://x/p', headers: { a: 'b' } });
      expect(status).toBe(200);
      const answer = JSON.parse(text) as Explanation;
      expect(answer).toMatchObject({ outcome: 'forward', route: { at: { file: 'config.json' } } });
      expect(answer.cluster?.hosts).toEqual([
        { address: '10.0.0.1:80', weight: 1, priority: 0, healthy: true },
        { address: '10.0.0.2:80', weight: 1, priority: 0, healthy: true },
      ]);
    } finally {
      await live.close();
    }
  });

  it('leaves no trace in the statistics of virtual clusters', async () => {
    const routes = [{ match: { prefix: '/' }, route: { cluster: 'users' } }];
    const virtual_clusters = [{ name: 'all', headers: [{ name: ':path', present_match: true }] }];
    const hosts = [{ name: 'v', domains: ['*'], routes, virtual_clusters }];
    const counted = {
      ...config,
      static_resources: { ...config.static_resources, listeners: [listenerAt(0, hcm(hosts))] },
    };
    const live = await startProxy({ config: counted, extensions: [router] });
    try {
      expect(JSON.parse((await post(live, { url: 'http://x/p' })).text)).toMatchObject({ outcome: 'forward' });
      expect(live.stats('vhost.v.vcluster.all.upstream_rq_total')).toBe(0);
    } finally {
      await live.close();
    }
  });

  it('tells the last 500 of many earlier routes', async () => {
    const routes = Array.from({ length: 600 }, (_, at) => ({ match: { path: `/${at}` }, route: { cluster: 'users' } }));
    const many = {
      ...config,
      static_resources: {
        ...config.static_resources,
        listeners: [listenerAt(0, hcm([{ name: 'v', domains: ['*'], routes }]))],
      },
    };
    const live = await startProxy({ config: many, extensions: [router] });
    try {
      const seen = JSON.parse((await post(live, { url: 'http://x/599' })).text) as Explanation;
      expect(seen).toMatchObject({ route: { index: 599 }, earlierRoutesLeftOut: 99 });
      expect(seen.earlierRoutes[0]?.index).toBe(99);
      expect(seen.earlierRoutes).toHaveLength(500);
    } finally {
      await live.close();
    }
    const whole = await explain(many, 'http://x/599');
    expect(whole.earlierRoutes).toHaveLength(599);
    expect(whole.earlierRoutesLeftOut).toBeUndefined();
  });

  it('leaves no trace in the statistics', async () => {
    const live = await startProxy({ config, extensions: [router] });
    try {
      await post(live, { url: 'http://x/p' });
      expect(live.stats('http.web.downstream_rq_total')).toBe(0);
      expect(live.stats('http.web.downstream_cx_total')).toBe(0);
      expect(live.stats('cluster.users.upstream_cx_total')).toBe(0);
    } finally {
      await live.close();
    }
  });

  it('answers 400 for a question that is none', async () => {
    const live = await startProxy({ config, extensions: [router] });
    try {
      expect(await post(live, { ur: 'x' })).toMatchObject({
        status: 400,
        text: expect.stringMatching(/^unknown key "ur" \(did you mean "url"\?\)\n/),
      });
    } finally {
      await live.close();
    }
  });
});
