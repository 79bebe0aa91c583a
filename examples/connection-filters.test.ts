import net from 'node:net';
import { testListenerFilter, testNetworkFilter } from '@mesh/testing';
import { expect, it } from 'vitest';
import { quota, shout, shoutingProxy, tenant } from './connection-filters.ts';

it('tenant reads its line wherever the bytes are cut, and hides it from the filters', async () => {
  const { outcome, found, rest } = await testListenerFilter(tenant()).everyCut('TENANT ann\nhello\n');
  expect([outcome, found.serverName, String(rest)]).toEqual(['accepted', 'ann.tenant', 'hello\n']);
});

it.each([
  ['another line', 'hello\n', 'filter'],
  ['a name that is none', 'TENANT \n', 'filter'],
  ['a line without an end', `TENANT ${'a'.repeat(100)}`, 'filter'],
  ['half a line', 'TEN', 'waiting'],
])('tenant and %s', async (_title, bytes, outcome) => {
  expect((await testListenerFilter(tenant()).run(bytes)).outcome).toBe(outcome);
});

it('tenant counts whom it does not know', async () => {
  const t = testListenerFilter(tenant());
  await t.run('hello\n');
  expect(t.stats('tenant.unknown')).toBe(1);
});

it('quota lets through what is allowed, then closes', async () => {
  const t = testNetworkFilter(quota({ maxBytes: 5 }));
  const client = await t.connect();
  await client.send('12345');
  expect([client.passed, client.state]).toEqual(['12345', 'open']);
  await client.send('6');
  expect([client.passed, client.state, t.stats('quota.exceeded')]).toEqual(['12345', 'closed', 1]);
});

it('shout says lines back in capitals, and their number after the end of the client', async () => {
  const client = await testNetworkFilter(shout()).connect({ filterState: { 'acme.tenant': 'ann' } });
  await client.send('hello\nwor', 'ld\n');
  expect(client.text).toBe('ann: HELLO\nann: WORLD\n');
  await client.end();
  expect([client.text, client.state]).toEqual(['ann: HELLO\nann: WORLD\n2 lines\n', 'closed']);
});

it('shout does not read a client that does not read', async () => {
  const t = testNetworkFilter(shout(), { bufferLimitBytes: 16 });
  const client = await t.connect({ filterState: { 'acme.tenant': 'ann' } });
  client.stall();
  await client.send('0123456789\n', 'more\n');
  expect([client.paused, client.unread]).toEqual([true, 5]);
  await client.drain();
  expect([client.paused, client.text]).toEqual([false, 'ann: 0123456789\nann: MORE\n']);
});

it('shout closes a connection whose line does not end', async () => {
  const client = await testNetworkFilter(shout()).connect();
  await client.send('x'.repeat(10_000));
  expect(client.state).toBe('closed');
});

it('the proxy gives guests another chain than others', async () => {
  const proxy = await shoutingProxy(0);
  await proxy.start();
  const say = async (text: string) => {
    const socket = net.connect(proxy.address().port, '127.0.0.1').on('error', () => {});
    socket.end(text);
    return Buffer.concat(await socket.toArray().catch(() => [])).toString();
  };
  expect(await say('TENANT guest\n0123456789abcde\n')).toBe('guest: 0123456789ABCDE\n1 lines\n');
  expect(await say('TENANT guest\n0123456789abcdef\n')).toBe('');
  expect(await say('TENANT ann\n0123456789abcdef\n')).toBe('ann: 0123456789ABCDEF\n1 lines\n');
  await proxy.close();
});
