/** Every local reply that the router and the connection manager can give today: status, text, flag and details. */
import { cluster, route } from '@mesh/core';
import {
  answer,
  type Behaviour,
  closeUnanswered,
  garbage,
  refusedPort,
  resetAfter,
  sequence,
  stall,
  truncate,
} from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import {
  ask,
  clientOf,
  closeAfterEach,
  get,
  observer,
  post,
  proxyFor,
  retrying,
  turns,
  upstreamOf,
} from './fixture.ts';

closeAfterEach();

const BEFORE = 'upstream connect error or disconnect/reset before headers. reset reason: ';

it('no route: 404, empty, NR', async () => {
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ filters: [filter], routes: [] });
  const response = await ask(proxy);
  expect([response.status, response.body, response.headers['content-type']]).toEqual([404, '', undefined]);
  expect(outcomes).toEqual([{ status: 404, flags: 'NR', details: 'route_not_found' }]);
  expect(proxy.stats('http.ingress_http.no_route')).toBe(1);
});

it('a cluster that is not there: 503, empty, NC', async () => {
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ filters: [filter], routes: [route('/', 'nowhere')] }).catch(String);
  if (typeof proxy === 'string') {
    // Refused when the config is checked: as good.
    expect(proxy).toContain('nowhere');
    return;
  }
  const response = await ask(proxy);
  expect([response.status, response.body]).toEqual([503, '']);
  expect(outcomes).toEqual([{ status: 503, flags: 'NC', details: 'cluster_not_found' }]);
});

it('a cluster without hosts: 503, UH', async () => {
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ filters: [filter], clusters: [cluster('upstream', { endpoints: [] })] });
  const response = await ask(proxy);
  expect([response.status, response.body]).toEqual([503, 'no healthy upstream']);
  expect(response.headers['content-type']).toBe('text/plain');
  expect(outcomes).toEqual([{ status: 503, flags: 'UH', details: 'no_healthy_upstream' }]);
  expect(proxy.stats('cluster.upstream.upstream_cx_none_healthy')).toBe(1);
});

it('a refused connection: 503, UF', async () => {
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ filters: [filter], upstream: await refusedPort() });
  const response = await ask(proxy);
  const why = 'remote connection failure';
  expect([response.status, response.body]).toEqual([503, BEFORE + why]);
  const details =
    'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}';
  expect(outcomes).toEqual([{ status: 503, flags: 'UF', details }]);
  expect(proxy.stats('cluster.upstream.upstream_cx_connect_fail')).toBe(1);
  expect(proxy.stats('cluster.upstream.upstream_rq_503')).toBe(1);
});

const terminated = {
  status: 503,
  text: 'connection termination',
  flags: 'UC',
  details: 'upstream_reset_before_response_started{connection_termination}',
};
const broken = {
  status: 502,
  text: 'protocol error',
  flags: 'UPE',
  details: 'upstream_reset_before_response_started{protocol_error}',
};
const cases: [string, Behaviour, typeof terminated][] = [
  ['a close without a byte', closeUnanswered(), terminated],
  ['a reset without a byte', resetAfter(), terminated],
  ['a close within the head', truncate({ body: 'x' }, 12), broken],
  ['a reset within the head', resetAfter({ body: 'x' }, 12), broken],
  ['what is not HTTP', garbage('SSH-2.0-OpenSSH_9.9\r\n\r\n'), broken],
];

it.each(cases)('%s instead of a response', async (_what, behave, { status, text, flags, details }) => {
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ filters: [filter], upstream: await upstreamOf(behave) });
  const response = await ask(proxy);
  expect([response.status, response.body]).toEqual([status, BEFORE + text]);
  expect(outcomes).toEqual([{ status, flags, details }]);
  expect(response.headers.server).toBe('envoy');
});

