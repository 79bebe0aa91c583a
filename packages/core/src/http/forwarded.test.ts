import { describe, expect, it } from 'vitest';
import type { StreamConnection } from '../api/http-stream.ts';
import { http } from '../compose.ts';
import { httpSettings } from '../config/build-http.ts';
import { RequestHead, Seen } from '../headers/header-map.ts';
import { applyForwarded } from './forwarded.ts';

const PEER: StreamConnection = {
  id: 1,
  remoteIp: '198.51.100.7',
  remotePort: 1,
  localIp: '203.0.113.1',
  localPort: 80,
  secure: false,
};
const SEEN: Record<string, number> = {
  'x-forwarded-for': Seen.forwardedFor,
  'x-forwarded-proto': Seen.forwardedProto,
  'x-request-id': Seen.requestId,
  referer: Seen.referer,
  'x-forwarded-client-cert': Seen.clientCert,
};

/** Applies the rules to a head with these fields, with `seen` as the parser would have set it. */
function apply(fields: [string, string][], options: object = {}, peer = PEER) {
  const head = new RequestHead();
  for (const [name, value] of fields) {
    head.append(name, value);
    head.seen |= SEEN[name] ?? (name.startsWith('x-envoy-') ? Seen.envoy : 0);
  }
  const settings = httpSettings(http({ ...options, filters: [] } as never), 0);
  const origin = applyForwarded(head, peer, settings, { clientIp: '', internal: false, rejectStatus: 0 });
  return { head, ...origin };
}

const internalRange = {
  internalAddressConfig: { unixSockets: false, cidrRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }] },
};

describe('without use_remote_address', () => {
  it('leaves x-forwarded-for alone and takes its last entry for the client', () => {
    const { head, clientIp } = apply([['x-forwarded-for', '192.0.2.1, 192.0.2.2']]);
    expect(head.get('x-forwarded-for')).toBe('192.0.2.1, 192.0.2.2');
    expect(clientIp).toBe('192.0.2.2');
  });
  it('takes the entry that xff_num_trusted_hops says', () => {
    const fields: [string, string][] = [['x-forwarded-for', '192.0.2.1,192.0.2.2,192.0.2.3']];
    expect(apply(fields, { xffNumTrustedHops: 1 }).clientIp).toBe('192.0.2.2');
    expect(apply(fields, { xffNumTrustedHops: 9 }).clientIp).toBe(PEER.remoteIp);
  });
  it('takes the peer when the list is none', () => {
    expect(apply([['x-forwarded-for', 'unknown']]).clientIp).toBe(PEER.remoteIp);
    expect(apply([]).clientIp).toBe(PEER.remoteIp);
  });
  it('sets x-forwarded-proto only when it is missing', () => {
    expect(apply([]).head.get('x-forwarded-proto')).toBe('http');
    expect(apply([['x-forwarded-proto', 'https']]).head.get('x-forwarded-proto')).toBe('https');
  });
  it('believes in an internal client only with exactly one address, and only of a given range', () => {
    expect(apply([['x-forwarded-for', '10.1.2.3']], internalRange).internal).toBe(true);
    expect(apply([['x-forwarded-for', '10.1.2.3,10.1.2.4']], internalRange).internal).toBe(false);
    expect(apply([['x-forwarded-for', '192.0.2.1']], internalRange).internal).toBe(false);
    expect(apply([['x-forwarded-for', '10.1.2.3']]).internal).toBe(false);
    expect(apply([], internalRange, { ...PEER, remoteIp: '10.0.0.1' }).internal).toBe(false);
  });
});

