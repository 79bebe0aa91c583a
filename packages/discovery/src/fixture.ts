/** Live proxies whose clusters are of a type of their own, closed after each test. */
import http from 'node:http';
import { type ClusterConfig, type ClusterOptions, cluster } from '@mesh/core';
import { type LiveProxy, type StartProxyOptions, startProxy, startUpstream, type Upstream } from '@mesh/testing';
import { afterEach } from 'vitest';

const cleanups: (() => unknown)[] = [];

/** Call it once in each test file. */
export function closeAfterEach(): void {
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
}

/** Answers with its letter. */
export async function upstream(letter: string): Promise<Upstream> {
  const server = await startUpstream({ body: letter });
  cleanups.push(() => server.close());
  return server;
}

export async function proxyFor(options: StartProxyOptions): Promise<LiveProxy> {
  const proxy = await startProxy(options);
  cleanups.push(() => proxy.close());
  return proxy;
}

/** One request on a connection of its own; its status and body. */
export function ask(proxy: LiveProxy, headers: Record<string, string> = {}, path = '/'): Promise<string> {
  return new Promise((resolve, reject) => {
    // Not fetch, which sends no Host field but its own.
    const request = http.get({ host: '127.0.0.1', port: proxy.port, path, headers, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += chunk)).on('end', () => resolve(`${response.statusCode} ${body}`));
    });
    request.on('error', reject);
  });
}

/** A static cluster of these upstreams, of which some are not healthy. */
export function staticCluster(
  name: string,
  hosts: readonly { readonly port: number; readonly health?: 'UNHEALTHY' | 'DEGRADED'; readonly priority?: number }[],
  options: ClusterOptions = {},
): ClusterConfig {
  const endpoints = hosts.map(({ port, health, priority = 0 }) => {
    const [group] = cluster(name, { endpoints: [`127.0.0.1:${port}`] }).loadAssignment?.endpoints ?? [];
    const [host] = group?.lbEndpoints ?? [];
    return { ...group, priority, lbEndpoints: [{ ...host, healthStatus: health ?? 'HEALTHY' }] };
  });
  return { ...cluster(name, options), loadAssignment: { clusterName: name, endpoints } as never };
}
