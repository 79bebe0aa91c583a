/**
 * RFC 9113 and 7541, case by case, by h2spec against a running `mesh`: the cleartext and the TLS listener. H2SPEC_BIN names the
 * binary where it is not on the PATH; `go install github.com/summerwind/h2spec/cmd/h2spec@latest` makes it.
 */
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';
import { known } from './known.ts';

const BINARY = findBinary();
if (BINARY === undefined) console.log('skipped: conformance/h2spec needs h2spec on the PATH, or H2SPEC_BIN');

const TYPES = 'type.googleapis.com/envoy.extensions';
const CERTS = new URL('../../examples/sidecars/certs/', import.meta.url).pathname;

describe.skipIf(BINARY === undefined)('h2spec', { timeout: 180_000 }, () => {
  let mesh: MeshProcess;

  let upstream: Server;

  beforeAll(async () => {
    // It answers when the request is whole: many cases send what is wrong before its end.
    upstream = createServer((request, response) => request.resume().on('end', () => response.end('ok')));
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
    mesh = await MeshProcess.start(JSON.stringify(bootstrap((upstream.address() as AddressInfo).port)));
  }, 30_000);
  afterAll(async () => {
    await mesh.stop();
    upstream.close();
  });

  it.each([
    ['cleartext', 0, []],
    ['TLS', 1, ['-t', '-k']],
    ['prior knowledge', 2, []],
  ] as const)('%s: every case passes, or is listed with its reason', async (name, listener, flags) => {
    const cases = await run(BINARY as string, mesh.ports[listener] as number, flags);
    expect(cases.length).toBeGreaterThan(140);
    const failed = cases.filter(({ failed }) => failed).map(({ name }) => name);
    expect(failed.sort()).toEqual(Object.keys(known[name] ?? {}));
  });
});

interface Case {
  readonly name: string;
  readonly failed: boolean;
}

/** Names are `<section>: <case>`. */
async function run(binary: string, port: number, flags: readonly string[]): Promise<Case[]> {
  const folder = mkdtempSync(join(tmpdir(), 'mesh-h2spec-'));
  const report = join(folder, 'report.xml');
  const args = ['-h', '127.0.0.1', '-p', String(port), '-P', '/ok', '-o', '3', '-j', report, ...flags];
  try {
    // A failed case is an exit code of 1; the report tells which.
    await new Promise<void>((resolve) => execFile(binary, args, { maxBuffer: 1 << 26 }, () => resolve()));
    return readReport(readFileSync(report, 'utf8'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function readReport(xml: string): Case[] {
  const pattern = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(?:\/>|>(.*?)<\/testcase>)/gs;
  return [...xml.matchAll(pattern)].map(([, section = '', title = '', inner = '']) => ({
    name: `${section}: ${title}`,
    failed: inner.includes('<failure') || inner.includes('<error'),
  }));
}

const socketAddress = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });

function bootstrap(upstreamPort: number): object {
  const address = socketAddress(0);
  const manager = {
    '@type': `${TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: 'ingress_http',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, route: { cluster: 'upstream' } }],
        },
      ],
    },
    http_filters: [
      { name: 'envoy.filters.http.router', typed_config: { '@type': `${TYPES}.filters.http.router.v3.Router` } },
    ],
  };
  const filtersWith = (codec: string) => [
    { name: 'envoy.filters.network.http_connection_manager', typed_config: { ...manager, codec_type: codec } },
  ];
  const filters = filtersWith('AUTO');
  const certificate = {
    certificate_chain: { filename: `${CERTS}self-signed.crt` },
    private_key: { filename: `${CERTS}self-signed.key` },
  };
  const transport = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPES}.transport_sockets.tls.v3.DownstreamTlsContext`,
      common_tls_context: { alpn_protocols: ['h2', 'http/1.1'], tls_certificates: [certificate] },
    },
  };
  return {
    admin: { address },
    static_resources: {
      listeners: [
        { name: 'plain', address, filter_chains: [{ filters }] },
        { name: 'tls', address, filter_chains: [{ filters, transport_socket: transport }] },
        { name: 'prior', address, filter_chains: [{ filters: filtersWith('HTTP2') }] },
      ],
      clusters: [
        {
          name: 'upstream',
          load_assignment: {
            cluster_name: 'upstream',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: socketAddress(upstreamPort) } }] }],
          },
        },
      ],
    },
  };
}

function findBinary(): string | undefined {
  const given = process.env.H2SPEC_BIN;
  const places = given ? [given] : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'h2spec'));
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
