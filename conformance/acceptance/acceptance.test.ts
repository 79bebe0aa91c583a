/**
 * The set-ups that the documents behind this project walk through, with their files as they are: only addresses and ports are
 * exchanged, since a test may not take port 80. Every proxy is a process of its own, `mesh -c`.
 */
import { readFileSync } from 'node:fs';
import { createServer, request as http1Request, type Server } from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MeshProcess } from '../mesh-process/index.ts';

const read = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8');
const EXAMPLE = new URL('../../examples/sidecars/', import.meta.url);
const CERTIFICATE = readFileSync(new URL('certs/self-signed.crt', EXAMPLE), 'utf8');

interface Application {
  readonly server: Server;
  readonly port: number;
  /** `httpVersion` of every request that has come. */
  readonly versions: string[];
}

/** The plain application behind a sidecar. */
async function application(number: number): Promise<Application> {
  const versions: string[] = [];
  const server = createServer((request, response) => {
    versions.push(request.httpVersion);
    const text = `Hello from behind Mesh (service ${number})! hostname: test resolvedhostname: 127.0.0.1\n`;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, versions };
}

/** The file with its listeners and its admin server on any free loopback port, and the given upstream ports. */
function sidecarFile(text: string, applicationPort: number): string {
  return loopback(text)
    .replace(/port_value: (?:80|8101|9000|8081)\b/g, 'port_value: 0')
    .replace(/port_value: (?:8080|8201)\b/, `port_value: ${applicationPort}`);
}

function loopback(text: string): string {
  return text.replaceAll('address: 0.0.0.0', 'address: 127.0.0.1');
}

function frontFile(text: string, sidecars: readonly [number, number]): string {
  return loopback(text)
    .replace(/address: service([12])\n(\s+)port_value: 80/g, (_, number: string, space: string) => {
      return `address: 127.0.0.1\n${space}port_value: ${sidecars[Number(number) - 1]}`;
    })
    .replace(/port_value: 810([12])\b/g, (_, number: string) => `port_value: ${sidecars[Number(number) - 1]}`)
    .replace(/port_value: (?:80|8080|8443|8001)\b/g, 'port_value: 0')
    .replaceAll('certs/', new URL('certs/', EXAMPLE).pathname);
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function getHttp1(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = http1Request({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.on('error', reject).end();
  });
}

/** Over TLS, with what the server has agreed to of `protocols`. */
function getTls(
  port: number,
  path: string,
  protocols: string[],
): Promise<Answer & { readonly alpn: string | false | null }> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, ca: CERTIFICATE, servername: 'localhost', ALPNProtocols: protocols };
    const socket = tls.connect(options, () => {
      const alpn = socket.alpnProtocol;
      const done = (answer: Answer) => {
        socket.destroy();
        resolve({ ...answer, alpn });
      };
      if (alpn === 'h2') askHttp2(socket, path).then(done, reject);
      else askHttp1(socket, path).then(done, reject);
    });
    socket.on('error', reject);
  });
}

function askHttp2(socket: tls.TLSSocket, path: string): Promise<Answer> {
  const session = http2.connect('https://localhost', { createConnection: () => socket });
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': path });
    let head: http2.IncomingHttpHeaders = {};
    let body = '';
    stream.on('response', (headers) => {
      head = headers;
    });
    stream.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    stream.on('error', reject);
    stream.on('end', () => resolve({ status: Number(head[':status']), headers: head, body }));
  });
}

function askHttp1(socket: tls.TLSSocket, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = http1Request({ createConnection: () => socket, path, headers: { host: 'localhost' } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    call.on('error', reject).end();
  });
}

function expectService(answer: Answer, number: number): void {
  expect(answer.status).toBe(200);
  expect(answer.body).toMatch(
    new RegExp(`^Hello from behind .* \\(service ${number}\\)! hostname: \\S+ resolvedhostname: \\S+\\n$`),
  );
  expect(answer.headers).toMatchObject({
    'content-type': 'text/html; charset=utf-8',
    'content-length': String(answer.body.length),
    server: 'envoy',
    date: expect.stringMatching(/GMT$/),
    'x-envoy-upstream-service-time': expect.stringMatching(/^\d+$/),
  });
}

const FILES = [
  ['the 2018 files', read('front-envoy-v2.yaml'), read('service-envoy-v2.yaml')],
  [
    'the v3 files with HTTPS',
    readFileSync(new URL('front-envoy.yaml', EXAMPLE), 'utf8'),
    readFileSync(new URL('service-envoy.yaml', EXAMPLE), 'utf8'),
  ],
] as const;

describe.each(FILES)('front proxy and sidecars, %s', (_name, frontText, serviceText) => {
  let applications: Application[];
  let sidecars: MeshProcess[];
  let front: MeshProcess;

  beforeAll(async () => {
    applications = await Promise.all([application(1), application(2)]);
    sidecars = await Promise.all(applications.map(({ port }) => MeshProcess.start(sidecarFile(serviceText, port))));
    const [first, second] = sidecars as [MeshProcess, MeshProcess];
    front = await MeshProcess.start(frontFile(frontText, [first.port, second.port]));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([front, ...(sidecars ?? [])].map((mesh) => mesh?.stop()));
    for (const { server } of applications) server.close();
  });

  it.each([1, 2])('routes /service/%i through its sidecar with the headers of both proxies', async (number) => {
    expectService(await getHttp1(front.port, `/service/${number}`), number);
  });

  it('speaks HTTP/2 to the sidecars, and they HTTP/1.1 to the applications', async () => {
    expectService(await getHttp1(front.port, '/service/1'), 1);
    expect(await front.page('/stats?filter=cluster.service1.upstream_cx_http')).toMatch(
      /cluster\.service1\.upstream_cx_http1_total: 0\ncluster\.service1\.upstream_cx_http2_total: [1-9]/,
    );
    const [sidecar] = sidecars as [MeshProcess];
    expect(await sidecar.page('/stats?filter=downstream_cx_http2_total')).toMatch(/http2_total: [1-9]/);
    expect(await sidecar.page('/stats?filter=local_service.upstream_cx_http1_total')).toMatch(/http1_total: [1-9]/);
    expect(new Set(applications[0]?.versions)).toEqual(new Set(['1.1']));
  });

  it('answers 404 where there is no route', async () => {
    expect(await getHttp1(front.port, '/other')).toMatchObject({ status: 404, body: '' });
  });
});

describe('front proxy over HTTPS', () => {
  let app: Application;
  let sidecar: MeshProcess;
  let front: MeshProcess;

  beforeAll(async () => {
    app = await application(1);
    sidecar = await MeshProcess.start(sidecarFile(FILES[1][2], app.port));
    front = await MeshProcess.start(frontFile(FILES[1][1], [sidecar.port, sidecar.port]));
  }, 60_000);

  afterAll(async () => {
    await Promise.all([front?.stop(), sidecar?.stop()]);
    app.server.close();
  });

  it.each([
    [['h2', 'http/1.1'], 'h2'],
    [['http/1.1'], 'http/1.1'],
    [[], false],
  ] as const)('offers ALPN: a client with %j gets %s', async (protocols, expected) => {
    const answer = await getTls(front.ports[1] ?? 0, '/service/1', [...protocols]);
    expect(answer.alpn).toBe(expected);
    expectService(answer, 1);
  });

  it('shows its certificate in /certs', async () => {
    const page = JSON.parse(await front.page('/certs')) as { certificates: { cert_chain: { path: string }[] }[] };
    expect(page.certificates[0]?.cert_chain[0]?.path).toMatch(/self-signed\.crt$/);
  });
});
