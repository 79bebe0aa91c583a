import { afterEach, describe, expect, it } from 'vitest';
import { rawClient } from '../client/raw-client.ts';
import {
  type Answer,
  after,
  answer,
  closeUnanswered,
  flood,
  garbage,
  halfClose,
  neverAnswer,
  resetAfter,
  sequence,
  slow,
  staleKeepAlive,
  stall,
  truncate,
} from './behaviours.ts';
import { type Behaviour, refusedPort, startUpstream, type Upstream, type UpstreamOptions } from './upstream.ts';

const open: Upstream[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((upstream) => upstream.close()));
});

async function pair(what: Behaviour | Answer | UpstreamOptions) {
  const upstream = await startUpstream(what);
  open.push(upstream);
  return { upstream, client: await rawClient(upstream.port) };
}

const GET = 'GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n';

describe('startUpstream', () => {
  it('records requests with body and trailers', async () => {
    const { upstream, client } = await pair({ body: 'hi' });
    await client.send(
      'POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nX-T: 1\r\n\r\n',
    );
    expect((await client.readResponse()).body).toBe('hi');
    expect(upstream.requests).toMatchObject([
      { method: 'POST', path: '/p', headers: { host: 'x' }, body: 'abc', trailers: { 'x-t': '1' }, complete: true },
    ]);
  });

  it('keeps connections open and answers pipelined requests in order', async () => {
    const { upstream, client } = await pair(sequence(answer({ body: 'one' }), answer({ body: 'two' })));
    await client.send(GET + GET);
    expect((await client.readResponse()).body).toBe('one');
    expect((await client.readResponse()).body).toBe('two');
    expect(upstream.requests.map(({ connection }) => connection)).toEqual([0, 0]);
  });

  it('calls the behaviour at the head when asked', async () => {
    const { client } = await pair({ atHead: true, behave: answer({ status: 413 }) });
    await client.send('POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n');
    expect((await client.readResponse()).status).toBe(413);
  });

  it('closeIdle closes connections without a request', async () => {
    const { upstream, client } = await pair({});
    await client.send(GET);
    await client.readResponse();
    upstream.closeIdle();
    client.end();
    expect((await client.closed).error).toBeUndefined();
  });

  it('keeps what was not HTTP for the test', async () => {
    const { upstream, client } = await pair({});
    await client.send('nonsense\r\n\r\n');
    await client.readToEnd();
    expect(upstream.wireErrors.map(String)).toEqual(['WireError: bad request line "nonsense"']);
  });
});

describe('behaviours', () => {
  it('answer writes chunks, trailers, interim heads and fields in order', async () => {
    const headers: [string, string][] = [
      ['X-B', '1'],
      ['X-A', '2'],
      ['X-B', '3'],
    ];
    const { client } = await pair({
      status: 201,
      headers,
      body: ['ab', 'c'],
      trailers: { 'x-t': 'v' },
      interim: [103],
    });
    await client.send(GET);
    const response = await client.readResponse();
    expect(response).toMatchObject({
      status: 201,
      body: 'abc',
      framing: 'chunked',
      trailers: { 'x-t': 'v' },
      interim: [103],
    });
    expect(response.headerLines).toEqual([...headers, ['transfer-encoding', 'chunked']]);
  });

  it('after waits for its gate', async () => {
    let openGate = () => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    const { upstream, client } = await pair(after(gate, answer({ body: 'now' })));
    await client.send(GET);
    await upstream.untilRequests(1);
    expect(client.bytesRead).toBe(0);
    openGate();
    expect((await client.readResponse()).body).toBe('now');
  });

  it('slow takes at least its time', async () => {
    const { client } = await pair(slow({ body: ['a', 'b'] }, { headMs: 20, chunkMs: 10 }));
    const start = performance.now();
    await client.send(GET);
    expect((await client.readResponse()).body).toBe('ab');
    expect(performance.now() - start).toBeGreaterThanOrEqual(49);
  });

  it('truncate promises more than it sends, then FIN', async () => {
    const { client } = await pair(truncate({ body: 'hello' }, 40));
    await client.send(GET);
    await expect(client.readResponse()).rejects.toThrow(/in the middle of a message/);
  });

  it('resetAfter ends with RST', async () => {
    const { client } = await pair(resetAfter({ body: 'hello' }, 10));
    await client.send(GET);
    expect((await client.closed).error?.code).toBe('ECONNRESET');
  });

  it('stall and neverAnswer keep the connection open', async () => {
    const { client } = await pair(sequence(stall({ body: 'hello' }, 8), neverAnswer()));
    await client.send(GET);
    expect((await client.read(8)).toString()).toBe('HTTP/1.1');
    client.end();
    expect(client.peerEnded).toBe(false);
  });

  it('closeUnanswered and halfClose send FIN', async () => {
    const silent = await pair(closeUnanswered());
    await silent.client.send(GET);
    expect((await silent.client.readToEnd()).length).toBe(0);
    const half = await pair(halfClose({ body: 'bye' }));
    await half.client.send(GET);
    expect((await half.client.readToEnd()).toString()).toContain('bye');
  });

  it('staleKeepAlive closes a connection with its second request', async () => {
    const { upstream, client } = await pair(staleKeepAlive({ body: 'first' }));
    await client.send(GET);
    expect((await client.readResponse()).body).toBe('first');
    await client.send(GET);
    expect((await client.readToEnd()).length).toBe(0);
    expect(upstream.requests).toHaveLength(2);
  });

  it('garbage is written as it is', async () => {
    const { client } = await pair(garbage('HTTP/9 what\r\n'));
    await client.send(GET);
    expect(await client.readUntil('\r\n')).toBe('HTTP/9 what\r\n');
  });

  it('flood stops when nobody reads and tells how far it came', async () => {
    const total = 32 * 1024 * 1024;
    const { upstream, client } = await pair(flood(total));
    client.pause();
    await client.send(GET);
    const peer = upstream.peers[0];
    await upstream.untilRequests(1);
    let accepted = -1;
    while (accepted !== peer?.bytesAccepted) {
      accepted = peer?.bytesAccepted ?? 0;
      for (let i = 0; i < 200; i++) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(accepted).toBeLessThan(total);
    client.resume();
    expect((await client.readResponse()).bytes.length).toBe(total);
  });
});

it('refusedPort refuses', async () => {
  await expect(rawClient(await refusedPort())).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
