import { defineNetworkFilter, type NetworkConnection, STOP, type TcpLink } from '@mesh/core';
import { duration, message, nonEmpty, required, withDefault } from '@mesh/core/proto';
import { describe, expect, it } from 'vitest';
import { testNetworkFilter } from './test-network-filter.ts';

const config = message({}, { name: 'test.Empty' });
const define = (hooks: object, more: object = {}) =>
  defineNetworkFilter({ name: 'test.filter', config, create: () => hooks, ...more })();

/** Asks its client for a password, and lets only the right one pass. */
const password = defineNetworkFilter({
  name: 'acme.filters.network.password',
  config: message({ word: required(nonEmpty()), after: withDefault(duration(), 0) }, { name: 'acme.Password' }),
  newState: () => ({ seen: '' }),
  create: ({ word, afterMs }, { stats, timers }) => ({
    onData(chunk, connection, state) {
      if (state.seen === word) return;
      state.seen += Buffer.from(chunk);
      if (state.seen !== word) {
        connection.close('reset');
        return;
      }
      stats.counter('password.ok').inc();
      connection.write('welcome\n');
      timers.after(afterMs, () => connection.continueReading());
      return STOP;
    },
  }),
});

/** A terminal filter that carries bytes on, as they are. */
const carrier = defineNetworkFilter({
  name: 'test.carrier',
  config,
  terminal: true,
  newState: () => ({ link: undefined as TcpLink | undefined }),
  create: (_config, { clusters }) => ({
    halfClose: true,
    onConnection(connection, state) {
      const cluster = clusters.get('db');
      const host = cluster?.pick({});
      if (cluster === undefined || host === undefined) {
        connection.close('now');
        return;
      }
      cluster.connectTcp(host, {
        onConnected(link) {
          state.link = link;
          connection.continueReading();
        },
        onFailure: () => connection.close('now'),
        onBytes: (chunk, owned) => {
          if (!connection.write(chunk, false, owned)) state.link?.pauseReading();
        },
        onEnd: () => void connection.write('', true),
        onWritable: () => connection.resumeReading(),
        onClose: (error) => connection.close(error === undefined ? 'flush' : 'reset'),
      });
      return STOP;
    },
    onData(chunk, connection, { link }, end, owned) {
      link?.write(chunk, owned);
      if (link?.flush() === false) connection.pauseReading();
      if (end) link?.end();
    },
    onWritable: (_connection, { link }) => link?.resumeReading(),
    onClose: (_connection, { link }) => link?.close('flush'),
  }),
})();

describe('testNetworkFilter', () => {
  it('shows what is written, held and passed on, on virtual time', async () => {
    const t = testNetworkFilter(password({ word: 'sesame', after: '0.1s' }));
    const client = await t.connect();
    expect([client.admitted, client.state]).toEqual([true, 'open']);
    await client.send('sesame', 'more');
    expect(client.text).toBe('welcome\n');
    expect([client.held, client.unread, client.paused, client.passed]).toEqual([6, 4, true, '']);
    await t.clock.advanceAsync(108);
    await client.end();
    expect([client.held, client.unread, client.passed, client.passedEnd]).toEqual([0, 0, 'sesamemore', true]);
    expect(t.stats('password.ok')).toBe(1);
  });

  it('shows a reset', async () => {
    const client = await testNetworkFilter(password({ word: 'a' })).connect();
    await client.send('b');
    expect([client.state, client.ended, client.passed]).toEqual(['reset', false, '']);
  });

  it('takes filters from YAML, checked', () => {
    const make = (word: string) =>
      testNetworkFilter({ name: 'acme.filters.network.password', typedConfig: { word } }, { extensions: [password] });
    make('a');
    expect(() => make('')).toThrow('invalid config for acme.filters.network.password:\n  word:');
    expect(() => testNetworkFilter({ name: 'x' })).toThrow('no extension for x');
  });

  it('finds out a filter that keeps a chunk without a copy', async () => {
    let kept: Uint8Array | undefined;
    const keeper = define({ onData: (chunk: Uint8Array) => void (kept = chunk) });
    const client = await testNetworkFilter(keeper).connect();
    await client.send('ab');
    expect(client.passed).toBe('ab');
    expect([...(kept ?? [])]).toEqual([0xdd, 0xdd]);
  });

  it('logs the failure of a filter and closes the connection', async () => {
    const broken = define({
      onData: () => {
        throw new Error('oops');
      },
    });
    const t = testNetworkFilter(broken);
    const client = await t.connect();
    await client.send('a');
    expect(client.state).toBe('closed');
    expect(t.logs).toEqual([{ level: 'error', component: 'test.filter', message: 'Error: oops' }]);
  });

  it('walks the write hooks in reverse', async () => {
    const seen: string[] = [];
    const tap = (name: string) => define({ onWrite: (chunk: Uint8Array) => void seen.push(`${name} ${chunk.length}`) });
    const client = await testNetworkFilter([tap('first'), tap('second')]).connect();
    await client.answer(Buffer.from('1'), true);
    expect(seen.slice(0, 2)).toEqual(['second 1', 'first 1']);
    expect([client.text, client.ended]).toEqual(['1', true]);
  });

  it('gives the connection the facts it is told', async () => {
    let facts: unknown;
    const look = ({ remoteIp, localPort, serverName, info }: NetworkConnection) => {
      facts = [remoteIp, localPort, serverName, info.filterState.get('k'), info.metadata.get('m')];
    };
    await testNetworkFilter(define({ onConnection: look })).connect({
      remoteIp: '::1',
      localPort: 1,
      serverName: 'a',
      filterState: { k: 1 },
      metadata: { m: 2 },
    });
    expect(facts).toEqual(['::1', 1, 'a', 1, 2]);
  });
});

describe('scripted clusters', () => {
  it('carry bytes and each end both ways', async () => {
    const t = testNetworkFilter(carrier, { clusters: { db: {} } });
    const client = await t.connect();
    const host = await t.cluster('db').host();
    await client.send('ping');
    await client.end();
    expect([host.text, host.ended, host.state]).toEqual(['ping', true, 'open']);
    await host.send('pong');
    await host.end();
    expect([client.text, client.ended]).toEqual(['pong', true]);
    expect([client.state, host.state]).toEqual(['closed', 'closed']);
  });

  it('hold back what a stalled end does not take', async () => {
    const t = testNetworkFilter(carrier, { clusters: { db: {} }, bufferLimitBytes: 4 });
    const client = await t.connect();
    const host = await t.cluster('db').host();
    client.stall();
    await host.send('12345', '6');
    expect([client.text, host.paused, host.unread]).toEqual(['', true, 1]);
    await client.drain();
    expect([client.text, host.paused, host.unread]).toEqual(['123456', false, 0]);
  });

  it('refuse, wait and are reset', async () => {
    const t = testNetworkFilter(carrier, {
      clusters: { db: { connects: ['remote connection failure', 'wait', 'accept'] } },
    });
    const db = t.cluster('db');
    expect((await t.connect()).state).toBe('closed');
    const second = await t.connect();
    expect([second.state, db.hosts[1]?.connect]).toEqual(['open', 'waiting']);
    db.hosts[1]?.accept();
    expect(db.hosts[1]?.connect).toBe('accepted');
    const third = await t.connect();
    await db.hosts[2]?.reset();
    expect(third.state).toBe('reset');
  });

  it('without hosts offer none', async () => {
    const t = testNetworkFilter(carrier, { clusters: { db: { hosts: [] } } });
    expect((await t.connect()).state).toBe('closed');
    expect(t.cluster('db').picks.length).toBe(1);
  });
});
