import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { file, ManualClock, path, serverSettings, TestServer, talk } from './fixture.ts';
import type { ServerTlsSettings } from './settings.ts';

const open: TestServer[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function serve(settings: ServerTlsSettings): Promise<TestServer> {
  const server = await new TestServer(settings).listen();
  open.push(server);
  return server;
}

describe('sessions', () => {
  const tls12 = { maxVersion: 'TLSv1.2' } as const;
  const noTicket = { ...tls12, secureOptions: 0x4000 };

  it.each([
    ['tickets of TLS 1.3', {}, {}, true],
    ['tickets of TLS 1.2', {}, tls12, true],
    ['identifiers of TLS 1.2', {}, noTicket, true],
    ['identifiers, tickets switched off', { disable_stateless_session_resumption: true }, tls12, true],
    ['no identifiers', { disable_stateful_session_resumption: true }, noTicket, false],
    [
      'neither',
      { disable_stateless_session_resumption: true, disable_stateful_session_resumption: true },
      tls12,
      false,
    ],
    ['keys of the config', { session_ticket_keys: { keys: [{ inline_string: 'k'.repeat(80) }] } }, {}, true],
  ])('%s', async (_what, context, options, reused) => {
    const server = await serve(serverSettings({}, context));
    const first = await talk(server.port, { ...options, servername: 'a.test' });
    const session = first.session as Buffer;
    const again = await talk(server.port, { ...options, servername: 'a.test', ...(session && { session }) });
    expect(again.reused).toBe(reused);
    expect(server.count('session_reused')).toBe(reused ? 1 : 0);
  });

  it('are taken up by another proxy with the same first ticket key, and by no other', async () => {
    const key = (text: string) => ({ session_ticket_keys: { keys: [{ inline_string: text.repeat(80) }] } });
    const [one, two, three] = [
      await serve(serverSettings({}, key('k'))),
      await serve(serverSettings({}, key('k'))),
      await serve(serverSettings({}, key('x'))),
    ];
    const { session } = await talk(one.port, { servername: 'a.test' });
    expect((await talk(two.port, { session: session as Buffer, servername: 'a.test' })).reused).toBe(true);
    expect((await talk(three.port, { session: session as Buffer, servername: 'a.test' })).reused).toBe(false);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: the peer of a resumed session is verified again',
    async (maxVersion) => {
      const validation_context = { trusted_ca: { filename: path('ca.pem') } };
      const client = { cert: file('client.pem'), key: file('client.key'), maxVersion };
      const server = await serve(serverSettings({ validation_context }, { require_client_certificate: true }));
      const { session } = await talk(server.port, client);
      expect((await talk(server.port, { ...client, session: session as Buffer })).reused).toBe(true);
      expect(server.secured[1]?.tls).toMatchObject({
        resumed: true,
        peerCertificateValidated: true,
        peerCertificate: { dnsSans: ['client.test', 'www.client.test'] },
      });
    },
  );

  it('a refused client gets no session (TLS 1.2: not even the end of its handshake)', async () => {
    const validation_context = { trusted_ca: { filename: path('ca.pem') } };
    const server = await serve(serverSettings({ validation_context }, { require_client_certificate: true }));
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const identity = { cert: file('client-other.pem'), key: file('client-other.key') };
      const where = { port: server.port, host: '127.0.0.1', rejectUnauthorized: false };
      const socket = tls.connect({ ...where, ...identity, maxVersion });
      const seen: string[] = [];
      socket.on('session', () => seen.push('session'));
      if (maxVersion === 'TLSv1.2') socket.on('secureConnect', () => seen.push('secureConnect'));
      socket.on('error', () => {});
      socket.resume();
      await new Promise((resolve) => socket.on('close', resolve));
      expect(seen).toEqual([]);
    }
    expect(server.secured).toEqual([]);
    expect(server.count('fail_verify_error')).toBe(2);
  });

  it('a session without a certificate does not get in where one is required', async () => {
    const key = { session_ticket_keys: { keys: [{ inline_string: 'k'.repeat(80) }] } };
    const open = await serve(serverSettings({}, key));
    const validation_context = { trusted_ca: { filename: path('ca.pem') } };
    const strict = await serve(serverSettings({ validation_context }, { ...key, require_client_certificate: true }));
    const { session } = await talk(open.port);
    await expect(talk(strict.port, { session: session as Buffer })).rejects.toThrow();
    expect(strict.count('fail_verify_no_cert')).toBe(1);
  });

  it('keys of tickets that the config does not give are renewed every day', async () => {
    const clock = new ManualClock();
    const server = await new TestServer(serverSettings(), undefined, clock).listen();
    open.push(server);
    const { session } = await talk(server.port, { servername: 'a.test' });
    const resume = () => talk(server.port, { servername: 'a.test', session: session as Buffer });
    clock.advance(23 * 3_600_000);
    expect((await resume()).reused).toBe(true);
    clock.advance(2 * 3_600_000);
    expect((await resume()).reused).toBe(false);
  });
});
