/**
 * A front proxy, and two services with a sidecar each, as separate processes: `mesh -c front-envoy.yaml` and twice
 * `mesh -c service-envoy.yaml`. Start it (`pnpm demo`), then try:
 *
 *   curl -v 127.0.0.1:8080/service/1         # front proxy → (HTTP/2) → sidecar → (HTTP/1.1) → application
 *   curl -v 127.0.0.1:8080/service/2
 *   curl -vk https://127.0.0.1:8443/service/1   # the same over TLS; HTTP/2, as curl asks for it by ALPN
 *   curl -v 127.0.0.1:8080/trace/1           # service 1 asks service 2, through port 9000 of its own sidecar
 *   curl 127.0.0.1:8001/clusters
 *   curl '127.0.0.1:8001/stats?filter=upstream_(rq_200|cx_http2_total)'
 *
 * and look at the traces on http://127.0.0.1:9411/, which is a collector of the demo's own. ZIPKIN_URL names a Zipkin
 * instead: `ZIPKIN_URL=http://127.0.0.1:9411 pnpm demo`.
 *
 * `--once` makes these requests itself, prints the answers and the trace parent by parent, and exits: 0 when all are right.
 * PORT, TLS_PORT, ADMIN_PORT and COLLECTOR_PORT choose other ports than 8080, 8443, 8001 and 9411 (0: any free one; that
 * of the collector is any free one with `--once`). Ctrl-C ends everything.
 */
import { type Application, startApplication } from './applications.ts';
import { freePort, portOf, startMesh, stopProcesses } from './processes.ts';
import { type Answer, show } from './requests.ts';
import { openTraceStore, showTrace, type TraceStore } from './trace.ts';

/** What has to be closed. */
const closing: { close(): void }[] = [];

/** A running demo. */
interface Demo {
  readonly base: string;
  readonly tlsBase: string;
  readonly admin: string;
  readonly applications: readonly Application[];
  readonly store: TraceStore;
}

/** 200 from this service, with what both proxies add. */
function fromService(number: number) {
  return ({ status, headers, body }: Answer) => {
    const fields = new Map(headers);
    const marked = fields.get('server') === 'envoy' && fields.has('x-envoy-upstream-service-time');
    return status === 200 && marked && body.includes(`(service ${number})`);
  };
}

async function tryOut({ base, tlsBase, admin, applications, store }: Demo): Promise<boolean> {
  const results = [
    await show(`${base}/service/1`, fromService(1)),
    await show(`${base}/service/2`, fromService(2)),
    await show(`${tlsBase}/service/1`, fromService(1)),
    await show(`${base}/nowhere`, ({ status, body }) => status === 404 && body === ''),
    await show(`${base}/trace/1`, fromService(1)),
    await showTrace(store, applications[0]?.traceIds.at(-1) ?? ''),
    await show(`${admin}/stats?filter=service1.upstream_(rq_200|cx_http2_total)`, ({ body }) => {
      return body.includes('upstream_rq_200: 3') && /upstream_cx_http2_total: [1-9]/.test(body);
    }),
    await show(`${admin}/ready`, ({ status, body }) => status === 200 && body === 'LIVE\n'),
  ];
  return results.every(Boolean);
}

async function start(once: boolean): Promise<Demo> {
  const [port, tlsPort, adminPort] = await Promise.all([
    portOf('PORT', 8080),
    portOf('TLS_PORT', 8443),
    portOf('ADMIN_PORT', 8001),
  ]);
  const store = await openTraceStore(await portOf('COLLECTOR_PORT', once ? 0 : 9411));
  closing.push(store);
  const sidecars = await Promise.all([freePort(), freePort()]);
  const [first = 0, second = 0] = sidecars;
  const hosts = { 9411: store.host };
  const applications = await Promise.all(
    sidecars.map(async (sidecar, index) => {
      const egressPort = await freePort();
      const application = await startApplication({ number: index + 1, egressPort });
      closing.push(application);
      const ports = { 8101: sidecar, 8102: second, 8201: application.port, 9000: egressPort, 9411: store.port };
      await startMesh('service-envoy.yaml', `service${index + 1}`, { ...ports, 8081: await freePort() }, hosts);
      return application;
    }),
  );
  const front = { 8080: port, 8443: tlsPort, 8001: adminPort, 8101: first, 8102: second, 9411: store.port };
  await startMesh('front-envoy.yaml', 'front-proxy', front, hosts);
  const at = (scheme: string, given: number) => `${scheme}://127.0.0.1:${given}`;
  return { base: at('http', port), tlsBase: at('https', tlsPort), admin: at('http', adminPort), applications, store };
}

async function stop(): Promise<void> {
  await stopProcesses();
  for (const each of closing) each.close();
}

async function main(): Promise<void> {
  const once = process.argv.includes('--once');
  const demo = await start(once);
  const { base, tlsBase, admin, store } = demo;
  if (!once) console.log(`front proxy on ${base} and ${tlsBase}, admin on ${admin}, traces on ${store.url}; try\n`);
  const right = await tryOut(demo);
  if (once) {
    await stop();
    console.log(right ? 'All answers are right.' : 'Some answers are wrong.');
    process.exitCode = right ? 0 : 1;
    return;
  }
  console.log(`The traces: ${store.url}\nCtrl-C ends the proxies and the services.`);
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
