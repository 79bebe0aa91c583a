import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AdminContext } from '../context.ts';
import { certificateRoutes } from './certs.ts';

function entry(name: string) {
  const path = new URL(`../../net/tls/fixtures/${name}`, import.meta.url).pathname;
  return { path: name, certificate: new X509Certificate(readFileSync(path)) };
}

async function ask(contexts: ReturnType<NonNullable<AdminContext['certificates']>> | undefined): Promise<unknown> {
  const context = (contexts === undefined ? {} : { certificates: () => contexts }) as AdminContext;
  const request = { path: '/certs', query: new Map(), body: '' };
  const reply = await certificateRoutes[0]?.handle(request, context);
  return JSON.parse(String(reply?.body));
}

describe('/certs', () => {
  it('is empty without TLS', async () => {
    expect(await ask(undefined)).toEqual({ certificates: [] });
  });

  it('prints what Envoy prints', async () => {
    const server = entry('server.pem');
    const answer = await ask([{ authorities: [entry('ca.pem')], certificates: [server, entry('server-expired.pem')] }]);
    expect(answer).toMatchObject({
      certificates: [
        {
          ca_cert: [{ path: 'ca.pem', subject_alt_names: [] }],
          cert_chain: [
            {
              path: 'server.pem',
              serial_number: server.certificate.serialNumber.toLowerCase(),
              subject_alt_names: [
                { dns: 'a.test' },
                { dns: 'b.test' },
                { dns: '*.wild.test' },
                { ip_address: '127.0.0.1' },
              ],
              days_until_expiration: expect.stringMatching(/^3[0-9]{4}$/),
            },
            { days_until_expiration: '0', valid_from: '2019-01-01T00:00:00Z', expiration_time: '2020-01-01T00:00:00Z' },
          ],
        },
      ],
    });
  });

  it('prints every kind of name', async () => {
    const answer = await ask([{ authorities: [], certificates: [entry('client.pem')] }]);
    expect(answer).toMatchObject({
      certificates: [
        {
          cert_chain: [
            {
              subject_alt_names: [
                { dns: 'client.test' },
                { dns: 'www.client.test' },
                { uri: 'spiffe://mesh.test/client' },
                { uri: 'https://mesh.test/second' },
                { ip_address: '10.1.2.3' },
              ],
            },
          ],
        },
      ],
    });
  });
});