describe('with use_remote_address', () => {
  const edge = { useRemoteAddress: true };
  it('appends the peer with a bare comma, in one field', () => {
    const { head, clientIp } = apply(
      [
        ['x-forwarded-for', '192.0.2.1'],
        ['x-forwarded-for', '192.0.2.2'],
      ],
      edge,
    );
    expect(head.getAll('x-forwarded-for')).toEqual([`192.0.2.1,192.0.2.2,${PEER.remoteIp}`]);
    expect(clientIp).toBe(PEER.remoteIp);
  });
  it('does not append when told so', () => {
    expect(apply([], { ...edge, skipXffAppend: true }).head.has('x-forwarded-for')).toBe(false);
  });
  it('overwrites x-forwarded-proto, unless a trusted proxy stands in front', () => {
    const claimed: [string, string][] = [['x-forwarded-proto', 'https']];
    expect(apply(claimed, edge).head.get('x-forwarded-proto')).toBe('http');
    expect(apply(claimed, { ...edge, xffNumTrustedHops: 1 }).head.get('x-forwarded-proto')).toBe('https');
  });
  it('takes the client of trusted hops from the list', () => {
    const fields: [string, string][] = [['x-forwarded-for', '192.0.2.1,192.0.2.2']];
    expect(apply(fields, { ...edge, xffNumTrustedHops: 1 }).clientIp).toBe('192.0.2.2');
    expect(apply(fields, { ...edge, xffNumTrustedHops: 2 }).clientIp).toBe('192.0.2.1');
  });
  it('tells the service the external address', () => {
    expect(apply([], edge).head.get('x-envoy-external-address')).toBe(PEER.remoteIp);
    const inside = apply([], { ...edge, ...internalRange }, { ...PEER, remoteIp: '10.0.0.1' });
    expect([inside.internal, inside.head.get('x-envoy-internal')]).toEqual([true, 'true']);
    expect(inside.head.has('x-envoy-external-address')).toBe(false);
  });
});

describe('what a client may not say', () => {
  const forged: [string, string][] = [
    ['x-envoy-internal', 'true'],
    ['x-envoy-upstream-rq-timeout-ms', '1'],
    ['x-envoy-retry-on', '5xx'],
    ['x-envoy-max-retries', '9'],
    ['x-envoy-force-trace', '1'],
    ['x-envoy-original-path', '/admin'],
    ['x-envoy-attempt-count', '3'],
    ['x-forwarded-client-cert', 'By=me'],
  ];
  const left = (options: object, more: [string, string][] = []) =>
    apply([...forged, ...more], options)
      .head.fields.filter((_, i) => i % 2 === 0)
      .filter((name) => forged.some(([key]) => key === name));

  it('is removed for external requests', () => {
    expect(left({})).toEqual(['x-envoy-original-path', 'x-envoy-attempt-count']);
  });
  it('is removed more thoroughly at the edge', () => {
    expect(left({ useRemoteAddress: true })).toEqual(['x-envoy-attempt-count']);
  });
  it('is believed from internal clients, but for who they are', () => {
    const kept = left(internalRange, [['x-forwarded-for', '10.0.0.1']]);
    expect(kept).toContain('x-envoy-upstream-rq-timeout-ms');
    expect(kept.filter((name) => name === 'x-envoy-internal')).toHaveLength(1);
    expect(kept).not.toContain('x-forwarded-client-cert');
  });
  it.each([
    [['https://a.example/b'], true],
    [['not a url'], false],
    [['https://a', 'https://b'], false],
  ])('a referer %j stays: %s', (values, stays) => {
    const { head } = apply((values as string[]).map((value): [string, string] => ['referer', value]));
    expect(head.has('referer')).toBe(stays);
  });
});

describe('x-request-id', () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const mine: [string, string][] = [['x-request-id', 'mine']];
  it('is a random UUID when there is none', () => {
    const ids = Array.from({ length: 2000 }, () => apply([]).head.get('x-request-id') as string);
    expect(ids.every((id) => UUID.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
  });
  it('is kept behind the edge, replaced at the edge, unless it is to be preserved', () => {
    expect(apply(mine).head.get('x-request-id')).toBe('mine');
    expect(apply(mine, { useRemoteAddress: true }).head.get('x-request-id')).toMatch(UUID);
    const preserved = { useRemoteAddress: true, preserveExternalRequestId: true };
    expect(apply(mine, preserved).head.get('x-request-id')).toBe('mine');
  });
  it('is left out when switched off', () => {
    expect(apply([], { generateRequestId: false }).head.has('x-request-id')).toBe(false);
  });
});
