import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { NonceUpstream } from './nonce.ts';
import { eventually, SPEECHES, startWeb, statsOf, type Web } from './web.ts';

const FIXTURES = new URL('../../packages/core/src/net/tls/fixtures/', import.meta.url).pathname;
const PAIRS = ['server', 'other-server'] as const;
const SWAPS = Number(process.env.CERTIFICATE_SWAPS ?? 8);
/** Longer than changes are gathered for. */
const SWAP_EVERY_MS = 130;
const ASK_EVERY_MS = 5;

interface Seen {
  readonly certificates: Set<string>;
  asked: number;
  answered: number;
  readonly failures: string[];
}

/** One handshake and one request. */
function ask(port: number, seen: Seen): Promise<void> {
  seen.asked++;
  return new Promise((resolve) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] });
    let text = '';
    socket.on('secureConnect', () => {
      seen.certificates.add(socket.getPeerCertificate().fingerprint256);
      socket.write('GET /h1/n./length/2 HTTP/1.1\r\nhost: localhost\r\nx-nonce: n.\r\nconnection: close\r\n\r\n');
    });
    socket.on('data', (part) => {
      text += part.toString('latin1');
    });
    socket.on('error', (error) => seen.failures.push(error.message));
    socket.on('close', () => {
      if (text.startsWith('HTTP/1.1 200')) seen.answered++;
      else seen.failures.push(text.split('\r\n')[0] ?? '');
      resolve();
    });
  });
}

/** Ways to put the pair `name` in the place of the one in force. */
const SWAP_WAYS: readonly [string, (folder: string, name: string, at: number) => void][] = [
  [
    'files are replaced one after the other',
    (folder, name) => {
      for (const [end, to] of [
        ['pem', 'chain.pem'],
        ['key', 'key.pem'],
      ] as const) {
        copyFileSync(`${FIXTURES}${name}.${end}`, join(folder, `new-${to}`));
        renameSync(join(folder, `new-${to}`), join(folder, to));
      }
    },
  ],
  [
    'files are written in place, with half of them in between',
    (folder, name) => {
      writeFileSync(join(folder, 'chain.pem'), '-----BEGIN CERTIFICATE-----\nMIIB');
      setTimeout(() => {
        copyFileSync(`${FIXTURES}${name}.key`, join(folder, 'key.pem'));
        copyFileSync(`${FIXTURES}${name}.pem`, join(folder, 'chain.pem'));
      }, SWAP_EVERY_MS / 2);
    },
  ],
  [
    'a symbolic link to their directory is swapped',
    (folder, name, at) => {
      const version = `..v${at}`;
      mkdirSync(join(folder, version));
      copyFileSync(`${FIXTURES}${name}.pem`, join(folder, version, 'chain.pem'));
      copyFileSync(`${FIXTURES}${name}.key`, join(folder, version, 'key.pem'));
      symlinkSync(version, join(folder, '..data_new'));
      renameSync(join(folder, '..data_new'), join(folder, '..data'));
    },
  ],
];

describe('certificates swapped under load', () => {
  let web: Web;
  let upstream: NonceUpstream;
  let folder: string;

  afterEach(async () => {
    await web.mesh.stop();
    await upstream.close();
    rmSync(folder, { recursive: true });
  });

  it.each(SWAP_WAYS)('no handshake or request fails while %s', { timeout: 30_000 }, async (_way, swap) => {
    folder = mkdtempSync(join(tmpdir(), 'mesh-certs-'));
    if (swap === SWAP_WAYS[2]?.[1]) {
      swap(folder, PAIRS[0], 0);
      for (const name of ['chain.pem', 'key.pem']) symlinkSync(`..data/${name}`, join(folder, name));
    } else {
      copyFileSync(`${FIXTURES}${PAIRS[0]}.pem`, join(folder, 'chain.pem'));
      copyFileSync(`${FIXTURES}${PAIRS[0]}.key`, join(folder, 'key.pem'));
    }
    const h1 = SPEECHES.h1 as (typeof SPEECHES)[string];
    upstream = await NonceUpstream.start(h1);
    web = await startWeb({
      clusters: { h1: { speech: h1, ports: [upstream.port] } },
      certificate: { chain: join(folder, 'chain.pem'), key: join(folder, 'key.pem') },
    });
    const seen: Seen = { certificates: new Set(), asked: 0, answered: 0, failures: [] };
    const all: Promise<void>[] = [];
    const asking = setInterval(() => all.push(ask(web.tls, seen)), ASK_EVERY_MS);
    for (let at = 1; at <= SWAPS; at++) {
      swap(folder, PAIRS[at % 2] as string, at);
      await new Promise((resolve) => setTimeout(resolve, SWAP_EVERY_MS));
    }
    clearInterval(asking);
    await Promise.all(all);
    expect(seen.failures).toEqual([]);
    expect(seen.answered).toBe(seen.asked);
    expect(seen.asked).toBeGreaterThan(SWAPS * 3);
    expect(seen.certificates.size).toBe(2);
    const reloads = [...(await statsOf(web.mesh))].filter(([name]) => name.includes('certificate_reload_success'));
    expect(Math.max(...reloads.map(([, value]) => value))).toBeGreaterThan(SWAPS / 4);
    expect(
      await eventually(
        async () =>
          [...(await statsOf(web.mesh))].every(
            ([name, value]) => name !== 'http.ingress_http.downstream_cx_active' || value === 0,
          ),
        2000,
      ),
    ).toBe(true);
  });
});