it.each<[string, Behaviour]>([
  ['a close', truncate({ body: '0123456789' }, 45)],
  ['a reset', resetAfter({ body: '0123456789' }, 45)],
])('%s within the body cuts the response for the client, UPE', async (_what, behave) => {
  const { filter, outcomes } = observer();
  const proxy = await proxyFor({ filters: [filter], upstream: await upstreamOf(behave) });
  const client = await clientOf(proxy);
  await client.send(get('/'));
  await expect(client.readResponse()).rejects.toThrow();
  expect(outcomes).toEqual([
    { status: 200, flags: 'UPE', details: 'upstream_reset_after_response_started{protocol_error}' },
  ]);
  // As in Envoy, which counts it for gRPC calls only.
  expect(proxy.stats('http.ingress_http.rq_reset_after_downstream_response_started')).toBe(0);
});

it('a failure of one stream leaves the others alone', async () => {
  const upstream = await upstreamOf(sequence(closeUnanswered(), answer({ body: 'fine' })));
  const client = await clientOf(await proxyFor({ upstream }));
  await client.send(get('/1') + get('/2'));
  expect((await client.readResponse()).status).toBe(503);
  expect((await client.readResponse()).body).toBe('fine');
});

it('a failure while the body is still coming: 503, and the connection closes', async () => {
  const upstream = await upstreamOf({ atHead: true, behave: closeUnanswered() });
  const client = await clientOf(await proxyFor({ upstream }));
  await client.send('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nabc');
  const response = await client.readResponse();
  expect([response.status, response.headers.connection]).toEqual([503, 'close']);
});

describe('requests that are refused before a route is looked for', () => {
  it.each([
    ['a path that is none', 'GET http: HTTP/1.1\r\nhost: a\r\n\r\n', 400],
    ['no host', 'GET / HTTP/1.1\r\n\r\n', 400],
    ['an upgrade', get('/', 'connection: upgrade\r\nupgrade: websocket\r\n'), 403],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\nhost: a\r\n\r\n', 426],
    ['length beside chunks', post('/', 'x', 'transfer-encoding: chunked\r\n'), 400],
    ['an unknown coding', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n', 501],
    ['too long a head', get('/', `x: ${'y'.repeat(61 * 1024)}\r\n`), 431],
    ['too many fields', get('/', 'x: y\r\n'.repeat(120)), 431],
  ])('%s', async (_what, request, status) => {
    const upstream = await upstreamOf();
    const response = await ask(await proxyFor({ upstream }), request);
    expect(response.status).toBe(status);
    expect(upstream.requests).toHaveLength(0);
  });
});

it('a reply keeps what the upstream has not finished from being waited for', async () => {
  const upstream = await upstreamOf(stall({ body: '0123456789' }, 45));
  const proxy = await proxyFor({ upstream });
  const client = await clientOf(proxy);
  await client.send(get('/'));
  await client.readUntil('\r\n\r\n');
  client.reset();
  await upstream.until(() => upstream.openConnections === 0, 'the upstream connection to close');
});

it('a cut gRPC response is counted, and is an error of its host', async () => {
  const headers = { 'content-type': 'application/grpc' };
  const upstream = await upstreamOf(truncate({ headers, body: '0123456789' }, 80));
  const proxy = await proxyFor({ upstream });
  const client = await clientOf(proxy);
  await client.send(post('/', 'x', 'content-type: application/grpc\r\n'));
  await expect(client.readResponse()).rejects.toThrow();
  expect(proxy.stats('http.ingress_http.rq_reset_after_downstream_response_started')).toBe(1);
});

it('a failure behind an interim response is not tried again: the client may have seen that', async () => {
  const { filter, outcomes } = observer();
  const upstream = await upstreamOf(async (_request, peer) => {
    await peer.write('HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n');
    await turns();
    peer.end();
  });
  const proxy = await proxyFor({ filters: [filter], upstream, ...retrying({ retryOn: '5xx' }) });
  const response = await ask(proxy);
  expect([response.status, response.body]).toEqual([503, `${BEFORE}connection termination`]);
  const details = 'upstream_reset_after_response_started{connection_termination}';
  expect(outcomes).toEqual([{ status: 503, flags: 'UC', details }]);
  expect(upstream.requests).toHaveLength(1);
  expect(proxy.stats('cluster.upstream.upstream_rq_103')).toBe(1);
});
