import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { certificateFacts } from './certificate.ts';
import { compileSanMatch, dnsNameMatches, hasAnyName, hasDnsName } from './san-match.ts';
import type { SanMatch } from './settings.ts';

const altNames = (name: string) =>
  certificateFacts(new X509Certificate(readFileSync(new URL(`fixtures/${name}.pem`, import.meta.url)))).altNames;
const names = altNames('names');
const hostile = altNames('names-hostile');

const match = (sanType: SanMatch['sanType'], matcher: SanMatch['matcher'], oid = '') => ({ sanType, matcher, oid });

describe('compileSanMatch', () => {
  const UPN = '1.3.6.1.4.1.311.20.2.3';
  it.each([
    [match('DNS', { exact: 'a.test' }), true],
    [match('DNS', { exact: 'A.TEST' }), true],
    [match('DNS', { exact: 'x.wild.test' }), true],
    [match('DNS', { exact: 'x.y.wild.test' }), false],
    [match('DNS', { exact: 'wild.test' }), false],
    [match('DNS', { exact: '*.wild.test' }), true],
    [match('DNS', { suffix: '.wild.test' }), true],
    [match('DNS', { prefix: 'a.' }), true],
    [match('DNS', { prefix: 'A.' }), false],
    [match('DNS', { prefix: 'A.', ignoreCase: true }), true],
    [match('DNS', { contains: 'strae' }), true],
    [match('DNS', { exact: 'XN--strae-oqa.test' }), true],
    [match('DNS', { safeRegex: { regex: '[a-c]\\.test' } }), true],
    [match('DNS', { safeRegex: { regex: '\\.test' } }), false],
    // The quoting trap of Node's text form: one name that looks like two.
    [match('DNS', { exact: 'good.test' }), false],
    [match('DNS', { exact: 'evil.test' }), false],
    [match('DNS', { suffix: ', DNS:evil.test' }), true],
    [match('URI', { exact: 'spiffe://x/y' }), true],
    [match('URI', { exact: 'SPIFFE://x/y' }), false],
    [match('URI', { prefix: 'spiffe://x/' }), true],
    [match('EMAIL', { exact: 'me@mail.test' }), true],
    [match('IP_ADDRESS', { exact: '10.1.2.3' }), true],
    [match('IP_ADDRESS', { exact: '2001:db8::1' }), true],
    [match('IP_ADDRESS', { exact: '2001:0db8::1' }), false],
    [match('OTHER_NAME', { exact: 'upn@mesh.test' }, UPN), true],
    [match('OTHER_NAME', { exact: 'upn@mesh.test' }, '1.2.3.4'), false],
    [match('OTHER_NAME', { exact: 'upn@mesh.test' }), false],
    [match('OTHER_NAME', { exact: 'ia5' }, '1.2.3.4'), true],
    // Names count by their type.
    [match('URI', { exact: 'a.test' }), false],
    [match('DNS', { exact: '10.1.2.3' }), false],
    [match('EMAIL', { exact: 'spiffe://x/y' }), false],
  ])('%j → %s', (condition, expected) => expect(names.some(compileSanMatch(condition))).toBe(expected));

  it.each([
    match('DNS', { exact: 'good.test' }),
    match('DNS', { prefix: 'good.test' }),
    match('DNS', { contains: 'evil' }),
    match('DNS', { exact: 'büs.test' }),
    match('DNS', { prefix: 'b' }),
  ])('%j never matches a name with NUL or with bytes that are not ASCII', (condition) => {
    expect(hostile.some(compileSanMatch(condition))).toBe(false);
    expect(hostile.some(compileSanMatch(match('DNS', { exact: 'plain.test' })))).toBe(true);
  });

  it('throws SyntaxError for a bad regular expression', () => {
    expect(() => compileSanMatch(match('DNS', { safeRegex: { regex: '(' } }))).toThrow(SyntaxError);
  });
});

describe('dnsNameMatches', () => {
  it.each([
    ['a.b.test', 'a.b.test', true],
    ['a.b.test', 'A.B.Test', true],
    ['a.b.test', '*.b.test', true],
    ['.b.test', '*.b.test', true],
    ['b.test', '*.b.test', false],
    ['x.a.b.test', '*.b.test', false],
    ['foobar.test', 'foo*.test', true],
    ['foo.test', 'foo*.test', true],
    ['fobar.test', 'foo*.test', false],
    ['foobar.test', 'f*r.test', true],
    ['a.b.test', '*.*.test', false],
    ['ab.test', '*b*.test', false],
    ['a.b.test', 'a.*.test', false],
    ['xn--bcher-kva.test', 'xn--*.test', false],
    ['xn--bcher-kva.test', '*.test', true],
    ['a', '*', false],
    ['test', '*.test', false],
    ['', '*', false],
  ])('%s against the certificate’s %s → %s', (name, pattern, expected) => {
    expect(dnsNameMatches(name, pattern)).toBe(expected);
  });
});

describe('hasAnyName', () => {
  it.each([
    [['x.wild.test'], true],
    [['nobody.test', 'a.test'], true],
    [['10.1.2.3'], true],
    [['spiffe://x/y'], true],
    [['nobody.test'], false],
    [[], false],
  ])('%j → %s', (wanted, expected) => expect(hasAnyName(names, wanted)).toBe(expected));

  it('finds nothing behind a NUL byte', () => {
    expect(hasAnyName(hostile, ['good.test'])).toBe(false);
    expect(hasDnsName(hostile, 'good.test')).toBe(false);
    expect(hasDnsName(hostile, 'plain.test')).toBe(true);
  });
});
