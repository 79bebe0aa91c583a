import { describe, expect, it } from 'vitest';
import { rbacRules } from '../config/rbac.ts';
import { RequestHead } from '../headers/header-map.ts';
import { denialDetails, RbacEngine } from './engine.ts';
import type { RbacSettings } from './settings.ts';
import type { RbacSubject } from './subject.ts';

const head = new RequestHead();
head.rawMethod = 'GET';
head.rawPath = '/a/b?c';
head.set('x-role', 'admin');

const peerCertificate = {
  subject: 'CN=me,O=us',
  uriSans: ['spiffe://us/me'],
  dnsSans: ['me.test'],
  sha256: '',
  pem: '',
  chainPem: '',
};

const subject: RbacSubject = {
  localIp: '10.1.2.3',
  localPort: 443,
  remoteIp: '192.0.2.7',
  connectionIp: '2001:db9::1',
  directRemoteIp: '2001:db8::1',
  serverName: 'api.test',
  tls: { peerCertificate } as unknown as RbacSubject['tls'],
  info: { metadata: new Map([['ns', { tier: 'gold' }]]), filterState: new Map([['who', 'me']]) },
  requestHeaders: head,
};
const plain: RbacSubject = { ...subject, tls: undefined, requestHeaders: undefined };

function engine(permission: object, principal: object, action = 'ALLOW'): RbacEngine {
  const policies = { p: { permissions: [permission], principals: [principal] } };
  return new RbacEngine(rbacRules.parse({ action, policies }) as RbacSettings);
}

const any = { any: true };
const range = (address_prefix: string, prefix_len: number) => ({ address_prefix, prefix_len });
const metadata = (value: string) => ({
  filter: 'ns',
  path: [{ key: 'tier' }],
  value: { string_match: { exact: value } },
});

describe('RbacEngine permission', () => {
  it.each<[object, boolean]>([
    [any, true],
    [{ not_rule: any }, false],
    [{ and_rules: { rules: [any, { destination_port: 443 }] } }, true],
    [{ and_rules: { rules: [any, { destination_port: 80 }] } }, false],
    [{ or_rules: { rules: [{ destination_port: 80 }, { destination_port: 443 }] } }, true],
    [{ or_rules: { rules: [{ destination_port: 80 }, { destination_port: 81 }] } }, false],
    [{ destination_ip: range('10.1.0.0', 16) }, true],
    [{ destination_ip: range('10.2.0.0', 16) }, false],
    [{ destination_ip: range('::', 0) }, false],
    [{ destination_port_range: { start: 443, end: 444 } }, true],
    [{ destination_port_range: { start: 400, end: 443 } }, false],
    [{ requested_server_name: { suffix: '.test' } }, true],
    [{ requested_server_name: { exact: 'www.test' } }, false],
    [{ metadata: metadata('gold') }, true],
    [{ metadata: metadata('iron') }, false],
    [{ header: { name: 'x-role', string_match: { exact: 'admin' } } }, true],
    [{ header: { name: 'x-role', string_match: { exact: 'user' } } }, false],
    [{ url_path: { path: { exact: '/a/b' } } }, true],
    [{ url_path: { path: { exact: '/a/b?c' } } }, false],
  ])('%j: %s', (permission, allowed) => {
    expect(engine(permission, any).judge(subject).allowed).toBe(allowed);
  });
});

describe('RbacEngine principal', () => {
  it.each<[object, boolean]>([
    [any, true],
    [{ not_id: any }, false],
    [{ and_ids: { ids: [any, { not_id: any }] } }, false],
    [{ or_ids: { ids: [any, { not_id: any }] } }, true],
    [{ remote_ip: range('192.0.2.0', 24) }, true],
    [{ direct_remote_ip: range('192.0.2.0', 24) }, false],
    [{ direct_remote_ip: range('2001:db8::', 32) }, true],
    [{ source_ip: range('2001:db9::', 32) }, true],
    [{ source_ip: range('2001:db8::', 32) }, false],
    [{ authenticated: {} }, true],
    [{ authenticated: { principal_name: { exact: 'spiffe://us/me' } } }, true],
    [{ authenticated: { principal_name: { exact: 'me.test' } } }, true],
    [{ authenticated: { principal_name: { exact: 'CN=me,O=us' } } }, true],
    [{ authenticated: { principal_name: { exact: 'you.test' } } }, false],
    [{ filter_state: { key: 'who', string_match: { exact: 'me' } } }, true],
    [{ filter_state: { key: 'whom', string_match: { exact: 'me' } } }, false],
    [{ metadata: metadata('gold') }, true],
    [{ header: { name: 'x-role', present_match: true } }, true],
    [{ url_path: { path: { prefix: '/b' } } }, false],
  ])('%j: %s', (principal, allowed) => {
    expect(engine(any, principal).judge(subject).allowed).toBe(allowed);
  });

  it.each<[object]>([
    [{ authenticated: {} }],
    [{ authenticated: { principal_name: { prefix: 'm' } } }],
    [{ header: { name: 'x-role', present_match: true } }],
    [{ url_path: { path: { prefix: '/' } } }],
  ])('%j fails without TLS and request', (principal) => {
    expect(engine(any, principal).judge(plain).allowed).toBe(false);
  });
});

describe('RbacEngine action', () => {
  it.each<[string, boolean, boolean]>([
    ['ALLOW', true, false],
    ['DENY', false, true],
    ['LOG', true, true],
  ])('%s: a match %s, none %s', (action, match, none) => {
    expect(engine(any, any, action).judge(subject).allowed).toBe(match);
    expect(engine(any, { not_id: any }, action).judge(subject).allowed).toBe(none);
  });

  it('the first policy by name counts', () => {
    const policy = { permissions: [any], principals: [any] };
    const rules = rbacRules.parse({ action: 'DENY', policies: { b: policy, 'a b': policy } }) as RbacSettings;
    expect(denialDetails(new RbacEngine(rules).judge(subject))).toBe('rbac_access_denied_matched_policy[a_b]');
  });
});

describe('rbacRules', () => {
  it.each<[object, string]>([
    [{ permissions: [{}], principals: [any] }, 'needs one of'],
    [{ permissions: [any], principals: [] }, 'needs at least 1 item'],
    [{ permissions: [{ and_rules: { rules: [] } }], principals: [any] }, 'needs at least 1 item'],
    [{ permissions: [{ uri_template: {} }], principals: [any] }, 'known to Envoy'],
    [{ permissions: [any], principals: [any], condition: {} }, 'CEL'],
  ])('%j: %s', (policy, message) => {
    const result = rbacRules.safeParse({ policies: { p: policy } });
    expect(JSON.stringify(result.error?.issues)).toContain(message);
  });
});
