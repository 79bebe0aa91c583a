/** Which filter chain a connection gets. The PROXY protocol says addresses, so that they are any. */
import { dial } from '../dial.ts';
import { answers, brief, HTTP_INSPECTOR, PLEASE, proxyProtocol, says, serverTls, TLS_INSPECTOR } from '../pieces.ts';
import type { Scenario, Yaml } from '../scenario.ts';
import type { Talk } from '../talk.ts';

interface From {
  readonly from?: string;
  readonly to?: string;
  readonly sport?: number;
  readonly dport?: number;
  readonly sni?: string;
  readonly alpn?: readonly string[];
  readonly plain?: true;
  readonly send?: string;
}
/** Connects as if from there; the text is the name of the chain. */
const call =
  ({ from = '10.1.1.1', to = '10.2.2.2', sport = 1000, dport = 443, sni, alpn, plain, send }: From): Talk =>
  async ({ port }) => {
    const family = from.includes(':') ? 'TCP6' : 'TCP4';
    const secure =
      sni === undefined && alpn === undefined ? undefined : { servername: sni ?? '', ALPNProtocols: [...(alpn ?? [])] };
    const before = plain === true ? undefined : `PROXY ${family} ${from} ${to} ${sport} ${dport}\r\n`;
    const { text, end } = await dial(port, {
      ...(before === undefined ? {} : { before }),
      ...(secure === undefined ? {} : { secure }),
      ...(secure === undefined ? {} : { send: PLEASE }),
      ...(send === undefined ? {} : { send }),
    });
    return text === '' ? end : brief(text);
  };
const range = (text: string): Yaml => {
  const [address_prefix, prefix_len] = text.split('/');
  return { address_prefix, prefix_len: Number(prefix_len) };
};
const ranges = (...all: readonly string[]): readonly Yaml[] => all.map(range);
const table = (
  name: string,
  why: string,
  chains: Readonly<Record<string, Yaml | undefined>>,
  calls: readonly From[],
  more: { readonly tls?: readonly string[]; readonly filters?: readonly Yaml[] } = {},
): Scenario => {
  const chain = (label: string, match: Yaml | undefined): Yaml => ({
    name: label,
    ...(match === undefined ? {} : { filter_chain_match: match }),
    filters: [more.tls?.includes(label) ? answers(label) : says(label)],
    ...(more.tls?.includes(label) ? serverTls({ alpn_protocols: ['h2', 'http/1.1'] }) : {}),
  });
  const { fallback, ...rest } = chains;
  return {
    name: `chain-${name}`,
    why,
    requests: [],
    talks: calls.map(call),
    listener: {
      listener_filters: [proxyProtocol({ allow_requests_without_proxy_protocol: true }), ...(more.filters ?? [])],
      filter_chains: Object.entries(rest).map(([label, match]) => chain(label, match)),
      ...('fallback' in chains ? { default_filter_chain: chain('fallback', fallback) } : {}),
    },
  };
};

