/**
 * Filters of your own for connections: a listener filter that reads who comes, a network filter that counts, and one that
 * speaks a protocol. Start it (`node --conditions=@mesh/source --import tsx examples/connection-filters.ts`), then try:
 *
 *   printf 'TENANT ann\nhello\nworld\n' | nc -N 127.0.0.1 7000    # ann: HELLO, ann: WORLD, 2 lines
 *   printf 'hello\n' | nc -N 127.0.0.1 7000                       # closed: nobody said who comes
 *
 * PORT chooses another port. docs/writing-a-filter.md walks through this file.
 */
import { pathToFileURL } from 'node:url';
import {
  createProxy,
  defineListenerFilter,
  defineNetworkFilter,
  filterChain,
  listener,
  type MeshProxy,
  STOP,
} from '@mesh/core';
import { z } from 'zod';

/** Filter state, which all filters of a connection share. */
const TENANT = 'acme.tenant';

/** Takes a line `TENANT <name>` off the front of every connection. */
export const tenant = defineListenerFilter({
  name: 'acme.filters.listener.tenant',
  config: z.object({}),
  create(_config, context) {
    const unknown = context.stats.counter('tenant.unknown');
    return {
      maxReadBytes: 64, // a client that has sent so much without a whole line is closed
      onData(bytes, connection) {
        const end = bytes.indexOf('\n');
        if (end < 0) return 'more'; // asked again with these bytes and those that come
        const name = /^TENANT ([a-z]+)$/.exec(bytes.toString('latin1', 0, end))?.[1];
        if (name === undefined) {
          unknown.inc();
          return 'close';
        }
        connection.filterState.set(TENANT, name);
        connection.serverName = `${name}.tenant`; // filter chains match on it
        return end + 1; // so many bytes are taken off; nobody after this filter sees them
      },
    };
  },
});

/** Closes connections that send more than they may. */
export const quota = defineNetworkFilter({
  name: 'acme.filters.network.quota',
  config: z.object({ maxBytes: z.number().int().positive() }),
  create({ maxBytes }, context) {
    const exceeded = context.stats.counter('quota.exceeded');
    return {
      onData(_chunk, connection) {
        if (connection.info.bytesReceived <= maxBytes) return; // the next filter gets the bytes
        exceeded.inc();
        connection.info.localCloseReason = 'quota_exceeded';
        connection.close('flush'); // what was answered so far is still sent
        return STOP; // the next filter sees none of it
      },
    };
  },
});

const MAX_LINE_BYTES = 8 * 1024;

/** Says each line back in capitals, and at the end how many there were. */
export const shout = defineNetworkFilter({
  name: 'acme.filters.network.shout',
  config: z.object({}),
  terminal: true, // it ends the chain: the bytes are for this filter
  newState: () => ({ rest: '', lines: 0, paused: false }), // one per connection
  create: () => ({
    halfClose: true, // a client that has ended its direction still gets an answer
    onData(chunk, connection, state, end) {
      const lines = (state.rest + Buffer.from(chunk).toString('latin1')).split('\n');
      state.rest = lines.pop() ?? '';
      if (state.rest.length > MAX_LINE_BYTES) return connection.close('now');
      state.lines += lines.length;
      const name = connection.info.filterState.get(TENANT);
      let text = lines.map((line) => `${name}: ${line.toUpperCase()}\n`).join('');
      if (end) text += `${state.lines} lines\n`;
      if (connection.write(text, end) || end || state.paused) return;
      state.paused = true; // the client does not read: it is not read either
      connection.pauseReading();
    },
    onWritable(connection, state) {
      if (!state.paused) return;
      state.paused = false;
      connection.resumeReading(); // each pause needs its resume
    },
  }),
});

/** Tenants are told apart before a filter chain is chosen; `guest` may send little. */
export function shoutingProxy(port: number): Promise<MeshProxy> {
  return createProxy({
    listeners: [
      listener({
        host: '127.0.0.1',
        port,
        listenerFilters: [tenant()],
        filterChains: [
          filterChain({
            match: { serverNames: ['guest.tenant'] },
            filters: [quota({ maxBytes: 16 }), shout()],
          }),
          filterChain({ match: { serverNames: ['*.tenant'] }, filters: [shout()] }),
        ],
      }),
    ],
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const proxy = await shoutingProxy(Number(process.env.PORT ?? 7000));
  await proxy.start();
  console.log(`listening on ${proxy.address().port}; Ctrl-C ends it`);
  process.once('SIGINT', () => void proxy.close());
}
