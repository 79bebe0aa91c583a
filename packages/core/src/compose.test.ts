import { describe, expect, it } from 'vitest';
import { cluster, http, listener, route, virtualHost } from './compose.ts';

describe('compose', () => {
  it('listener refuses a misspelt option and suggests the right one', () => {
    expect(() => listener({ port: 1, tcpBacklog: 5 } as never)).toThrow(
      'listener: unknown option tcpBacklog (did you mean "tcpBacklogSize"?)',
    );
  });

  it('http names the place of a misspelt nested option', () => {
    const options = { filters: [], commonHttpProtocolOptions: { idleTimeoutMS: 5 } };
    expect(() => http(options as never)).toThrow('http.commonHttpProtocolOptions: unknown option idleTimeoutMS');
  });

  it('cluster tells a name among static endpoints', () => {
    expect(() => cluster('a', { endpoints: ['localhost:80'] })).toThrow("names need type: 'STRICT_DNS'");
  });

  it.each(['127.0.0.1', '127.0.0.1:99999', ':80', 'a b:80'])('cluster refuses the endpoint %s', (text) => {
    expect(() => cluster('a', { endpoints: [text] })).toThrow('is not host:port');
  });

  it('cluster takes IPv6 and unix endpoints', () => {
    const { loadAssignment } = cluster('a', { endpoints: ['[::1]:80', 'unix:/tmp/a.sock'] });
    const addresses = loadAssignment?.endpoints[0]?.lbEndpoints.map(({ endpoint }) => endpoint?.address);
    expect(addresses).toMatchObject([
      { socketAddress: { address: '::1', portValue: 80 } },
      { pipe: { path: '/tmp/a.sock' } },
    ]);
  });

  it('listener refuses a host that is no address', () => {
    expect(() => listener({ host: 'localhost', port: 1 })).toThrow('is not an IP address');
  });

  it('route without a cluster takes the action of its options, with the defaults filled in', () => {
    const clusters = [
      { name: 'a', weight: 9 },
      { clusterHeader: 'x', weight: 1 },
    ];
    expect(route('/a', undefined, { route: { weightedClusters: { clusters } } }).route).toMatchObject({
      timeoutMs: 15_000,
      weightedClusters: { runtimeKeyPrefix: '', clusters: [{ name: 'a', clusterHeader: '' }, { name: '' }] },
    });
    const retryPolicy = { retryOn: '5xx', retryHostPredicate: [] };
    expect(route('/a', 'b', { route: { retryPolicy } }).route).toMatchObject({
      cluster: 'b',
      retryPolicy: { numRetries: 1 },
    });
    expect(route('/a', undefined, { redirect: { pathRedirect: '/b' } as never }).route).toBeUndefined();
  });

  it('route fills in the defaults of Envoy', () => {
    expect(route('/a', 'b')).toMatchObject({
      match: { prefix: '/a', caseSensitive: true },
      route: { cluster: 'b', timeoutMs: 15_000 },
    });
  });

  it('virtualHost keeps its domains', () => {
    expect(virtualHost('v', { domains: ['a.test'], routes: [] })).toMatchObject({ name: 'v', domains: ['a.test'] });
  });
});
