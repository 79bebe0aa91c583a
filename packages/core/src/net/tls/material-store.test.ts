import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { file, path, serverSettings, TestServer, talk } from './fixture.ts';

let directory: string;
let server: TestServer | undefined;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mesh-tls-'));
});
afterEach(() => {
  server?.close();
  server = undefined;
  rmSync(directory, { recursive: true });
});

/** Puts a fixture in place as certificate managers do: written beside, then renamed. */
function put(fixture: string, name: string): void {
  copyFileSync(path(fixture), join(directory, `.${name}.new`));
  renameSync(join(directory, `.${name}.new`), join(directory, name));
}

function inDirectory(folder = directory): object {
  return {
    tls_certificates: [
      { certificate_chain: { filename: join(folder, 'tls.crt') }, private_key: { filename: join(folder, 'tls.key') } },
    ],
  };
}

async function serve(common: object, context: object = {}): Promise<TestServer> {
  server = await new TestServer(serverSettings(common, context)).listen();
  return server;
}

/** How many files and directories this process watches. */
function inotifyWatches(): number {
  const texts = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8');
    } catch {
      return '';
    }
  });
  return texts.join('').match(/^inotify wd:/gm)?.length ?? 0;
}

describe('certificates that change on disk', () => {
  it('serve new handshakes; connections in flight go on, and none is refused meanwhile', async () => {
    put('server.pem', 'tls.crt');
    put('server.key', 'tls.key');
    const proxy = await serve(inDirectory());
    const long = tls.connect({ port: proxy.port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve) => long.once('secureConnect', resolve));

    let subject = '';
    const subjects = new Set<string>();
    const load = async () => {
      while (subject !== 'other server') {
        ({ subject } = await talk(proxy.port));
        subjects.add(subject);
      }
    };
    const workers = [load(), load(), load()];
    put('other-server.key', 'tls.key');
    put('other-server.pem', 'tls.crt');
    await Promise.all(workers);

    expect([...subjects].every((name) => ['server', 'other server'].includes(name))).toBe(true);
    expect(proxy.failures).toEqual([]);
    long.write('still');
    const [reply] = await new Promise<Buffer[]>((resolve) => long.once('data', (...all) => resolve(all)));
    expect(String(reply)).toBe(':still');
    long.destroy();
  });

  it('a pair that does not fit keeps the old one, is told once, and is tried again', async () => {
    put('server.pem', 'tls.crt');
    put('server.key', 'tls.key');
    const proxy = await serve(inDirectory());
    put('other-server.pem', 'tls.crt');
    await proxy.until(() => proxy.count('certificate_reload_failure') > 0);
    expect(await talk(proxy.port)).toMatchObject({ subject: 'server' });
    expect(proxy.messages).toEqual([
      expect.stringContaining('listener.test.ssl: old certificates stay: Failed to load private key'),
    ]);
    put('other-server.key', 'tls.key');
    await proxy.until(() => proxy.count('certificate_reload_success') > 0);
    expect(await talk(proxy.port)).toMatchObject({ subject: 'other server' });
  });

  it.each([
    ['half-written', () => file('server.pem').subarray(0, 300)],
    ['empty', () => Buffer.alloc(0)],
  ])('%s: the old one stays', async (_what, bytes) => {
    put('server.pem', 'tls.crt');
    put('server.key', 'tls.key');
    const proxy = await serve(inDirectory());
    writeFileSync(join(directory, 'tls.crt'), bytes());
    await proxy.until(() => proxy.count('certificate_reload_failure') > 0);
    expect(await talk(proxy.port)).toMatchObject({ subject: 'server' });
  });

  it('follows a symbolic link that is swapped, as Kubernetes does', async () => {
    const release = (name: string, fixture: string) => {
      mkdirSync(join(directory, name));
      copyFileSync(path(`${fixture}.pem`), join(directory, name, 'tls.crt'));
      copyFileSync(path(`${fixture}.key`), join(directory, name, 'tls.key'));
      symlinkSync(name, join(directory, '..data.new'));
      renameSync(join(directory, '..data.new'), join(directory, '..data'));
    };
    release('..one', 'server');
    for (const name of ['tls.crt', 'tls.key']) symlinkSync(join('..data', name), join(directory, name));
    const proxy = await serve(inDirectory());
    release('..two', 'other-server');
    await proxy.until(() => proxy.count('certificate_reload_success') > 0);
    expect(await talk(proxy.port)).toMatchObject({ subject: 'other server' });
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'authorities too: who was let in by the old ones is not, by a session of %s neither',
    async (maxVersion) => {
      put('ca.pem', 'ca.crt');
      const validation_context = { trusted_ca: { filename: join(directory, 'ca.crt') } };
      const proxy = await serve({ validation_context }, { require_client_certificate: true });
      const client = { cert: file('client.pem'), key: file('client.key'), maxVersion };
      const other = { cert: file('client-other.pem'), key: file('client-other.key') };
      const { session } = await talk(proxy.port, client);
      await expect(talk(proxy.port, other)).rejects.toThrow();
      put('other-ca.pem', 'ca.crt');
      await proxy.until(() => proxy.count('certificate_reload_success') > 0);
      expect(await talk(proxy.port, other)).toMatchObject({ reply: expect.stringContaining('hi') });
      await expect(talk(proxy.port, { ...client, session: session as Buffer })).rejects.toThrow();
      expect(proxy.count('session_reused')).toBe(0);
    },
  );

  it('/certs knows what is in use, and forgets it at the end', async () => {
    put('server.pem', 'tls.crt');
    put('server.key', 'tls.key');
    const proxy = await serve(inDirectory());
    const paths = () => proxy.certificates.list().flatMap(({ certificates }) => certificates.map((each) => each.path));
    expect(paths()).toEqual([join(directory, 'tls.crt')]);
    expect(proxy.certificates.daysUntilFirstExpiry(Date.now())).toBeGreaterThan(30_000);
    proxy.close();
    expect(proxy.certificates.list()).toEqual([]);
    server = undefined;
  });

  it.skipIf(!existsSync('/proc/self/fdinfo'))('leave no watch behind when the transport is closed', async () => {
    put('server.pem', 'tls.crt');
    put('server.key', 'tls.key');
    const before = inotifyWatches();
    const proxy = await serve(inDirectory());
    expect(inotifyWatches()).toBe(before + 1);
    proxy.close();
    server = undefined;
    await new Promise((resolve) => setImmediate(resolve));
    expect(inotifyWatches()).toBe(before);
  });

  it('cannot be missing at the start', () => {
    put('server.pem', 'tls.crt');
    put('server.key', 'tls.key');
    const settings = serverSettings(inDirectory());
    rmSync(join(directory, 'tls.key'));
    expect(() => new TestServer(settings)).toThrow(/tls\.key/);
  });
});
