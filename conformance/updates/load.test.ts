/** Updates of everything while clients go on asking: nobody may notice but by the answers. */
import http from 'node:http';
import type { MeshProxy } from '@mesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type Answer,
  Client2,
  clusterAt,
  get1,
  listenerOf,
  NamedUpstream,
  startProxy,
  stat,
  versionHost,
} from './rig.ts';

/** `MESH_UPDATES=5000` for a long run. */
const UPDATES = Number(process.env.MESH_UPDATES ?? 200);
const CLIENTS = 4;

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** What is wrong with an answer; '' is nothing. */
function problem({ status, body, headers }: Answer): string {
  if (status !== 200) return `status ${status}: ${body}`;
  if (body !== 'one' && body !== 'two') return `body ${body}`;
  const [host, route] = [headers['x-host-version'], headers['x-route-version']];
  return host === route && host !== undefined ? '' : `routes of ${host} and ${route}`;
}

/** Clients that ask all the time. */
class Load {
  readonly problems: string[] = [];
  answers = 0;
  private going = true;
  private readonly clients: Promise<void>[] = [];
  private waiting: (() => void)[] = [];

  add(get: () => Promise<Answer>): void {
    this.clients.push(this.run(get));
  }

  private async run(get: () => Promise<Answer>): Promise<void> {
    while (this.going) {
      try {
        const found = problem(await get());
        if (found !== '') this.problems.push(found);
      } catch (error) {
        this.problems.push(String(error));
      }
      this.answers++;
      for (const go of this.waiting.splice(0)) go();
    }
  }

  /** Resolves with the next answer, whoever gets it. */
  next(): Promise<void> {
    return new Promise((resolve) => void this.waiting.push(resolve));
  }

  async stop(): Promise<void> {
    this.going = false;
    await Promise.all(this.clients);
  }
}

async function update(proxy: MeshProxy, step: number, upstreams: readonly NamedUpstream[]): Promise<void> {
  if (step % 3 === 0) await proxy.clusters.set(clusterAt(upstreams, step), { replaceStatic: true });
  else if (step % 3 === 1) await proxy.routes.set('table', { virtualHosts: [versionHost(step)] });
  // Every other one changes more than its filter chains, so that the listener itself is another.
  else await proxy.listeners.set(listenerOf(step, { maxKb: step % 2 === 0 ? 32 : 64 }), { replaceStatic: true });
}

describe('updates under load', () => {
  it(`loses no request in ${UPDATES} updates of clusters, route tables and listeners`, {
    timeout: 120_000,
  }, async () => {
    const [one, two] = await Promise.all([NamedUpstream.start('one'), NamedUpstream.start('two')]);
    const proxy = await startProxy([one, two]);
    cleanups.push(
      () => one.close(),
      () => two.close(),
      () => proxy.close(),
    );
    const { port } = proxy.address('l');
    const load = new Load();
    for (let index = 0; index < CLIENTS; index++) {
      if (index % 2 === 0) {
        const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        cleanups.push(() => agent.destroy());
        load.add(() => get1(port, agent));
      } else {
        const client = new Client2(port);
        cleanups.push(() => client.close());
        load.add(() => client.get());
      }
    }
    for (let step = 1; step <= UPDATES; step++) {
      await update(proxy, step, [one, two].slice(0, 1 + (step % 2)));
      await load.next();
    }
    await load.stop();
    const { answers, problems } = load;
    expect(problems).toEqual([]);
    expect(stat(proxy, 'cluster.c.upstream_rq_total')).toBe(answers);
    expect(stat(proxy, 'listener_manager.listener_modified')).toBe(Math.floor((UPDATES + 1) / 3));
    expect(stat(proxy, 'cluster_manager.cluster_modified')).toBe(Math.floor(UPDATES / 3));
  });
});
