/** The scenarios, by what they are about. */
import { FACTS, get, type LogScenario, log, post } from './scenario.ts';

const PATHS = [get('/up'), get('/none'), get('/dead'), get('/direct', 'x-log: yes\r\n'), get('/health')];
const SHORT = { text_format: '%REQ(:PATH)% %RESPONSE_CODE%\n' };

/** Five requests with different fates, and a filter. */
function filtered(name: string, why: string, filter: object, more: Partial<LogScenario> = {}): LogScenario {
  return { name: `filter-${name}`, why, manager: { access_log: [log(SHORT, { filter })] }, visits: PATHS, ...more };
}

const status = (op: string, value: number) => ({
  status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'none' } } },
});
const duration = (op: string, value: number) => ({
  duration_filter: { comparison: { op, value: { default_value: value, runtime_key: 'none' } } },
});
const X_LOG = { header_filter: { header: { name: 'x-log', present_match: true } } };
const HEALTH = {
  name: 'envoy.filters.http.health_check',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.http.health_check.v3.HealthCheck',
    pass_through_mode: false,
    headers: [{ name: ':path', string_match: { exact: '/health' } }],
  },
};
const TCP = 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy';
const tcp = (cluster: string, more: object = {}) => ({
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: { '@type': TCP, stat_prefix: 't', cluster, access_log: [log()], ...more },
});
const INSPECTOR = {
  name: 'inspector',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
  },
};
const facts = { access_log: [log()] };

