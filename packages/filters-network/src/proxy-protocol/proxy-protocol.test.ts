import { type LiveProxy, testListenerFilter } from '@mesh/testing';
import { describe, expect, it } from 'vitest';
import { exchange, serve, tells } from '../fixture.ts';
import { proxyProtocol } from './index.ts';

type Options = NonNullable<Parameters<typeof proxyProtocol>[0]>;
const GET = 'GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n';
const V1 = 'PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n';
const v2 = (...entries: readonly (readonly [number, Buffer])[]) => {
  const tlvs = entries.map(([type, value]) => Buffer.concat([Buffer.of(type, 0, value.length), value]));
  const body = Buffer.concat([Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 4, 87, 8, 174]), ...tlvs]);
  return Buffer.concat([Buffer.from('0D0A0D0A000D0A515549540A2111', 'hex'), Buffer.of(0, body.length), body]);
};

const behind = (options: Options = {}) =>
  serve({ listenerFilters: [proxyProtocol(options)], filterChains: [tells('x')] });

/** What a request behind `bytes` is answered with; '' when the connection was closed. */
async function ask(proxy: LiveProxy, ...bytes: readonly (string | Buffer)[]): Promise<string> {
  return (await exchange(proxy.port, Buffer.concat([...bytes, GET].map((each) => Buffer.from(each))))).text;
}

const counts = (proxy: LiveProxy, prefix: string, names: readonly string[]) =>
  Object.fromEntries(
    names.flatMap((name) => {
      const value = proxy.stats(`${prefix}${name}`);
      return value === 0 ? [] : [[name, value]];
    }),
  );

const NAMES = ['v1', 'v2'].flatMap((version) =>
  ['found', 'error', 'disallowed'].map((what) => `versions.${version}.${what}`),
);
const ALL = [...NAMES, 'not_found_allowed', 'not_found_disallowed'];

describe('proxyProtocol', () => {
  it.each([
    ['v1', Buffer.from(V1)],
    ['v2', v2()],
  ])('%s: its addresses count from then on', async (version, bytes) => {
    const proxy = await behind();
    const text = await ask(proxy, bytes);
    expect(text).toContain('x-remote: 1.2.3.4 1111\r\nx-local: 5.6.7.8 2222\r\nx-direct: 127.0.0.1\r\n');
    expect(counts(proxy, 'proxy_proto.', ALL)).toEqual({ [`versions.${version}.found`]: 1 });
  });

  it.each<[string, Options, string | Buffer, boolean, Record<string, number>, number]>([
    ['none, where one is needed', {}, '', false, { not_found_disallowed: 1 }, 1],
    ['none', { allowRequestsWithoutProxyProtocol: true }, '', true, { not_found_allowed: 1 }, 0],
    ['a broken one', { allowRequestsWithoutProxyProtocol: true }, 'PROXY x\r\n', false, { 'versions.v1.error': 1 }, 1],
    [
      'a version that is not allowed',
      { disallowedVersions: ['V1'] },
      V1,
      false,
      { 'versions.v1.found': 1, 'versions.v1.disallowed': 1 },
      0,
    ],
    ['the other version', { disallowedVersions: ['V2'] }, V1, true, { 'versions.v1.found': 1 }, 0],
  ])('%s with %o', async (_, options, bytes, served, expected, errors) => {
    const proxy = await behind(options);
    expect((await ask(proxy, bytes)).startsWith('HTTP/1.1 200')).toBe(served);
    expect(counts(proxy, 'proxy_proto.', ALL)).toEqual(expected);
    expect(proxy.stats('downstream_cx_proxy_proto_error')).toBe(errors);
  });

  it('a version that is not allowed is none, where none is needed', async () => {
    const proxy = await behind({ disallowedVersions: ['V2'], allowRequestsWithoutProxyProtocol: true });
    expect(await ask(proxy, v2())).toMatch(/^HTTP\/1\.1 400/);
    expect(counts(proxy, 'proxy_proto.', ALL)).toEqual({ not_found_allowed: 1 });
  });

  it('stat_prefix stands in the names of its counters', async () => {
    const proxy = await behind({ statPrefix: 'q' });
    await ask(proxy, V1);
    expect(counts(proxy, 'proxy_proto.q.', ALL)).toEqual({ 'versions.v1.found': 1 });
  });

  it('entries become metadata by the rules, the first of a type, as text', async () => {
    const proxy = await behind({
      rules: [
        { tlvType: 2, onTlvPresent: { key: 'authority' } },
        { tlvType: 0xe0, onTlvPresent: { metadataNamespace: 'own', key: 'bytes' } },
        { tlvType: 5 },
      ],
    });
    const bytes = v2(
      [2, Buffer.from('one')],
      [2, Buffer.from('two')],
      [0xe0, Buffer.from('ff0001c3a4c37ae282', 'hex')],
      [9, Buffer.from('x')],
    );
    const metadata = /x-metadata: (.*)\r/.exec(await ask(proxy, bytes))?.[1] ?? '';
    const text = decodeURIComponent(metadata);
    expect(JSON.parse(text)).toMatchObject({
      'envoy.filters.listener.proxy_protocol': { authority: 'one' },
      own: { bytes: '!\0\x01ä!z!!' },
    });
    expect(text).not.toContain('two');
  });

  it.each([
    ['v1', Buffer.from(V1)],
    ['v2', v2([2, Buffer.from('x')])],
  ])('%s: nothing depends on how a header is cut', async (version, bytes) => {
    const rules = [{ tlvType: 2, onTlvPresent: { key: 'k' } }];
    const t = testListenerFilter(proxyProtocol({ rules }));
    const { found, outcome, rest } = await t.everyCut(Buffer.concat([bytes, Buffer.from(GET)]));
    expect([outcome, found.remoteIp, found.remotePort, found.localIp, found.localPort]).toEqual([
      'accepted',
      '1.2.3.4',
      1111,
      '5.6.7.8',
      2222,
    ]);
    expect([found.directRemoteIp, found.localAddressRestored, String(rest)]).toEqual(['192.0.2.1', true, GET]);
    const kept = version === 'v2' ? { k: 'x' } : undefined;
    expect(found.metadata.get('envoy.filters.listener.proxy_protocol')).toEqual(kept);
  });

  it('waits for the rest of a header, and not for ever', async () => {
    const t = testListenerFilter(proxyProtocol());
    const made = await t.run(V1.slice(0, 20));
    expect(made.outcome).toBe('waiting');
    await t.clock.advanceAsync(15_100);
    expect([made.outcome, made.state]).toEqual(['timeout', 'reset']);
  });
});
