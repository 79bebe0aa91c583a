/**
 * A front proxy, and two services with a sidecar each, as separate processes: `mesh -c front-envoy.yaml` and twice
 * `mesh -c service-envoy.yaml`. Start it (`pnpm demo`), then try:
 *
 *   curl -v 127.0.0.1:8080/service/1         # front proxy → (HTTP/2) → sidecar → (HTTP/1.1) → application
 *   curl -v 127.0.0.1:8080/service/2
 *   curl -vk https://127.0.0.1:8443/service/1   # the same over TLS; HTTP/2, as curl asks for it by ALPN
 *   curl 127.0.0.1:8001/clusters
 *   curl '127.0.0.1:8001/stats?filter=upstream_(rq_200|cx_http2_total)'
 *
 * `--once` makes these requests itself, prints the answers and exits: 0 when all are right. PORT, TLS_PORT and ADMIN_PORT
 * choose other ports than 8080, 8443 and 8001 (0: any free one). Ctrl-C ends everything.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const command = fileURLToPath(new URL('../../packages/cli/bin/mesh.js', import.meta.url));
const START_LIMIT_MS = 20_000;

/** Everything that has to be ended. */
const processes: ChildProcess[] = [];
const servers: Server[] = [];
const folder = mkdtempSync(join(tmpdir(), 'mesh-demo-'));

/** A plain application on a free loopback port. */
async function startApplication(number: number): Promise<number> {
  const server = createServer((request, response) => {
    if (!request.url?.startsWith(`/service/${number}`)) {
      response.writeHead(404).end();
      return;
    }
    const text = `Hello from behind Mesh (service ${number})! hostname: ${hostname()} resolvedhostname: 127.0.0.1\n`;
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-length': Buffer.byteLength(text) });
    response.end(text);
  });
  servers.push(server);
  return listen(server);
}

