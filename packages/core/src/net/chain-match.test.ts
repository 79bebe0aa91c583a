import { describe, expect, it } from 'vitest';
import { ANY_CONNECTION, type ChainConditions, ChainMatcher, type ChainQuery } from './chain-match.ts';

type Conditions = Partial<ChainConditions>;
const chains = (entries: Readonly<Record<string, Conditions>>) => {
  const matcher = new ChainMatcher<string>();
  for (const [name, conditions] of Object.entries(entries)) {
    expect(matcher.add({ ...ANY_CONNECTION, ...conditions }, name)).toBe(true);
  }
  return (query: Partial<ChainQuery>) => matcher.find({ ...client, ...query });
};

const client: ChainQuery = {
  localIp: '192.0.2.1',
  localPort: 443,
  serverName: '',
  transportProtocol: '',
  applicationProtocols: [],
  directRemoteIp: '198.51.100.7',
  remoteIp: '198.51.100.7',
  remotePort: 50_000,
};

const range = (addressPrefix: string, prefixLen: number) => [{ addressPrefix, prefixLen }];

/** Each was asked of a running Envoy 1.40 as well. */
const rows: readonly [string, Readonly<Record<string, Conditions>>, ...[Partial<ChainQuery>, string | undefined][]][] =
  [
    [
      'one that asks for nothing takes all',
      { any: {} },
      [{}, 'any'],
      [{ localIp: '', localPort: 0, remoteIp: '' }, 'any'],
    ],
    [
      'a port comes before addresses, and its subtree is not left',
      { p80: { destinationPort: 80, serverNames: ['a'] }, ten: { prefixRanges: range('10.0.0.0', 8) }, any: {} },
      [{ localPort: 80, serverName: 'a', localIp: '10.0.0.1' }, 'p80'],
      [{ localPort: 80, localIp: '10.0.0.1' }, undefined],
      [{ localPort: 81, localIp: '10.0.0.1' }, 'ten'],
      [{ localPort: 81 }, 'any'],
    ],
    [
      'the longest prefix of the destination',
      {
        eight: { prefixRanges: range('10.0.0.0', 8) },
        sixteen: { prefixRanges: range('10.1.0.0', 16), serverNames: ['a'] },
      },
      [{ localIp: '10.2.0.1' }, 'eight'],
      [{ localIp: '10.1.0.1', serverName: 'a' }, 'sixteen'],
      [{ localIp: '10.1.0.1' }, undefined],
      [{ localIp: '11.1.0.1' }, undefined],
    ],
    [
      'server names: exact, then the longest suffix, then none',
      {
        exact: { serverNames: ['www.a.test'] },
        wild: { serverNames: ['*.A.test'], transportProtocol: 'raw_buffer' },
        test: { serverNames: ['*.test'] },
        any: {},
      },
      [{ serverName: 'www.a.test', transportProtocol: 'tls' }, 'exact'],
      [{ serverName: 'x.a.test', transportProtocol: 'tls' }, undefined],
      [{ serverName: 'x.y.a.test' }, 'wild'],
      [{ serverName: 'b.test', transportProtocol: 'tls' }, 'test'],
      [{ serverName: 'test', transportProtocol: 'tls' }, 'any'],
      [{ serverName: 'o.org', transportProtocol: 'tls' }, 'any'],
      [{ transportProtocol: 'tls' }, 'any'],
    ],
    [
      'a transport that nobody looked at is raw_buffer',
      { tls: { transportProtocol: 'tls' }, raw: { transportProtocol: 'raw_buffer' } },
      [{}, 'raw'],
      [{ transportProtocol: 'tls' }, 'tls'],
      [{ transportProtocol: 'quic' }, undefined],
    ],
    [
      'the first protocol of the client that any chain has',
      { h2: { applicationProtocols: ['h2'] }, h1: { applicationProtocols: ['http/1.1', 'http/1.0'] }, any: {} },
      [{ applicationProtocols: ['foo', 'http/1.1', 'h2'] }, 'h1'],
      [{ applicationProtocols: ['h2', 'http/1.1'] }, 'h2'],
      [{ applicationProtocols: ['foo'] }, 'any'],
    ],
    [
      'local sources, by the address that a PROXY header gives',
      {
        local: { sourceType: 'SAME_IP_OR_LOOPBACK' },
        far: { sourceType: 'EXTERNAL', sourcePrefixRanges: range('1.2.0.0', 16) },
        any: {},
      },
      [{ remoteIp: '127.0.0.1' }, 'local'],
      [{ remoteIp: '::1' }, 'local'],
      [{ remoteIp: '127.0.0.2' }, undefined],
      [{ remoteIp: '9.9.9.9', localIp: '9.9.9.9' }, 'local'],
      [{ remoteIp: '1.2.3.4' }, 'far'],
      [{ remoteIp: '9.9.9.9' }, undefined],
      [{ remoteIp: '' }, 'local'],
    ],
    [
      'only where a chain asks for the type it is looked at',
      { local: { sourceType: 'SAME_IP_OR_LOOPBACK' }, any: {} },
      [{ remoteIp: '127.0.0.1' }, 'local'],
      [{ remoteIp: '1.2.3.4' }, 'any'],
    ],
    [
      'the address of the socket comes before that of the header',
      {
        direct: { directSourcePrefixRanges: range('127.0.0.0', 8), sourcePorts: [7] },
        source: { sourcePrefixRanges: range('1.0.0.0', 8) },
        any: {},
      },
      [{ directRemoteIp: '127.0.0.1', remoteIp: '1.2.3.4', remotePort: 7 }, 'direct'],
      [{ directRemoteIp: '127.0.0.1', remoteIp: '1.2.3.4', remotePort: 8 }, undefined],
      [{ directRemoteIp: '128.0.0.1', remoteIp: '1.2.3.4', remotePort: 7 }, 'source'],
      [{ directRemoteIp: '128.0.0.1', remoteIp: '2.2.3.4' }, 'any'],
    ],
  ];

describe('ChainMatcher', () => {
  it.each(rows.map(([title, entries, ...queries]) => ({ title, entries, queries })))(
    '$title',
    ({ entries, queries }) => {
      const find = chains(entries);
      for (const [query, found] of queries) expect([query, find(query)]).toEqual([query, found]);
    },
  );

  it.each<[string, Conditions, Conditions]>([
    ['names', { serverNames: ['a', 'b'] }, { serverNames: ['B'] }],
    ['a name and its suffix', { serverNames: ['*.a'] }, { serverNames: ['.a'] }],
    ['ranges', { prefixRanges: range('10.1.2.3', 8) }, { prefixRanges: range('10.0.0.0', 8) }],
    ['nothing', {}, {}],
  ])('add %s twice: false', (_, first, second) => {
    const matcher = new ChainMatcher<string>();
    expect(matcher.add({ ...ANY_CONNECTION, ...first }, 'a')).toBe(true);
    expect(matcher.add({ ...ANY_CONNECTION, ...second }, 'b')).toBe(false);
  });
});
