import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { filterChain, http, listener, route } from '../compose.ts';
import { defineListenerFilter, defineTerminalHttpFilter } from '../define/index.ts';
import { chooseListener } from './choose-listener.ts';
import { completeRequest, type ExplainRequest } from './request.ts';

const end = defineTerminalHttpFilter({ name: 'end', config: z.object({}), create: () => ({}) });
const inspector = defineListenerFilter({
  name: 'envoy.filters.listener.tls_inspector',
  config: z.object({}),
  create: () => ({}),
});
const web = () => http({ routes: [route('/', undefined, { directResponse: { status: 204 } })], filters: [end()] });

const secured = listener({
  name: 'secured',
  port: 8443,
  listenerFilters: [inspector()],
  filterChains: [
    filterChain({ name: 'a', match: { serverNames: ['a.test'], applicationProtocols: ['h2'] }, http: web(), tls: {} }),
    filterChain({ name: 'wild', match: { serverNames: ['*.test'] }, http: web() }),
    filterChain({
      name: 'ten',
      match: { sourcePrefixRanges: [{ addressPrefix: '10.0.0.0', prefixLen: 8 }] },
      http: web(),
    }),
  ],
});
const plain = listener({ name: 'plain', port: 8080, filterChains: [...secured.filterChains] });

function chosen(request: ExplainRequest): string {
  const { config, chain, note } = chooseListener([secured, plain], completeRequest(request));
  return [config.name, chain.name, ...(note === undefined ? [] : [note])].join(': ');
}

describe('chooseListener', () => {
  it.each<[ExplainRequest, string]>([
    [{ url: 'https://a.test:8443/' }, 'secured: a'],
    [{ url: 'https://A.Test:8443/' }, 'secured: a'],
    [{ url: 'https://b.test:8443/' }, 'secured: wild'],
    [{ url: 'https://b.test:8443/', serverName: 'a.test' }, 'secured: a'],
    [{ url: 'https://127.0.0.1:8443/', sourceIp: '10.1.1.1' }, 'secured: ten'],
    [{ url: 'http://a.test:8443/', sourceIp: '10.1.1.1' }, 'secured: ten'],
    [{ url: 'https://a.test:8080/', sourceIp: '10.1.1.1' }, 'plain: ten'],
  ])('%j comes to the chain of %s', (request, expected) => {
    expect(chosen(request)).toBe(expected);
  });

  it('says what is known of a connection that no chain is for', () => {
    const known = '{"serverName":"","transportProtocol":"raw_buffer","applicationProtocols":[],"remoteIp":"192.0.2.1"}';
    expect(() => chosen({ url: 'http://a.test:8443/' })).toThrow(
      `no filter chain of listener secured is for this connection: ${known}`,
    );
  });

  it('says when a chain expects TLS of a request that has none', () => {
    const tls = listener({ port: 443, http: web(), tls: {} });
    const { note } = chooseListener([tls], completeRequest({ url: 'http://h:443/' }));
    expect(note).toBe('its filter chain expects TLS; the URL is http');
  });
});