function listen(server: { listen: Server['listen']; once: Server['once']; address: Server['address'] }) {
  return new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

async function freePort(): Promise<number> {
  const server = createSocketServer();
  const port = await listen(server as unknown as Server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** The port that a variable asks for; 0 is any. */
async function portOf(variable: string, usual: number): Promise<number> {
  const given = process.env[variable];
  const port = given === undefined ? usual : Number(given);
  return port === 0 ? freePort() : port;
}

/** Starts `mesh` with one of the files, its ports exchanged; resolves when its admin server says LIVE. */
async function startMesh(file: string, name: string, ports: Readonly<Record<number, number>>): Promise<void> {
  const text = readFileSync(join(here, file), 'utf8')
    .replace(/port_value: (\d+)/g, (_, port: string) => `port_value: ${ports[Number(port)] ?? port}`)
    .replaceAll('certs/', `${join(here, 'certs')}/`);
  const config = join(folder, `${name}.yaml`);
  writeFileSync(config, text);
  const child = spawn(process.execPath, [command, '-c', config, '--log-level', 'error'], { stdio: 'inherit' });
  processes.push(child);
  const admin = ports[8001] ?? ports[8081];
  const endMs = performance.now() + START_LIMIT_MS;
  while (!(await isLive(`http://127.0.0.1:${admin}/ready`))) {
    if (child.exitCode !== null) throw new Error(`mesh -c ${file} ended with ${child.exitCode}`);
    if (performance.now() > endMs) throw new Error(`mesh -c ${file} was not ready within ${START_LIMIT_MS} ms`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

async function isLive(url: string): Promise<boolean> {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

/** One answer, as curl prints it. */
interface Answer {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: string;
  readonly version: string;
}

async function get(url: string): Promise<Answer> {
  if (url.startsWith('https:')) return getHttp2(url);
  const response = await fetch(url);
  return { status: response.status, headers: [...response.headers], body: await response.text(), version: 'HTTP/1.1' };
}

/** The certificate is its own authority, and this client knows it. */
function getHttp2(url: string): Promise<Answer> {
  const { origin, pathname } = new URL(url);
  const session = http2.connect(origin, { ca: readFileSync(join(here, 'certs/self-signed.crt')) });
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': pathname });
    let head: http2.IncomingHttpHeaders = {};
    let body = '';
    session.on('error', reject);
    stream.on('error', reject);
    stream.on('response', (headers) => {
      head = headers;
    });
    stream.setEncoding('utf8').on('data', (text: string) => {
      body += text;
    });
    stream.on('end', () => {
      session.close();
      const { ':status': status, ...fields } = head;
      const headers = Object.entries(fields).map(([name, value]) => [name, String(value)] as const);
      resolve({ status: Number(status), headers, body, version: 'HTTP/2' });
    });
  });
}

/** Makes one request, prints it as curl would be called, and says whether the answer is right. */
async function show(url: string, expected: (answer: Answer) => boolean): Promise<boolean> {
  const answer = await get(url);
  const right = expected(answer);
  console.log(`$ curl -i${url.startsWith('https') ? 'k' : ''} '${url}'\n${answer.version} ${answer.status}`);
  for (const [name, value] of answer.headers) console.log(`${name}: ${value}`);
  const body = answer.body.split('\n').slice(0, 12).join('\n').trimEnd();
  console.log(`\n${body}${right ? '' : '\n^^^ NOT WHAT WAS EXPECTED'}\n`);
  return right;
}

/** 200 from this service, with what both proxies add. */
function fromService(number: number) {
  return ({ status, headers, body }: Answer) => {
    const fields = new Map(headers);
    const marked = fields.get('server') === 'envoy' && fields.has('x-envoy-upstream-service-time');
    return status === 200 && marked && body.includes(`(service ${number})`);
  };
}

async function tryOut(base: string, tlsBase: string, admin: string): Promise<boolean> {
  const results = [
    await show(`${base}/service/1`, fromService(1)),
    await show(`${base}/service/2`, fromService(2)),
    await show(`${tlsBase}/service/1`, fromService(1)),
    await show(`${base}/nowhere`, ({ status, body }) => status === 404 && body === ''),
    await show(`${admin}/stats?filter=service1.upstream_(rq_200|cx_http2_total)`, ({ body }) => {
      return body.includes('upstream_rq_200: 2') && /upstream_cx_http2_total: [1-9]/.test(body);
    }),
    await show(`${admin}/ready`, ({ status, body }) => status === 200 && body === 'LIVE\n'),
  ];
  return results.every(Boolean);
}

/** SIGTERM lets every proxy finish what it has; resolves when all are gone. */
async function stop(): Promise<void> {
  await Promise.all(
    processes.map((child) => {
      if (child.exitCode !== null || child.signalCode !== null) return undefined;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      return gone;
    }),
  );
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rmSync(folder, { recursive: true, force: true });
}

async function main(): Promise<void> {
  const [port, tlsPort, adminPort] = await Promise.all([
    portOf('PORT', 8080),
    portOf('TLS_PORT', 8443),
    portOf('ADMIN_PORT', 8001),
  ]);
  const sidecars = await Promise.all([freePort(), freePort()]);
  await Promise.all(
    sidecars.map(async (sidecar, index) => {
      const application = await startApplication(index + 1);
      const ports = { 8101: sidecar, 8201: application, 8081: await freePort() };
      await startMesh('service-envoy.yaml', `service${index + 1}`, ports);
    }),
  );
  const [first = 0, second = 0] = sidecars;
  const front = { 8080: port, 8443: tlsPort, 8001: adminPort, 8101: first, 8102: second };
  await startMesh('front-envoy.yaml', 'front', front);
  const bases = [`http://127.0.0.1:${port}`, `https://127.0.0.1:${tlsPort}`, `http://127.0.0.1:${adminPort}`] as const;
  const once = process.argv.includes('--once');
  if (!once) console.log(`front proxy on ${bases[0]} and ${bases[1]}, admin on ${bases[2]}; try\n`);
  const right = await tryOut(...bases);
  if (once) {
    await stop();
    console.log(right ? 'All answers are right.' : 'Some answers are wrong.');
    process.exitCode = right ? 0 : 1;
    return;
  }
  console.log('Ctrl-C ends the proxies and the services.');
  // Ctrl-C reaches the proxies as well.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stop().then(() => console.log('\nEverything is closed.')));
  }
}

main().catch(async (error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  await stop();
  process.exitCode = 1;
});
