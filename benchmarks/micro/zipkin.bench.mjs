/**
 * What Zipkin tracing adds to a request at 100 %: the context is read and written, fifteen tags are set, the span is
 * written down and its share of a report is put together. It must take less than five microseconds in JSON.
 *   node benchmarks/micro/run.mjs zipkin                                                      (the built packages)
 *   node --import tsx --conditions=@mesh/source benchmarks/micro/run.mjs zipkin               (the source)
 */
import { existsSync } from 'node:fs';
import { loadEngine } from './core.mjs';

/** Most that a span may cost. */
const MOST_NS = 5000;
const SPANS = 100;
const START_US = 1_795_287_301_586_434;

const built = new URL('../../packages/tracing-zipkin/dist/index.js', import.meta.url);
const source = new URL('../../packages/tracing-zipkin/src/index.ts', import.meta.url);

/** Name → `collector_endpoint_version`, and headers of the request. */
const CASES = {
  'span, JSON of version 2': ['HTTP_JSON', {}],
  'span below a caller, JSON of version 2': [
    'HTTP_JSON',
    { 'x-b3-traceid': '7ace000000000001', 'x-b3-spanid': '5a00000000000001', 'x-b3-sampled': '1' },
  ],
  'span that is not sampled': ['HTTP_JSON', { 'x-b3-sampled': '0' }],
  'span, JSON of version 1': ['HTTP_JSON_V1', {}],
  'span, protobuf': ['HTTP_PROTO', {}],
};

const TAGS = Object.entries({
  node_id: 'node-1',
  'guid:x-request-id': '72c975bf-9963-994a-be53-298d2f5368cd',
  'http.url': 'http://service.example/some/path?query=1',
  'http.method': 'GET',
  downstream_cluster: '-',
  user_agent: 'curl/8.5.0',
  'http.protocol': 'HTTP/1.1',
  'peer.address': '10.0.0.9',
  request_size: '0',
  response_size: '5',
  component: 'proxy',
  upstream_cluster: 'service',
  'upstream_cluster.name': 'service',
  'http.status_code': '200',
  response_flags: '-',
});

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const fromSource = process.execArgv.includes('tsx');
  if (!fromSource && !existsSync(built)) return 'packages/tracing-zipkin is not built';
  const { zipkin } = await import((fromSource ? source : built).href);
  const engine = await loadEngine();
  if (!engine) return 'packages/core is not built';
  for (const [name, [version, headers]] of Object.entries(CASES)) {
    const waiting = [];
    const { definition, config } = zipkin({
      collectorCluster: 'zipkin',
      collectorEndpoint: '/spans',
      collectorEndpointVersion: version,
    });
    const tracer = definition.create(config, context(waiting));
    const head = new engine.RequestHead('GET', '/some/path?query=1', 'service.example', 'http');
    for (const [field, value] of TAGS.slice(1, 6)) head.append(field.replaceAll(/[_:.]/g, '-'), value);
    bench.add(`${SPANS} × ${name}`, () => {
      for (let each = 0; each < SPANS; each++) request(tracer, head, headers, START_US + each);
      waiting.shift()?.onResponse({ status: 202 });
    });
  }
  return undefined;
}

function request(tracer, head, headers, startUs) {
  for (const name of ['x-b3-traceid', 'x-b3-spanid', 'x-b3-parentspanid', 'x-b3-sampled']) head.remove(name);
  for (const name in headers) head.set(name, headers[name]);
  const span = tracer.startSpan(head, { operation: 'service.example', startUs, kind: 'server' }, true);
  span.inject(head);
  for (const [name, value] of TAGS) span.setTag(name, value);
  span.finish(startUs + 1234);
}

/** A proxy that does nothing, with a collector that answers when it is told to. */
function context(waiting) {
  return {
    stats: { counter: () => ({ inc() {}, add() {} }) },
    sideCalls: {
      request(_cluster, _request, user) {
        waiting.push(user);
        return { cancel() {} };
      },
    },
    timers: { nowMs: () => performance.now(), after: () => ({ cancel() {} }) },
    runtime: { integer: (_key, fallback) => fallback },
    random: Math.random,
    node: { cluster: 'front', localIp: '10.0.0.1' },
    wallMs: Date.now,
  };
}

/** @param {import('tinybench').Bench} bench @returns {string | undefined} what is too slow */
export function check(bench) {
  const slow = bench.tasks
    .filter(({ name }) => name.includes('JSON of version 2'))
    .map(({ name, result }) => ({ name, ns: (result?.latency?.p50 ?? Number.NaN) * (1e6 / SPANS) }))
    .filter(({ ns }) => !(ns < MOST_NS));
  return slow.length === 0 ? undefined : slow.map(({ name, ns }) => `${name}: ${ns.toFixed(0)} ns each`).join(', ');
}