export const scenarios: readonly LogScenario[] = [
  {
    name: 'default-format',
    why: 'a log without a format has Envoy’s line',
    manager: { access_log: [log({})] },
    visits: [get('/up?q=1', 'user-agent: a "b"\r\n'), get('/none'), post('/up', 'abc'), { send: 'GARBAGE\r\n\r\n' }],
    masks: [
      [/^\[[^\]]+\]/, '[time]'],
      [/(" \d+ \S+ \d+ \d+) \d+ (?:\d+|-) /, '$1 ms ms '],
    ],
  },
  {
    name: 'json-format',
    why: 'a command alone keeps its type, keys are sorted, what has no value is null',
    manager: {
      access_log: [
        log({
          json_format: {
            code: '%RESPONSE_CODE%',
            text: 'code %RESPONSE_CODE%',
            none: '%REQ(x-none)%',
            nested: { sent: '%BYTES_SENT%', list: ['%PROTOCOL%', true, 7] },
            agent: '%REQ(user-agent)%',
            short: '%REQ(user-agent):3%',
          },
        }),
      ],
    },
    visits: [get('/up', 'user-agent: say "é\\\\" \t ok\r\n'), get('/none')],
  },
  {
    name: 'json-omit-empty',
    why: 'what has no value is left out',
    manager: {
      access_log: [
        log({
          json_format: { a: '%REQ(x-none)%', b: '%RESPONSE_CODE%', c: { d: '%REQ(x-none)%' } },
          omit_empty_values: true,
        }),
      ],
    },
    visits: [get('/up')],
  },
  filtered('status', 'errors only', status('GE', 400)),
  filtered('status-eq', 'one status only', status('EQ', 404)),
  filtered('duration', 'everything takes at least no time', duration('GE', 0)),
  filtered('duration-long', 'nothing takes so long', duration('GE', 100_000)),
  filtered('header', 'requests with a field', X_LOG),
  filtered('flag', 'requests without a route', { response_flag_filter: { flags: ['NR'] } }),
  filtered('any-flag', 'requests with whatever flag', { response_flag_filter: {} }),
  filtered('and', 'all conditions hold', { and_filter: { filters: [status('LE', 404), X_LOG] } }),
  filtered('or', 'one condition holds', { or_filter: { filters: [status('GE', 500), X_LOG] } }),
  filtered('log-type', 'other types than that of the end', {
    log_type_filter: { types: ['DownstreamEnd'], exclude: true },
  }),
  filtered('health', 'health checks are left out', { not_health_check_filter: {} }, { httpFilters: [HEALTH] }),
  filtered('traceable', 'nothing is traced by force', { traceable_filter: {} }),
  filtered('runtime-none', 'no share', {
    runtime_filter: { runtime_key: 'none', percent_sampled: { numerator: 0, denominator: 'HUNDRED' } },
  }),
  filtered('runtime-all', 'the whole share', {
    runtime_filter: { runtime_key: 'none', percent_sampled: { numerator: 1_000_000, denominator: 'MILLION' } },
  }),
  {
    name: 'filter-grpc-status',
    why: 'calls with a status; what has none has that of its HTTP code',
    manager: {
      access_log: [log(SHORT, { filter: { grpc_status_filter: { statuses: ['NOT_FOUND', 'UNAVAILABLE'] } } })],
    },
    visits: [
      post('/up/grpc', '', 'content-type: application/grpc\r\n'),
      post('/dead', '', 'content-type: application/grpc\r\n'),
      get('/up'),
    ],
  },
  {
    name: 'refused-heads',
    why: 'what never became a request has an entry: no method, no path, flag DPE, the codec’s details',
    manager: facts,
    visits: [
      { send: 'GARBAGE\r\n\r\n' },
      { send: 'GET / HTTP/1.1\r\nhost: h\r\nno colon\r\n\r\n' },
      { send: 'GET / HTTP/1.0\r\nhost: h\r\n\r\n' },
      get('/up', `x: ${'a'.repeat(70_000)}\r\n`),
      get('/up', Array.from({ length: 120 }, (_, index) => `x${index}: 1\r\n`).join('')),
      get('/up', 'transfer-encoding: gzip\r\n'),
      post('/up', 'hello', 'transfer-encoding: chunked\r\n'),
      { ...post('/up', 'zz\r\n'), send: 'POST /up HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n' },
    ],
  },
  {
    name: 'refused-requests',
    why: 'answers in front of the filters have an entry',
    manager: facts,
    visits: [
      { send: 'GET /up HTTP/1.1\r\n\r\n' },
      get('/none'),
      get('/up#fragment'),
      get('/up', 'connection: upgrade\r\nupgrade: websocket\r\n'),
      get('/nowhere'),
    ],
  },
  {
    name: 'unfinished-heads',
    why: 'so has a client that goes away within its head, and one that never comes to its end',
    manager: { ...facts, request_headers_timeout: '0.3s' },
    visits: [
      { send: 'GET /part HTT', forMs: 150 },
      { send: 'GET /part HTTP/1.1\r\nho', forMs: 150 },
      { send: 'GET /part HTTP/1.1\r\nho', forMs: 700 },
    ],
  },
  {
    name: 'upstream-failures',
    why: 'flags and details of what goes wrong behind the proxy',
    manager: facts,
    visits: [
      get('/dead'),
      get('/up/half'),
      get('/up/garbage'),
      get('/timeout'),
      get('/retry'),
      post('/up/grpc', '', 'content-type: application/grpc\r\n'),
      post('/dead', '', 'content-type: application/grpc\r\n'),
    ],
  },
  {
    name: 'client-gone',
    why: 'a client that gives up, before and within its body',
    manager: facts,
    visits: [
      { ...get('/up/slow'), reset: true, forMs: 300 },
      { send: 'POST /up HTTP/1.1\r\nhost: h\r\ncontent-length: 9\r\n\r\nabc', reset: true, forMs: 300 },
    ],
  },
  {
    name: 'internal-redirect',
    why: 'each run of an exchange has its entry',
    manager: facts,
    visits: [get('/redirect')],
  },
  {
    name: 'moments',
    why: 'entries when the request comes, at an interval, when a tunnel stands, and at the end',
    manager: {
      ...facts,
      upgrade_configs: [{ upgrade_type: 'websocket' }],
      access_log_options: {
        access_log_flush_interval: '0.5s',
        flush_access_log_on_new_request: true,
        flush_log_on_tunnel_successfully_established: true,
      },
    },
    visits: [
      get('/up'),
      get('/none'),
      { ...get('/up/slow'), forMs: 1300 },
      { ...get('/up/ws', 'connection: upgrade\r\nupgrade: websocket\r\n'), later: 'hello', forMs: 750 },
      { send: 'GARBAGE\r\n\r\n' },
    ],
  },
  {
    name: 'upstream-log',
    why: 'an entry for each attempt, seen from the upstream',
    router: {
      upstream_log: [log({ text_format: `${FACTS} %UPSTREAM_PROTOCOL%\n` })],
      upstream_log_options: { flush_upstream_log_on_upstream_stream: true },
    },
    visits: [get('/up'), post('/up', 'abc'), get('/retry'), get('/dead'), get('/redirect'), get('/direct')],
  },
  {
    name: 'tcp-end',
    why: 'a TCP connection has its bytes, its upstream, and no request',
    filter: tcp('up'),
    visits: [{ send: 'RAW hi' }, { send: 'RAWQUIT' }, { send: '', forMs: 150 }],
  },
  {
    name: 'tcp-moments',
    why: 'entries when it comes, when the upstream is there, at an interval, and at the end',
    filter: tcp('up', {
      access_log_options: {
        access_log_flush_interval: '0.5s',
        flush_access_log_on_connected: true,
        flush_access_log_on_start: true,
      },
    }),
    visits: [{ send: 'RAW hi', forMs: 750 }],
  },
  {
    name: 'tcp-dead',
    why: 'flags of an upstream that is not there',
    filter: tcp('dead'),
    visits: [{ send: 'RAW' }],
  },
  { name: 'tcp-no-cluster', why: 'and of a cluster', filter: tcp('nowhere'), visits: [{ send: 'RAW' }] },
  {
    name: 'listener-http',
    why: 'the listener has an entry for each connection',
    listener: { access_log: [log()] },
    visits: [get('/direct'), { send: 'GARBAGE\r\n\r\n' }, { send: '', forMs: 150 }],
    masks: [[/ (\d+) (\d+) - - - -/, ' bytes - - - -']],
  },
  {
    name: 'listener-no-chain',
    why: 'also for those that no filter chain is for',
    listener: { access_log: [log()], listener_filters: [INSPECTOR], '<match>': { server_names: ['a.example'] } },
    filter: tcp('up', { access_log: [] }),
    visits: [{ send: 'RAW hi there, this is no TLS' }],
  },
];
