import { type ClusterMonitorDefinition, defineClusterMonitor, type Host } from '@mesh/core';
import {
  answer,
  type Behaviour,
  closeUnanswered,
  neverAnswer,
  refusedPort,
  sequence,
  serializeAnswer,
  truncate,
  VirtualClock,
} from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { ask, clientOf, closeAfterEach, get, proxyFor, retrying, routed, turns, upstreamOf } from './fixture.ts';

closeAfterEach();

/** Gives every host ears, and writes down what they hear. */
function listening(): {
  readonly extensions: readonly ClusterMonitorDefinition[];
  readonly heard: (number | string)[];
} {
  const heard: (number | string)[] = [];
  const attach = (host: Host, give: (host: Host, parts: object) => void) =>
    give(host, {
      outlier: {
        onStatus: (status: number) => heard.push(status),
        onLocalOrigin: (ok: boolean, status: number) => heard.push(`${ok ? 'ok' : 'failed'} ${status}`),
        onDegraded: () => heard.push('degraded'),
        onActiveCheckPassed: () => {},
        detectsDegraded: true,
        successRate: -1,
        localOriginSuccessRate: -1,
      },
      checks: { failNow: () => heard.push('fail now') },
    });
  const monitor = defineClusterMonitor({
    name: 'test.ears',
    create: (context) => ({
      start: async () => {},
      onHosts: (added) => {
        for (const host of added) attach(host, context.attach);
      },
      close: () => {},
    }),
  });
  return { extensions: [monitor], heard };
}

const status = (code: number, headers: Readonly<Record<string, string>> = {}) => answer({ status: code, headers });
const grpc = (code: string) => status(200, { 'content-type': 'application/grpc', 'grpc-status': code });
const WHOLE = { body: '0123456789' };
const call = 'POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n';

describe('an exchange tells', () => {
  it.each<{ what: string; does: Behaviour; heard: (number | string)[]; request?: string }>([
    { what: 'a status', does: status(404), heard: ['ok 0', 404] },
    { what: 'the status that stands for that of a gRPC call', does: grpc('14'), heard: ['ok 0', 503], request: call },
    { what: 'as 500 what is no gRPC status', does: grpc('x'), heard: ['ok 0', 500], request: call },
    { what: 'the HTTP status of what is no gRPC call', does: grpc('14'), heard: ['ok 0', 200] },
    {
      what: 'that the host is degraded',
      does: status(200, { 'x-envoy-degraded': '1' }),
      heard: ['ok 0', 200, 'degraded'],
    },
    {
      what: 'that it asks to be left out',
      does: status(200, { 'x-envoy-immediate-health-check-fail': 'true' }),
      heard: ['ok 0', 200, 'fail now'],
    },
    { what: 'a connection that is closed', does: closeUnanswered(), heard: ['ok 0', 'failed 503'] },
    {
      what: 'an answer that is cut off, and the answer',
      does: truncate(WHOLE, Buffer.concat(serializeAnswer(WHOLE)).length - 3),
      heard: ['ok 0', 200, 'failed 503'],
    },
  ])('$what', async ({ does, heard: wanted, request }) => {
    const { extensions, heard } = listening();
    const upstream = await upstreamOf(does);
    const proxy = await proxyFor({ upstream, extensions });
    const client = await clientOf(proxy);
    await client.send(request ?? get('/'));
    await client.readResponse({ method: request === undefined ? 'GET' : 'POST' }).catch(() => {});
    await turns();
    expect(heard).toEqual(wanted);
  });

  it('that no connection can be had', async () => {
    const { extensions, heard } = listening();
    const proxy = await proxyFor({ upstream: await refusedPort(), extensions });
    await ask(proxy);
    expect(heard).toEqual(['failed 503']);
  });

  it('each attempt', async () => {
    const { extensions, heard } = listening();
    const upstream = await upstreamOf(sequence(status(500), closeUnanswered(), status(200)));
    const policy = { retryOn: '5xx,reset', numRetries: 2, retryBackOff: { baseIntervalMs: 1 } };
    const proxy = await proxyFor({ upstream, extensions, ...retrying(policy) });
    expect((await ask(proxy)).status).toBe(200);
    expect(heard).toEqual(['ok 0', 500, 'ok 0', 'failed 503', 'ok 0', 200]);
  });

  it('nothing of what a circuit breaker refuses', async () => {
    const { extensions, heard } = listening();
    const cluster = { circuitBreakers: { thresholds: [{ maxRequests: 0 }] } } as never;
    const proxy = await proxyFor({ upstream: await upstreamOf(status(200)), extensions, cluster });
    expect((await ask(proxy)).status).toBe(503);
    expect(heard).toEqual([]);
  });
});

describe('limits tell', () => {
  /** One request to a host that never answers, and what is heard while time goes by in steps of 100 ms. */
  async function silence(options: object, steps: number): Promise<(number | string)[]> {
    const { extensions, heard } = listening();
    const upstream = await upstreamOf(neverAnswer());
    const clock = new VirtualClock();
    const proxy = await proxyFor({ upstream, extensions, clock, random: () => 0, ...options });
    const client = await clientOf(proxy);
    await client.send(get('/'));
    await upstream.untilRequests(1);
    for (let i = 0; i < steps; i++) {
      clock.advance(100);
      await turns();
    }
    return heard;
  }

  it('the timeout of the route as 504', async () => {
    expect(await silence(routed({ timeoutMs: 250 }), 3)).toEqual(['ok 0', 'failed 504']);
  });

  it('each try that is too slow', async () => {
    const policy = { retryOn: '5xx', numRetries: 1, perTryTimeoutMs: 150 };
    expect(await silence(retrying(policy), 6)).toEqual(['ok 0', 'failed 504', 'ok 0', 'failed 504']);
  });

  it('a try that goes on beside another only once', async () => {
    const policy = { retryOn: '5xx', numRetries: 1, perTryTimeoutMs: 150 };
    const hedged = retrying(policy, {}, { timeoutMs: 250, hedgePolicy: { hedgeOnPerTryTimeout: true } });
    // The second is not slow for itself when the time of both is over.
    expect(await silence(hedged, 4)).toEqual(['ok 0', 'failed 504', 'ok 0', 'failed 504']);
  });
});
