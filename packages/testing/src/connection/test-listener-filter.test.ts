import { defineListenerFilter, type ListenerConnection, type ListenerFilter } from '@mesh/core';
import { message, uint32, withDefault } from '@mesh/core/proto';
import { describe, expect, it } from 'vitest';
import { testListenerFilter } from './test-listener-filter.ts';

/** Takes the first line off; it is the client's name. */
const firstLine = defineListenerFilter({
  name: 'acme.filters.listener.first_line',
  config: message({ most: withDefault(uint32({ min: 1 }), 100) }, { name: 'acme.FirstLine' }),
  create: ({ most }) => ({
    maxReadBytes: most,
    onData(bytes, connection) {
      const at = bytes.indexOf('\n');
      if (at < 0) return 'more';
      if (at === 0) return 'close';
      connection.serverName = bytes.toString('latin1', 0, at);
      return at + 1;
    },
  }),
});

const define = (filter: ListenerFilter) =>
  defineListenerFilter({ name: 'test.filter', config: message({}, { name: 'test.Empty' }), create: () => filter })();

describe('testListenerFilter', () => {
  it('shows what was found and what is left, wherever the bytes are cut', async () => {
    const { found, outcome, rest } = await testListenerFilter(firstLine()).everyCut('ann\nhello');
    expect([outcome, found.serverName, String(rest)]).toEqual(['accepted', 'ann', 'hello']);
  });

  it('finds out a filter to which the cut makes a difference', async () => {
    const careless = define({
      onData(bytes, connection: ListenerConnection) {
        connection.serverName = bytes.toString();
        return 'done';
      },
    });
    await expect(testListenerFilter(careless).everyCut('ab')).rejects.toThrow(
      'the result depends on how bytes arrive; cut into 1 + 1 bytes:',
    );
  });

  it.each([
    ['the filter closes', firstLine(), '\n', 'filter'],
    ['it wants more than it may', firstLine({ most: 3 }), 'abcd', 'filter'],
    ['it fails', define({ onAccept: () => (undefined as never as ListenerConnection).filterState.size }), '', 'error'],
    ['it waits', firstLine(), 'a', 'waiting'],
  ])('%s', async (_title, filter, bytes, outcome) => {
    const made = await testListenerFilter(filter).run(bytes);
    expect(made.outcome).toBe(outcome);
    expect(made.state === 'open').toBe(outcome === 'waiting');
  });

  it('a client that ends early', async () => {
    const made = await testListenerFilter(firstLine()).run('a');
    await made.end();
    expect(made.outcome).toBe('remote close');
  });

  it.each([
    [false, 'timeout', ''],
    [true, 'accepted', 'a'],
  ])('time is virtual (continue: %s)', async (continueOnTimeout, outcome, rest) => {
    const t = testListenerFilter(firstLine(), { filtersTimeoutMs: 1000, continueOnTimeout });
    const made = await t.run('a');
    await t.clock.advanceAsync(900);
    expect(made.outcome).toBe('waiting');
    await t.clock.advanceAsync(200);
    expect([made.outcome, String(made.rest)]).toEqual([outcome, rest]);
  });

  it('takes a chain, also from YAML', async () => {
    const t = testListenerFilter([{ name: 'acme.filters.listener.first_line' }, firstLine()], {
      extensions: [firstLine],
    });
    const { found, rest } = await t.everyCut('a\nb\nc');
    expect([found.serverName, String(rest)]).toEqual(['b', 'c']);
  });
});