/** All tables. */
export const filterChains: readonly Scenario[] = [
  table('port', 'destination_port', { a: { destination_port: 443 }, b: { destination_port: 80 }, rest: {} }, [
    { dport: 443 },
    { dport: 80 },
    { dport: 81 },
  ]),
  table('none', 'no chain takes it: the connection is closed', { a: { destination_port: 1 } }, [{}]),
  table('fallback', 'or the default chain has it', { a: { destination_port: 1 }, fallback: undefined }, [
    {},
    { dport: 1 },
  ]),
  table(
    'ranges',
    'the longest prefix wins',
    {
      wide: { prefix_ranges: ranges('10.0.0.0/8') },
      narrow: { prefix_ranges: ranges('10.2.0.0/16', '10.3.0.0/16') },
      host: { prefix_ranges: ranges('10.2.2.2/32') },
      six: { prefix_ranges: ranges('2001:db8::/32') },
      all: { prefix_ranges: ranges('0.0.0.0/0') },
    },
    [
      { to: '10.2.2.2' },
      { to: '10.2.2.3' },
      { to: '10.3.0.1' },
      { to: '10.9.9.9' },
      { to: '192.168.0.1' },
      { from: '2001:db8::1', to: '2001:db8::2' },
      { from: '2001:db8::1', to: '2001:dead::2' },
    ],
  ),
  table(
    'port-before-range',
    'the port decides before the range',
    {
      port: { destination_port: 443 },
      range: { prefix_ranges: ranges('10.2.2.2/32') },
    },
    [{}, { dport: 80 }, { dport: 443, to: '1.1.1.1' }, { dport: 80, to: '1.1.1.1' }],
  ),
  table(
    'no-way-back',
    'a chain of the right range but another name is not tried again',
    {
      range: { prefix_ranges: ranges('10.2.0.0/16'), server_names: ['a.test'] },
      name: { server_names: ['b.test'] },
      rest: {},
    },
    [{ sni: 'a.test' }, { sni: 'b.test' }, { sni: 'b.test', to: '1.1.1.1' }, { sni: 'c.test', to: '1.1.1.1' }],
    { tls: ['range', 'name', 'rest'], filters: [TLS_INSPECTOR] },
  ),
  table(
    'names',
    'server_names, exact before the longest suffix',
    {
      exact: { server_names: ['www.a.test'] },
      near: { server_names: ['*.b.a.test'] },
      far: { server_names: ['*.a.test'] },
      two: { server_names: ['c.test', '*.c.test'] },
      rest: {},
    },
    [
      'www.a.test',
      'x.a.test',
      'a.test',
      'x.b.a.test',
      'b.a.test',
      'y.x.b.a.test',
      'c.test',
      'z.c.test',
      'WWW.A.TEST',
      'none.test',
      '',
    ].map((sni) => ({ sni })),
    { tls: ['exact', 'near', 'far', 'two', 'rest'], filters: [TLS_INSPECTOR] },
  ),
  table(
    'names-case',
    'names of the configuration have no case',
    { a: { server_names: ['A.Test'] }, rest: {} },
    [{ sni: 'a.test' }],
    { tls: ['a', 'rest'], filters: [TLS_INSPECTOR] },
  ),
  table(
    'transport',
    'transport_protocol',
    { tls: { transport_protocol: 'tls' }, raw: { transport_protocol: 'raw_buffer' } },
    [{ sni: 'a.test' }, { send: 'hello' }],
    { tls: ['tls'], filters: [TLS_INSPECTOR] },
  ),
  table(
    'transport-unseen',
    'without an inspector everything is raw',
    { tls: { transport_protocol: 'tls' }, raw: { transport_protocol: 'raw_buffer' } },
    [{}],
  ),
  table(
    'alpn',
    'application_protocols, in the order of the client',
    {
      h2: { application_protocols: ['h2'] },
      h1: { application_protocols: ['http/1.1', 'http/1.0'] },
      rest: {},
    },
    [
      { alpn: ['h2'] },
      { alpn: ['http/1.1'] },
      { alpn: ['http/1.1', 'h2'] },
      { alpn: ['x', 'h2'] },
      { alpn: ['x'] },
      { sni: 'a.test' },
    ],
    { tls: ['h2', 'h1', 'rest'], filters: [TLS_INSPECTOR] },
  ),
  table(
    'http-inspector',
    'what http_inspector finds',
    {
      h2: { application_protocols: ['h2c'] },
      h11: { application_protocols: ['http/1.1'] },
      h10: { application_protocols: ['http/1.0'] },
      rest: {},
    },
    [
      { send: 'GET / HTTP/1.1\r\n\r\n' },
      { send: 'GET / HTTP/1.0\r\n\r\n' },
      { send: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' },
      { send: 'hello\r\n' },
      { send: 'GET / HTTP/1.2\r\n\r\n' },
      { send: '\r\nGET / HTTP/1.1\r\n\r\n' },
      { send: 'BREW / HTTP/1.1\r\n\r\n' },
      { send: 'GET /\r\n' },
    ],
    { filters: [HTTP_INSPECTOR] },
  ),
  table(
    'source-type',
    'source_type',
    {
      local: { source_type: 'SAME_IP_OR_LOOPBACK' },
      external: { source_type: 'EXTERNAL' },
    },
    [
      {},
      { from: '127.0.0.1' },
      { from: '127.9.9.9' },
      { from: '10.2.2.2' },
      { from: '::1', to: '::2' },
      { from: '::3', to: '::3' },
    ],
  ),
  table(
    'source',
    'source ranges, then source ports',
    {
      wide: { source_prefix_ranges: ranges('10.0.0.0/8') },
      narrow: { source_prefix_ranges: ranges('10.1.0.0/16') },
      port: { source_prefix_ranges: ranges('10.1.0.0/16'), source_ports: [1000, 1001] },
      onlyport: { source_ports: [2000] },
    },
    [
      {},
      { sport: 1001 },
      { sport: 1002 },
      { from: '10.9.9.9' },
      { from: '11.0.0.1', sport: 2000 },
      { from: '11.0.0.1', sport: 2001 },
      { sport: 2000 },
    ],
  ),
  table(
    'direct-source',
    'direct_source_prefix_ranges see the peer of the connection',
    {
      direct: { direct_source_prefix_ranges: ranges('127.0.0.0/8') },
      told: { direct_source_prefix_ranges: ranges('10.0.0.0/8') },
      rest: {},
    },
    [{}, { plain: true }],
  ),
  table(
    'order',
    'every condition in its order',
    {
      all: {
        destination_port: 443,
        prefix_ranges: ranges('10.2.0.0/16'),
        server_names: ['a.test'],
        transport_protocol: 'tls',
        application_protocols: ['h2'],
        source_prefix_ranges: ranges('10.1.0.0/16'),
        source_ports: [1000],
      },
      some: {
        destination_port: 443,
        prefix_ranges: ranges('10.2.0.0/16'),
        server_names: ['a.test'],
        transport_protocol: 'tls',
        application_protocols: ['h2'],
      },
      name: { destination_port: 443, prefix_ranges: ranges('10.2.0.0/16'), server_names: ['a.test'] },
      rest: {},
    },
    [
      { sni: 'a.test', alpn: ['h2'] },
      { sni: 'a.test', alpn: ['h2'], sport: 5 },
      { sni: 'a.test', alpn: ['http/1.1'] },
      { sni: 'a.test' },
      { sni: 'b.test' },
      { sni: 'a.test', dport: 444 },
    ],
    { tls: ['all', 'some', 'name', 'rest'], filters: [TLS_INSPECTOR] },
  ),
];
