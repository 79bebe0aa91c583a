/**
 * A load balancer, a monitor of hosts and a discovery of your own. Start it
 * (`node --conditions=@mesh/source --import tsx examples/custom-cluster.ts`), then try:
 *
 *   for i in 1 2 3; do curl 127.0.0.1:8080/; done               # the same host: it has room
 *   curl 127.0.0.1:8080/leave; sleep 1; curl 127.0.0.1:8080/    # the other one
 *
 * PORT chooses another port. docs/writing-a-load-balancer.md walks through this file.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pathToFileURL } from 'node:url';
import {
  type Counter,
  cluster,
  createProxy,
  defineClusterMonitor,
  defineDiscovery,
  defineLoadBalancer,
  type Endpoint,
  HealthFlag,
  type Host,
  type HostSets,
  http,
  type LoadBalancer,
  listener,
  type PickContext,
  route,
  type TimerHandle,
} from '@mesh/core';
import { router } from '@mesh/filters-http';
import { z } from 'zod';

/** Fills one host before it uses the next, so that those at the end have nothing to do and can be switched off. */
export const pack = defineLoadBalancer({
  name: 'acme.load_balancing_policies.pack',
  config: z.object({ perHost: z.number().int().positive().default(10) }),
  create: ({ perHost }, context) => new Pack(perHost, context.stats.counter('lb_pack_full')),
});

class Pack implements LoadBalancer {
  private readonly perHost: number;
  private readonly full: Counter;
  private hosts: readonly Host[] = [];

  constructor(perHost: number, full: Counter) {
    this.perHost = perHost;
    this.full = full;
  }

  update({ priorities }: HostSets): void {
    // The first priority with a healthy host; when all are bad, bad ones are better than none.
    const best = priorities.find(({ healthy }) => healthy.length > 0)?.healthy;
    const hosts = best ?? priorities.flatMap((each) => each.hosts);
    this.hosts = [...hosts].sort((a, b) => (a.address < b.address ? -1 : 1));
  }

  pick(_context: PickContext, reselection: number): Host | undefined {
    let refused = reselection;
    for (let i = 0; i < this.hosts.length; i++) {
      const host = this.hosts[i] as Host;
      if (host.stats.rqActive < this.perHost && refused-- === 0) return host;
    }
    this.full.inc();
    return this.leastBusy();
  }

  private leastBusy(): Host | undefined {
    let best = this.hosts[0];
    for (let i = 1; i < this.hosts.length; i++) {
      const host = this.hosts[i] as Host;
      if (best !== undefined && host.stats.rqActive < best.stats.rqActive) best = host;
    }
    return best;
  }
}

/** Takes out the hosts of which `isOut` says so, asked every second: for those who keep a list of what is being repaired. */
export function maintenance(isOut: (host: Host) => boolean) {
  return defineClusterMonitor({
    name: 'acme.monitors.maintenance',
    create({ hosts, setHealth, timers }) {
      let timer: TimerHandle | undefined;
      const look = () => {
        for (const host of hosts()) setHealth(host, HealthFlag.failedOutlierCheck, isOut(host));
      };
      const lookAgain = () => {
        look();
        timer = timers.after(1000, lookAgain);
      };
      return { onHosts: look, start: async () => lookAgain(), close: () => timer?.cancel() };
    },
  });
}

/** Hosts as `list` tells them, asked every second. What it throws is logged, and the last hosts stay. */
export function listed(list: () => Promise<readonly string[]>) {
  return defineDiscovery({
    name: 'acme.clusters.listed',
    create({ publish, log, timers }) {
      let timer: TimerHandle | undefined;
      let closed = false;
      const ask = async () => {
        try {
          const endpoints = (await list()).map(endpointOf);
          if (!closed) publish(endpoints);
        } catch (error) {
          log('warning', `no list of hosts: ${error}`);
        }
        if (!closed) timer = timers.after(1000, () => void ask());
      };
      return {
        start: ask, // the cluster is used once this has resolved, with hosts or without
        close() {
          closed = true;
          timer?.cancel();
        },
      };
    },
  });
}

function endpointOf(address: string): Endpoint {
  const { hostname: ip, port } = new URL(`tcp://${address}`);
  const locality = { region: '', zone: '', subZone: '' };
  return { ip, port: Number(port), hostname: '', weight: 1, priority: 0, locality };
}

async function startHost(out: Set<string>): Promise<string> {
  const host = createServer(({ url }, response) => {
    if (url === '/leave') out.add(address());
    response.end(`${address()}\n`);
  });
  const address = () => `127.0.0.1:${(host.address() as AddressInfo).port}`;
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  return address();
}

async function main(): Promise<void> {
  const out = new Set<string>();
  const hosts = [await startHost(out), await startHost(out)];
  const manager = http({ routes: [route('/', 'service')], filters: [router()] });
  const proxy = await createProxy({
    listeners: [listener({ port: Number(process.env.PORT ?? 8080), http: manager })],
    clusters: [cluster('service', { clusterType: listed(async () => hosts)(), loadBalancing: pack({ perHost: 4 }) })],
    extensions: [maintenance(({ address }) => out.has(address))],
  });
  await proxy.start();
  console.log(`listening on port ${proxy.address().port}; Ctrl-C ends it`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
