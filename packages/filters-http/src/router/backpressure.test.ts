/** Bytes wait at their source: a slow reader on one side stops the other one, and memory stays bounded. */
import { flood, turn } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { clientOf, closeAfterEach, filterOf, get, proxyFor, turns, upstreamOf } from './fixture.ts';

closeAfterEach();

const TOTAL = 64 * 1024 * 1024;
/** What the kernel may hold in the two pairs of socket buffers; far less than all of it. */
const KERNEL = 32 * 1024 * 1024;

/** Resolves when a value has not moved for many turns of the event loop. */
async function standstill(value: () => number): Promise<number> {
  for (let before = -1; before !== value(); ) {
    before = value();
    await turns(300);
  }
  return value();
}

describe('a client that does not read', () => {
  it('stops the upstream, and gets every byte once it reads', async () => {
    const upstream = await upstreamOf(flood(TOTAL));
    const proxy = await proxyFor({ upstream });
    const client = await clientOf(proxy);
    client.pause();
    await client.send(get('/'));
    await upstream.untilRequests(1);
    const accepted = await standstill(() => upstream.peers[0]?.bytesAccepted ?? 0);
    expect(accepted).toBeLessThan(KERNEL);
    expect(proxy.stats('http.ingress_http.downstream_flow_control_paused_reading_total')).toBeGreaterThan(0);
    client.resume();
    const response = await client.readResponse();
    expect(response.bytes.length).toBe(TOTAL);
    const paused = proxy.stats('http.ingress_http.downstream_flow_control_paused_reading_total');
    await proxy.untilStat('http.ingress_http.downstream_flow_control_resumed_reading_total', paused);
  });

  it('stops it through a filter that looks at every chunk, too', async () => {
    const upstream = await upstreamOf(flood(TOTAL));
    let seen = 0;
    const counting = filterOf('counting', {
      async onResponseData(chunk) {
        seen += chunk.length;
        await turn();
      },
    });
    const client = await clientOf(await proxyFor({ upstream, filters: [counting] }));
    client.pause();
    await client.send(get('/'));
    await upstream.untilRequests(1);
    expect(await standstill(() => seen)).toBeLessThan(KERNEL);
    client.resume();
    expect((await client.readResponse()).bytes.length).toBe(TOTAL);
    expect(seen).toBe(TOTAL);
  });

  it('and goes away frees the upstream', async () => {
    const upstream = await upstreamOf(flood(TOTAL));
    const proxy = await proxyFor({ upstream });
    const client = await clientOf(proxy);
    client.pause();
    await client.send(get('/'));
    await upstream.untilRequests(1);
    await standstill(() => upstream.peers[0]?.bytesAccepted ?? 0);
    client.reset();
    await upstream.until(() => upstream.openConnections === 0, 'the upstream connection to close');
    await proxy.untilStat('http.ingress_http.downstream_rq_active', 0);
  });
});

describe('an upstream that does not read', () => {
  it('stops the client, and gets every byte once it reads', async () => {
    let release = () => {};
    const upstream = await upstreamOf({
      atHead: true,
      keepBodies: false,
      behave: async (request, peer) => {
        peer.pause();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        peer.resume();
        await upstream.until(() => request.complete, 'the whole request');
        await peer.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n');
      },
    });
    const proxy = await proxyFor({ upstream });
    const client = await clientOf(proxy);
    await client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${TOTAL}\r\n\r\n`);
    const chunk = Buffer.alloc(65_536, 'x');
    let sent = 0;
    const send = async () => {
      for (; sent < TOTAL; sent += chunk.length) await client.send(chunk);
    };
    const sending = send();
    await upstream.untilHeads(1);
    expect(await standstill(() => sent)).toBeLessThan(KERNEL);
    expect(proxy.stats('cluster.upstream.upstream_flow_control_backed_up_total')).toBeGreaterThan(0);
    release();
    await sending;
    expect((await client.readResponse()).status).toBe(200);
    expect(upstream.requests[0]?.bodyBytes).toBe(TOTAL);
  });
});

it('a request body that waits for its filter is bounded', async () => {
  let go = () => {};
  const waiting = filterOf('waiting', {
    onRequestHeaders: () =>
      new Promise<void>((resolve) => {
        go = resolve;
      }),
    onRequestData: () => {},
  });
  const upstream = await upstreamOf({ keepBodies: false });
  const client = await clientOf(await proxyFor({ upstream, filters: [waiting] }));
  await client.send(`POST / HTTP/1.1\r\nhost: a\r\ncontent-length: ${TOTAL}\r\n\r\n`);
  const chunk = Buffer.alloc(65_536, 'x');
  let sent = 0;
  const send = async () => {
    for (; sent < TOTAL; sent += chunk.length) await client.send(chunk);
  };
  const sending = send();
  expect(await standstill(() => sent)).toBeLessThan(KERNEL);
  go();
  await sending;
  expect((await client.readResponse()).status).toBe(200);
  expect(upstream.requests[0]?.bodyBytes).toBe(TOTAL);
});
