/** What a line of an access log costs: the default format and a JSON object of 15 fields, made and handed to a file. */
import { loadCore } from './core.mjs';

const FIELDS = {
  start: '%START_TIME%',
  method: '%REQ(:METHOD)%',
  path: '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%',
  protocol: '%PROTOCOL%',
  code: '%RESPONSE_CODE%',
  flags: '%RESPONSE_FLAGS%',
  received: '%BYTES_RECEIVED%',
  sent: '%BYTES_SENT%',
  duration: '%DURATION%',
  upstream_time: '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%',
  forwarded_for: '%REQ(X-FORWARDED-FOR)%',
  agent: '%REQ(USER-AGENT)%',
  id: '%REQ(X-REQUEST-ID)%',
  authority: '%REQ(:AUTHORITY)%',
  host: '%UPSTREAM_HOST%',
};

/** @param {import('tinybench').Bench} bench @returns {Promise<string | undefined>} why it cannot run */
export async function register(bench) {
  const core = await loadCore();
  if (!core) return 'packages/core is not built';
  const { compileAccessLogFormat, openLogFile } = core;
  if (typeof compileAccessLogFormat !== 'function') return '@mesh/core does not export compileAccessLogFormat';
  const text = compileAccessLogFormat();
  const json = compileAccessLogFormat({ jsonFormat: FIELDS });
  const subjects = Array.from({ length: 64 }, (_, index) => subject(index));
  const file = openLogFile('/dev/null');
  let turn = 0;
  const next = () => subjects[turn++ & 63];
  bench.add('default text', () => text(next(), 'DownstreamEnd'));
  bench.add('JSON, 15 fields', () => json(next(), 'DownstreamEnd'));
  bench.add('JSON into a file', async () => {
    for (let i = 0; i < 100; i++) file.writeWire(json(next(), 'DownstreamEnd'));
    // A turn of the event loop, as between the reads of sockets: 100 lines in one.
    await new Promise((resolve) => setImmediate(resolve));
  });
  return undefined;
}

/** @param {readonly string[]} fields */
function heads(fields) {
  /** @param {string} name */
  const get = (name) => {
    for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
    return undefined;
  };
  return { get, status: 200 };
}

/** @param {number} index */
function subject(index) {
  const request = [':method', 'GET', ':path', '/service/1?a=1', ':authority', 'front.example:8000', 'accept', '*/*'];
  const id = '0f4f3c1e-1b7a-4a2e-9f3e-1b7a4a2e9f3e';
  request.push('user-agent', 'curl/8.0', 'x-forwarded-for', '10.0.0.1', 'x-request-id', id);
  return {
    requestHeaders: heads(request),
    responseHeaders: heads([
      'content-type',
      'text/plain',
      'content-length',
      '11',
      'x-envoy-upstream-service-time',
      '3',
    ]),
    connection: { id: 1, remoteIp: '10.0.0.1', remotePort: 5555, localIp: '10.0.0.2', localPort: 8000 },
    info: {
      ...{ startMs: 1000, startWallMs: 1_795_255_456_207 + index, endMs: 1003, flags: 0, details: 'via_upstream' },
      ...{ bytesReceived: 0, bytesSent: 11, upstreamHost: { address: '10.1.1.1:8080' }, upstreamCluster: 'service1' },
    },
    timers: { nowMs: () => 1003 },
  };
}
