import { expect, it } from 'vitest';
import { jsonPieces } from './json-pieces.ts';
import { redact, redactBootstrap } from './redact.ts';

it('redact blanks private keys and secrets at any depth and leaves the rest', () => {
  const config = {
    name: 'l',
    chains: [
      {
        tls_certificates: [
          {
            certificate_chain: { inline_string: 'PUBLIC' },
            private_key: { inline_bytes: 'AAAA' },
            password: { inline_string: 'pw' },
          },
        ],
        privateKey: { inlineBytes: 'BBBB', filename: '/k.pem' },
      },
    ],
    generic_secret: { secret: { inline_string: 's3' } },
    session_ticket_keys: { keys: [{ inline_string: 'k1' }] },
    count: 3,
  };
  const copy = redact(config);
  expect(copy).toEqual({
    name: 'l',
    chains: [
      {
        tls_certificates: [
          {
            certificate_chain: { inline_string: 'PUBLIC' },
            private_key: { inline_bytes: 'W3JlZGFjdGVkXQ==' },
            password: { inline_string: '[redacted]' },
          },
        ],
        privateKey: { inlineBytes: 'W3JlZGFjdGVkXQ==', filename: '[redacted]' },
      },
    ],
    generic_secret: { secret: { inline_string: '[redacted]' } },
    session_ticket_keys: { keys: [{ inline_string: '[redacted]' }] },
    count: 3,
  });
  expect(config.generic_secret.secret.inline_string).toBe('s3');
});

it.each(['static_resources', 'staticResources'])('redactBootstrap copies %s while they are printed', (key) => {
  const cluster = (n: number) => ({ name: `c${n}`, private_key: { inline_string: 'k' }, list: [{ password: 'p' }] });
  const config = {
    node: { id: 'n' },
    [key]: { clusters: Array.from({ length: 100 }, (_, n) => cluster(n)), secrets: [], x: { password: 'p' } },
    admin: { generic_secret: { a: 's' } },
  };
  const whole = JSON.stringify({ configs: [{ bootstrap: redact(config) }] }, undefined, 1);
  const pieces = [...jsonPieces({ configs: [{ bootstrap: redactBootstrap(config) }] })];
  expect(pieces.join('')).toBe(`${whole}\n`);
  expect(whole).not.toMatch(/"[kps]"$/m);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(400);
});
