import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { certificateFacts, localCertificateOf, peerCertificateOf } from './certificate.ts';
import { elementAt, elementsOf, integerOf, oidText, timeOf } from './der.ts';
import { x509Facts } from './x509.ts';

const fixture = (name: string) => readFileSync(new URL(`fixtures/${name}.pem`, import.meta.url));
const certificate = (name: string) => new X509Certificate(fixture(name));

describe('peerCertificateOf', () => {
  const names = peerCertificateOf(certificate('names'));

  it('writes the subject as Envoy does: reversed, escaped, unknown attributes as DER', () => {
    expect(names.subject).toBe(
      '1.2.3.4.5=#0C03756E6B,2.5.4.97=#0C026F69,SN=N,GN=G,ST=S,L=L,UID=u,serialNumber=12,DC=org,' +
        'emailAddress=a@b.test,CN=cn=eq,OU=\\C3\\9C \\E2\\82\\AC+OU=\\#hash,' +
        'O=\\ lead\\, \\"quote\\" \\<x\\>\\;\\\\\\ ,C=DE',
    );
    expect(names.issuer).toBe('CN=Names CA,O=Mesh Test');
  });

  it('reads names from DER, so that one name stays one name', () => {
    expect(names.dnsSans).toEqual(['a.test', '*.wild.test', 'DNS:good.test, DNS:evil.test', 'xn--strae-oqa.test']);
    expect(names.uriSans).toEqual(['spiffe://x/y']);
    expect(names.emailSans).toEqual(['me@mail.test']);
    expect(names.ipSans).toEqual(['10.1.2.3', '2001:db8::1', '::ffff:1.2.3.4']);
  });

  it('leaves out names with control characters: they would break header lines', () => {
    const { dnsSans, uriSans } = peerCertificateOf(certificate('names-hostile'));
    expect(dnsSans).toEqual(['b\xc3\xbcs.test', 'plain.test']);
    expect(uriSans).toEqual([]);
  });

  it('tells digests, serial, dates and PEM', () => {
    const x509 = certificate('client');
    const client = peerCertificateOf(x509);
    expect(client.sha256).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase());
    expect(client.sha1).toBe(x509.fingerprint.replaceAll(':', '').toLowerCase());
    expect(client.serial).toBe(x509.serialNumber.toLowerCase());
    expect(client.validFromMs).toBe(Date.parse(x509.validFrom));
    expect(client.validToMs).toBe(Date.parse(x509.validTo));
    expect(client.pem).toBe(fixture('client').toString());
    expect(client.chainPem).toBe(client.pem);
  });

  it('joins the chain in its order', () => {
    const chain = [certificate('chained'), certificate('intermediate')] as const;
    expect(peerCertificateOf(chain[0], chain).chainPem).toBe(chain[0].toString() + chain[1].toString());
  });
});

describe('localCertificateOf', () => {
  it('tells names and subject', () => {
    expect(localCertificateOf(certificate('client'))).toEqual({
      subject: 'CN=client,OU=Clients,O=Mesh Test,ST=Test\\, with comma,C=DE',
      uriSans: ['spiffe://mesh.test/client', 'https://mesh.test/second'],
      dnsSans: ['client.test', 'www.client.test'],
      emailSans: ['client@mesh.test'],
      ipSans: ['10.1.2.3'],
      otherSans: [],
    });
  });

  it('has no names for a certificate without any', () => {
    expect(localCertificateOf(certificate('cn-only'))).toMatchObject({ uriSans: [], dnsSans: [] });
  });
});

describe('x509Facts', () => {
  it('reads other names with their type', () => {
    const others = certificateFacts(certificate('names')).altNames.filter(({ type }) => type === 'OTHER_NAME');
    expect(others.map(({ oid, value }) => [oid, value])).toEqual([
      ['1.3.6.1.4.1.311.20.2.3', 'upn@mesh.test'],
      ['1.2.3.4', 'ia5'],
      ['1.2.3.5', '300'],
      ['1.2.3.6', 'true'],
    ]);
  });

  it('throws RangeError, or reads something, for every truncated and every corrupted certificate', () => {
    const der = certificate('names').raw;
    let refused = 0;
    const attempt = (bytes: Buffer) => {
      try {
        x509Facts(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError);
        refused++;
      }
    };
    for (let length = 0; length < der.length; length++) attempt(der.subarray(0, length));
    expect(refused).toBe(der.length);
    for (let at = 0; at < der.length; at++) {
      for (const value of [0x00, 0x30, 0x80, 0xff]) {
        const bytes = Buffer.from(der);
        bytes[at] = value;
        attempt(bytes);
      }
    }
    expect(refused).toBeGreaterThan(der.length);
  });
});

describe('DER', () => {
  const read = (hex: string) => {
    const bytes = Buffer.from(hex, 'hex');
    return [bytes, elementAt(bytes, 0, bytes.length)] as const;
  };

  it.each([
    ['indefinite length', '308000'],
    ['a length of five bytes', '30850000000000'],
    ['a length beyond the end', '300500'],
    ['a tag of several bytes', '1f8101'],
    ['nothing behind the tag', '30'],
  ])('elementAt refuses %s', (_, hex) => expect(() => read(hex)).toThrow(RangeError));

  it('elementsOf refuses an element that leaves its holder', () => {
    expect(() => elementsOf(...read('30040402aabb'))).not.toThrow();
    expect(() => elementsOf(...read('30040403aabb'))).toThrow(RangeError);
  });

  it.each([
    ['06032a0304', '1.2.3.4'],
    ['0603813403', '2.100.3'],
    ['06092b0601040182371402', '1.3.6.1.4.1.311.20.2'],
  ])('oidText reads %s', (hex, text) => expect(oidText(...read(hex))).toBe(text));

  it('oidText refuses an arc without an end', () => expect(() => oidText(...read('06022a83'))).toThrow(RangeError));

  it.each([
    ['020101', 1n],
    ['0201ff', -1n],
    ['02020080', 128n],
  ])('integerOf reads %s', (hex, value) => expect(integerOf(...read(hex))).toBe(value));

  it('timeOf tells the century of two digits', () => {
    const time = (text: string) =>
      timeOf(...read(`17${text.length.toString(16).padStart(2, '0')}${Buffer.from(text).toString('hex')}`));
    expect(time('490101000000Z')).toBe(Date.UTC(2049, 0, 1));
    expect(time('500101000000Z')).toBe(Date.UTC(1950, 0, 1));
    expect(time('21261231235959Z')).toBe(Date.UTC(2126, 11, 31, 23, 59, 59));
    expect(() => time('4901010000Z')).toThrow(RangeError);
  });
});
