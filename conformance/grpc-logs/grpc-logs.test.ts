/**
 * The same exchanges and connections through Envoy and through Mesh, logged to one gRPC access log service and compared
 * field by field. Envoy's entries are recorded in `recorded.jsonl`, a line per case (`GRPC_LOGS_RECORD=1` writes it anew);
 * where an Envoy is found, it is asked as well.
 */

import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { createProxy, type MeshProxy } from '@mesh/core';
import { standard } from '@mesh/standard';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { envoyVersion, launchEnvoy } from '../envoy/envoy-target.ts';
import { bootstrap, LISTENERS } from './bootstrap.ts';
import { CASES } from './cases.ts';
import { Collector, type Json } from './collector.ts';
import { type Observations, observe } from './observe.ts';
import { startUpstream, type Upstream } from './upstream.ts';

const FILE = new URL('recorded.jsonl', import.meta.url);
const version = envoyVersion();
if (version === undefined) console.log('no envoy is found: entries are compared with its recorded ones only');

/** Entries of Envoy by the names of cases. */
function recorded(): Observations {
  const lines = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  return Object.fromEntries(lines.map((line) => JSON.parse(line) as [string, Json[]]));
}

function record(seen: Observations): void {
  writeFileSync(
    FILE,
    Object.entries(seen)
      .map((each) => `${JSON.stringify(each)}\n`)
      .join(''),
  );
}

let collector: Collector;
let upstream: Upstream;
let proxy: MeshProxy;
let mesh: Observations;
let refused = 0;

const ports = () => ({ collector: collector.port, upstream: upstream.port, refused });

async function unusedPort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as net.AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

beforeAll(async () => {
  [collector, upstream, refused] = [await Collector.start(), await startUpstream(), await unusedPort()];
  proxy = await createProxy({ config: bootstrap(ports()), extensions: standard, logger: { log: () => {} } });
  await proxy.start();
  mesh = await observe((name) => proxy.address(name).port, collector, ports());
});

afterAll(async () => {
  await proxy?.close();
  upstream?.close();
  collector?.close();
});

describe('entries of the gRPC access log service', () => {
  test.skipIf(version === undefined)('are as Envoy makes them', async () => {
    const envoy = await launchEnvoy(bootstrap(ports()), LISTENERS.length);
    try {
      const seen = await observe((name) => envoy.ports.get(name) as number, collector, ports());
      if (process.env.GRPC_LOGS_RECORD === '1') record(seen);
      expect(mesh).toEqual(seen);
    } finally {
      await envoy.close();
    }
  });

  test.each(CASES)('are as recorded: $name', ({ name }) => {
    expect(mesh[name]).toEqual(recorded()[name]);
  });

  test('tell who sends them', () => {
    expect(collector.identifiers[0]).toMatchObject({
      node: { id: 'test-node', cluster: 'test-cluster', locality: { region: 'r', zone: 'z' } },
      log_name: 'http-log',
    });
  });
});
