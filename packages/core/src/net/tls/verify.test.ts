import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { chainErrorText } from './chain-error.ts';
import { trustedWhateverItsDates } from './expired-chain.ts';
import { file } from './fixture.ts';
import type { ValidationSettings } from './settings.ts';
import { type PeerEvidence, PeerVerifier } from './verify.ts';

const certificate = (name: string) => new X509Certificate(file(`${name}.pem`));
const CA = { label: 'ca.pem' };

function settings(given: Partial<ValidationSettings> = {}): ValidationSettings {
  return {
    trustedCa: CA,
    systemRootCerts: false,
    verifyCertificateSpki: [],
    verifyCertificateHash: [],
    subjectAltNames: [],
    allowExpiredCertificate: false,
    acceptUntrusted: false,
    onlyVerifyLeafCertCrl: false,
    ...given,
  };
}

/** What a client has shown. */
function evidence(name: string, chainError?: string, chain: readonly string[] = []): PeerEvidence {
  const leaf = certificate(name);
  return { leaf, chainError, purpose: 'client', chain: () => [leaf, ...chain.map(certificate)] };
}

const name = (exact: string) => ({ sanType: 'URI' as const, matcher: { exact }, oid: '' });

describe('PeerVerifier', () => {
  it.each<[string, Partial<ValidationSettings> | undefined, boolean, boolean]>([
    ['nothing', undefined, false, false],
    ['an empty context', { trustedCa: undefined }, false, false],
    ['authorities', {}, true, false],
    ['the authorities of the system', { trustedCa: undefined, systemRootCerts: true }, true, false],
    ['names', { subjectAltNames: [name('a')] }, true, true],
    ['hashes', { trustedCa: undefined, verifyCertificateHash: ['00'] }, true, true],
    ['keys', { trustedCa: undefined, verifyCertificateSpki: ['00'] }, true, true],
    ['untrusted ones', { trustedCa: undefined, acceptUntrusted: true }, true, false],
    ['untrusted ones, and names', { subjectAltNames: [name('a')], acceptUntrusted: true }, true, false],
  ])('with %s, wants and needs a certificate as Envoy does', (_what, given, wants, needs) => {
    const verifier = new PeerVerifier(given && settings(given));
    expect([verifier.wantsCertificate, verifier.needsCertificate]).toEqual([wants, needs]);
  });

  it('refuses when there is no certificate', () => {
    const verdict = new PeerVerifier(settings()).verify({ ...evidence('client'), leaf: undefined });
    expect(verdict).toMatchObject({ accepted: false, validated: false, stat: 'fail_verify_error' });
  });

  it('refuses when it throws', () => {
    const broken = { ...evidence('client'), leaf: { raw: Buffer.of(0x30) } as X509Certificate };
    expect(new PeerVerifier(settings()).verify(broken)).toMatchObject({ accepted: false, stat: 'fail_verify_error' });
    const chain = () => {
      throw new Error('no chain');
    };
    const verifier = new PeerVerifier(settings({ allowExpiredCertificate: true }));
    const verdict = verifier.verify({ ...evidence('client-expired', 'CERT_HAS_EXPIRED'), chain });
    expect(verdict).toMatchObject({ accepted: false, stat: 'fail_verify_error' });
  });

  it('asks for names, then for digests', () => {
    const hash = certificate('client').fingerprint256.replaceAll(':', '').toLowerCase();
    const verifier = new PeerVerifier(
      settings({ subjectAltNames: [name('spiffe://mesh.test/client')], verifyCertificateHash: [hash] }),
    );
    expect(verifier.verify(evidence('client'))).toEqual({ accepted: true, validated: true, stat: '', reason: '' });
    // The same name, of another certificate.
    expect(verifier.verify(evidence('client-other')).stat).toBe('fail_verify_cert_hash');
    expect(verifier.verify(evidence('client-plain')).stat).toBe('fail_verify_san');
    expect(verifier.verify(evidence('client', 'CERT_REVOKED')).stat).toBe('fail_verify_error');
  });

  it.each([
    [0, 'chained', false],
    [1, 'chained', false],
    [2, 'chained', true],
    [undefined, 'chained', true],
    [0, 'client', true],
  ])('max_verify_depth %s, %s → %s', (maxVerifyDepth, leaf, accepted) => {
    const chain = leaf === 'chained' ? ['intermediate', 'ca'] : ['ca'];
    const verdict = new PeerVerifier(settings({ maxVerifyDepth })).verify(evidence(leaf, undefined, chain));
    expect(verdict.accepted).toBe(accepted);
    if (!accepted) expect(verdict.reason).toContain('certificate chain too long');
  });

  it.each<[string, string, string[], string[], boolean]>([
    ['client-expired', 'CERT_HAS_EXPIRED', ['ca'], [], true],
    ['client-expired', 'CERT_NOT_YET_VALID', ['ca'], [], true],
    ['client-expired', 'CERT_HAS_EXPIRED', ['other-ca'], [], false],
    ['client-expired', 'CERT_HAS_EXPIRED', [], [], false],
    ['client-expired', 'CERT_REVOKED', ['ca'], [], false],
    ['client-expired', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', ['ca'], [], false],
    // Behind the date, a revoked certificate could hide.
    ['client-expired', 'CERT_HAS_EXPIRED', ['ca'], ['a list'], false],
  ])('allow_expired_certificate: %s with %s, authorities %j, lists %j → %s', (leaf, error, trusted, crls, accepted) => {
    const anchors = () => ({ authorities: trusted.map(certificate), crls });
    const verifier = new PeerVerifier(settings({ allowExpiredCertificate: true }), anchors);
    expect(verifier.verify(evidence(leaf, error)).accepted).toBe(accepted);
    expect(new PeerVerifier(settings(), anchors).verify(evidence(leaf, error)).accepted).toBe(false);
  });

  it('does not write a certificate’s names into a reason unchecked, nor thousands of them', () => {
    const verifier = new PeerVerifier(settings({ subjectAltNames: [name('nobody')] }));
    const { reason } = verifier.verify(evidence('names-hostile'));
    expect(reason).toBe(
      'verify cert failed: SAN matcher, certificate SANs are ' +
        '[good.test?.evil.test, b??s.test, spiffe://x/??x-evil: yes, plain.test]',
    );
  });
});

describe('trustedWhateverItsDates', () => {
  it.each<[string, string[], string[], 'server' | 'client', boolean]>([
    ['server', [], ['ca'], 'server', true],
    ['server', [], ['other-ca'], 'server', false],
    ['server', [], [], 'server', false],
    ['server', [], ['server'], 'server', true],
    ['chained', ['intermediate'], ['ca'], 'server', true],
    ['chained', ['ca', 'intermediate', 'server'], ['ca'], 'server', true],
    ['chained', [], ['ca'], 'server', false],
    ['chained', [], ['intermediate'], 'server', true],
    ['chained', ['intermediate'], ['other-ca'], 'server', false],
    // Authorities that the peer brings along are not trusted for that.
    ['client-other', ['other-ca'], ['ca'], 'client', false],
    ['names-rogue', ['names'], ['names-ca'], 'server', false],
    ['names-rogue', [], ['names'], 'server', false],
    ['names-server', [], ['names-ca'], 'server', true],
    ['names-server', [], ['names-ca'], 'client', false],
    ['names-below', ['names-limited'], ['names-ca'], 'server', false],
  ])('%s with %j, trusting %j, as a %s → %s', (leaf, presented, trusted, purpose, expected) => {
    const [chain, authorities] = [presented.map(certificate), trusted.map(certificate)];
    expect(trustedWhateverItsDates(certificate(leaf), chain, authorities, purpose)).toBe(expected);
  });
});

describe('chainErrorText', () => {
  it.each([
    ['CERT_HAS_EXPIRED', 'certificate has expired'],
    ['CERT_REVOKED', 'certificate revocation check against provided CRLs failed: certificate revoked'],
    ['SOMETHING_ELSE', 'something else'],
  ])('%s', (code, words) => {
    expect(chainErrorText(code)).toBe(`X509_verify_cert: certificate verification error at depth 0: ${words}`);
  });
});
