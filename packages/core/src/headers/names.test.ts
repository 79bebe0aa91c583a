import { describe, expect, it } from 'vitest';
import { findKnownName, HASH_SEED, NameKind, TOKEN } from './names.ts';
import { checkField, isFieldValue, isToken } from './validate.ts';

/** Finds a name as the parser does: with the rolling hash over its lower-case bytes. */
function find(name: string) {
  const bytes = Buffer.from(name, 'latin1');
  let hash = HASH_SEED;
  for (const byte of bytes) hash = (Math.imul(hash, 33) ^ (TOKEN[byte] as number)) | 0;
  return findKnownName(bytes, 0, bytes.length, hash);
}

describe('findKnownName', () => {
  it('gives the same lower-case string for every case', () => {
    expect(find('Content-Type')?.name).toBe('content-type');
    expect(find('CONTENT-TYPE')).toBe(find('content-type'));
  });

  it.each([
    ['Host', NameKind.host],
    ['Content-Length', NameKind.contentLength],
    ['Transfer-Encoding', NameKind.transferEncoding],
    ['connection', NameKind.connection],
    ['x-envoy-retry-on', NameKind.envoy],
    ['x-forwarded-for', NameKind.forwardedFor],
    ['accept', NameKind.ordinary],
  ])('%s has its kind', (name, kind) => {
    expect(find(name)?.kind).toBe(kind);
  });

  it.each(['x-unknown', 'hos', 'hostx', 'content_length', '', '__proto__', 'constructor'])(
    'does not know %j',
    (name) => {
      expect(find(name)).toBeUndefined();
    },
  );

  it('a name with the hash of another is not taken for it', () => {
    const bytes = Buffer.from('xost');
    const host = Buffer.from('host');
    let hash = HASH_SEED;
    for (const byte of host) hash = (Math.imul(hash, 33) ^ byte) | 0;
    expect(findKnownName(bytes, 0, 4, hash)).toBeUndefined();
    expect(findKnownName(host, 0, 4, hash)?.name).toBe('host');
  });
});

describe('TOKEN', () => {
  it('holds exactly the tchars of RFC 9110 5.6.2', () => {
    for (let byte = 0; byte < 256; byte++) {
      const char = String.fromCharCode(byte);
      const expected = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]$/.test(char) ? char.toLowerCase().charCodeAt(0) : 0;
      expect(TOKEN[byte], `byte ${byte}`).toBe(expected);
    }
  });
});

describe('isToken', () => {
  it.each(['a', 'X-A', "!#$%&'*+-.^_`|~09az"])('takes %j', (text) => expect(isToken(text)).toBe(true));
  it.each(['', ' a', 'a ', 'a:b', 'a/b', 'é', '\u212a', '\0'])('refuses %j', (text) =>
    expect(isToken(text)).toBe(false),
  );
});

describe('isFieldValue', () => {
  it('takes HTAB, SP, visible characters and obs-text, and nothing else', () => {
    for (let code = 0; code < 0x180; code++) {
      const legal = code === 9 || (code >= 32 && code !== 127 && code < 256);
      expect(isFieldValue(String.fromCharCode(code)), `code ${code}`).toBe(legal);
    }
  });
});

describe('checkField', () => {
  it('names what is wrong', () => {
    expect(() => checkField('a b', 'x')).toThrow('invalid header name "a b"');
    expect(() => checkField('a', 'x\r\n')).toThrow('invalid value for header a: "x\\r\\n"');
  });
});
