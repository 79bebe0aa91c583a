/** Every local reply: on real sockets, with virtual time. Envoy's own answers: `../envoy/scenarios/reply-details.ts`. */
import { defineHttpFilter, flagString, HOLD, type HttpFilter, type StandardSchema } from '@mesh/core';
import { standard } from '@mesh/standard';
import {
  answer,
  type LiveProxy,
  rawClient,
  startProxy,
  startUpstream,
  turn,
  type Upstream,
  VirtualClock,
} from '@mesh/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { bootstrap, upstreamsOf } from '../envoy/bootstrap.ts';
import { REFUSING_PORT } from '../envoy/run.ts';
import { type Scenario, TO_A } from '../envoy/scenario.ts';
import { laterRows, type ReplyRow, replyRows } from './rows.ts';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Deadlines sit on a wheel with ticks of 8 ms. */
const LATE_MS = 24;
const ANYTHING: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } };

function filterOf(name: string, hooks: HttpFilter) {
  return defineHttpFilter({ name, config: ANYTHING, create: () => hooks });
}

interface Ending {
  readonly flags: string;
  readonly details: string;
}

function extensions(endings: Ending[]) {
  const onComplete: HttpFilter['onComplete'] = ({ info }) => {
    endings.push({ flags: flagString(info.flags), details: info.details });
  };
  return [
    ...standard,
    filterOf('observer', { onComplete }),
    filterOf('hold-request', { onRequestHeaders: () => HOLD, onRequestData: () => HOLD }),
    filterOf('hold-response', { onResponseHeaders: () => HOLD, onResponseData: () => HOLD }),
  ];
}

/** A codec's refusal is seen by no filter; its details are read from a body format instead. */
const DETAILS = {
  local_reply_config: { body_format: { text_format_source: { inline_string: '%RESPONSE_CODE_DETAILS%' } } },
};

async function start(row: ReplyRow, clock: VirtualClock, manager: object, endings: Ending[]) {
  const given = { routes: [TO_A], ...row.given };
  const router = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router', ...given.router };
  const scenario: Scenario = {
    name: 'row',
    why: row.situation,
    ...given,
    requests: [],
    manager: {
      http_filters: [
        { name: 'observer' },
        ...(row.filters ?? []).map((name) => ({ name })),
        { name: 'envoy.filters.http.router', typed_config: router },
      ],
      ...given.manager,
      ...manager,
    },
  };
  const upstreams = new Map<string, Upstream>();
  for (const letter of upstreamsOf(scenario)) {
    const behave = scenario.upstreams?.[letter] ?? answer();
    const upstream = await startUpstream({ behave, atHead: true });
    cleanups.push(() => upstream.close());
    upstreams.set(letter, upstream);
  }
  const ports = Object.fromEntries([...upstreams].map(([letter, { port }]) => [letter, port]));
  const config = bootstrap([{ scenario, ports: { ...ports, refused: REFUSING_PORT } }]);
  const proxy = await startProxy({ config, clock, random: () => 0.9, extensions: extensions(endings) });
  cleanups.push(() => proxy.close());
  return { proxy, upstream: upstreams.get('a') };
}

async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

/** Sends the request and lets time pass; nothing may come before it is due. */
async function converse(row: ReplyRow, proxy: LiveProxy, upstream: Upstream | undefined, clock: VirtualClock) {
  const client = await rawClient(proxy.port);
  cleanups.push(() => client.socket.destroy());
  const request = row.request ?? 'GET / HTTP/1.1\r\nhost: h\r\n\r\n';
  await client.send(Buffer.from(request, 'latin1'));
  if (upstream !== undefined && row.refused === undefined && row.afterMs !== undefined) await upstream.untilHeads(1);
  if (row.more !== undefined) {
    await proxy.untilStat('cluster.row_a.upstream_rq_retry', 1);
    await client.send(row.more);
  }
  await turns();
  if (row.afterMs !== undefined && row.status !== 0 && row.afterMs > 100) {
    clock.advance(row.afterMs - 1);
    await turns();
    expect(client.bytesRead).toBe(0);
  }
  if (row.afterMs !== undefined) clock.advance(row.afterMs + LATE_MS);
  return client;
}

const method = (row: ReplyRow): string => (row.request ?? 'GET').split(' ')[0] as string;

describe('local replies', () => {
  it.each(replyRows)('$situation', async (row) => {
    const clock = new VirtualClock();
    const endings: Ending[] = [];
    const { proxy, upstream } = await start(row, clock, {}, endings);
    const client = await converse(row, proxy, upstream, clock);
    if (row.status === 0) {
      await expect(client.readResponse()).rejects.toThrow();
    } else {
      const { status, body, headers } = await client.readResponse({ method: method(row) });
      expect({ status, body }).toEqual({ status: row.status, body: row.body });
      for (const [name, value] of Object.entries(row.headers ?? {}))
        expect([name, headers[name] ?? null]).toEqual([name, value]);
      expect(headers.server).toBe('envoy');
      expect(headers.date).toMatch(/ GMT$/);
      if (body !== '' && row.headers?.['content-type'] === undefined)
        expect(headers['content-type']).toBe('text/plain');
      if (body === '' && row.headers?.['content-type'] === undefined)
        expect(headers).not.toHaveProperty('content-type');
    }
    if (row.refused === undefined) expect(endings).toEqual([{ flags: row.flags, details: row.details }]);
  });

  it.each(replyRows.filter(({ refused }) => refused))('$situation: its details', async (row) => {
    const clock = new VirtualClock();
    const { proxy, upstream } = await start(row, clock, DETAILS, []);
    const client = await converse(row, proxy, upstream, clock);
    const { status, body } = await client.readResponse({ method: method(row) });
    expect([status, body]).toEqual([row.status, row.details]);
  });

  it('rows that cannot come up have a reason', () => {
    expect(Object.values(laterRows).every((reason) => reason.length > 10)).toBe(true);
  });
});
