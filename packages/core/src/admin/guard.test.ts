import { describe, expect, it } from 'vitest';
import { refusal } from './guard.ts';

const options = { allowedHosts: ['Admin.internal'] };

describe('refusal', () => {
  it.each([
    { host: '127.0.0.1:8001' },
    { host: '[::1]:8001' },
    { host: 'localhost' },
    { host: 'front-envoy:9901' },
    { host: 'ADMIN.internal:80' },
    { host: 'localhost:1', origin: 'http://localhost:1' },
    { host: 'localhost:1', origin: 'http://localhost:1', 'sec-fetch-site': 'same-origin' },
    { host: '127.0.0.1', 'sec-fetch-site': 'none' },
  ])('lets %o pass', (headers) => {
    expect(refusal(headers, options)).toBeUndefined();
  });

  it.each([
    {},
    { host: '' },
    { host: ':8001' },
    { host: '[localhost].evil.example' },
    { host: 'evil.example#localhost' },
    { host: 'evil.example@localhost:8001', origin: 'http://evil.example' },
    { host: 'localhost:1', origin: 'http://localhost:1.evil.example' },
    { host: 'localhost:1', origin: 'file://localhost:1' },
    { host: 'evil.example:8001' },
    { host: 'localhost.evil.example' },
    { host: '127.0.0.1.evil.example' },
    { host: 'localhost:1', origin: 'http://evil.example' },
    { host: 'localhost:1', origin: 'http://localhost:2' },
    { host: 'localhost:1', origin: 'null' },
    { host: 'localhost:1', 'sec-fetch-site': 'cross-site' },
    { host: 'localhost:1', 'sec-fetch-site': 'same-site' },
  ])('refuses %o', (headers) => {
    expect(refusal(headers, options)).toBeTypeOf('string');
  });
});
