/** What the tests of TLS share: certificates, a transport on a real port, clients. */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../api/clock.ts';
import { serverTlsSettings } from '../../config/tls/build.ts';
import { transportSocketDownstream } from '../../config/tls/transport-socket.ts';
import { systemClock } from '../../runtime/clock.ts';
import { TimerWheel } from '../../runtime/timer-wheel.ts';
import { StatsStore } from '../../stats/index.ts';
import type { SecuredSocket, ServerTransport } from '../transport.ts';
import { CertificateRegistry } from './certificate-registry.ts';
import { serverTlsTransport } from './server.ts';
import type { ServerTlsSettings } from './settings.ts';

/** Path of a fixture. */
export function path(name: string): string {
  return new URL(`./fixtures/${name}`, import.meta.url).pathname;
}

/** Contents of a fixture. */
export function file(name: string): Buffer {
  return readFileSync(path(name));
}

/** A `tls_certificates` entry of the fixtures `<name>.pem` and `<name>.key`. */
export function pair(name: string): object {
  return { certificate_chain: { filename: path(`${name}.pem`) }, private_key: { filename: path(`${name}.key`) } };
}

/** The settings of a `DownstreamTlsContext`; `common` goes into its `common_tls_context`. */
export function serverSettings(common: object = {}, context: object = {}): ServerTlsSettings {
  const socket = transportSocketDownstream.parse({
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
      common_tls_context: { tls_certificates: [pair('server')], ...common },
      ...context,
    },
  });
  return serverTlsSettings(socket) as ServerTlsSettings;
}

/** Time that moves when told to. */
export class ManualClock implements Clock {
  private now = 0;
  private wake: { readonly atMs: number; readonly callback: () => void } | undefined = undefined;

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.now;
  }

  /** The wheel sleeps once at a time. */
  schedule(callback: () => void, delayMs: number): () => void {
    const wake = { atMs: this.now + delayMs, callback };
    this.wake = wake;
    return () => {
      if (this.wake === wake) this.wake = undefined;
    };
  }

  advance(ms: number): void {
    const untilMs = this.now + ms;
    for (let wake = this.wake; wake !== undefined && wake.atMs <= untilMs; wake = this.wake) {
      this.now = Math.max(this.now, wake.atMs);
      this.wake = undefined;
      wake.callback();
    }
    this.now = untilMs;
  }
}

/** A transport that listens, and what became of its connections. */
export class TestServer {
  readonly store = new StatsStore();
  readonly wheel: TimerWheel;
  accepted = 0;
  readonly certificates = new CertificateRegistry();
  readonly messages: string[] = [];
  readonly transport: ServerTransport;
  readonly failures: string[] = [];
  readonly secured: SecuredSocket[] = [];
  private readonly sockets = new Set<net.Socket>();
  private readonly server: net.Server;
  private waiting: (() => void)[] = [];

  /** `serve` is called with each secured connection; default: what comes in is sent back with the SNI before it. */
  constructor(settings: ServerTlsSettings, serve: (secured: SecuredSocket) => void = echo, clock: Clock = systemClock) {
    this.wheel = new TimerWheel(clock, (error) => {
      throw error;
    });
    const deps = {
      scope: this.store.scope('listener.test.'),
      wheel: this.wheel,
      certificates: this.certificates,
      logger: {
        log: (_level: string, _component: string, message: string) => {
          this.messages.push(message);
          this.wake();
        },
      },
    };
    this.transport = serverTlsTransport(settings, deps);
    this.server = net.createServer({ allowHalfOpen: true }, (socket) => {
      this.accepted++;
      this.sockets.add(socket);
      this.transport.accept(
        socket,
        (secured) => {
          this.secured.push(secured);
          serve(secured);
          this.wake();
        },
        (reason) => {
          this.failures.push(reason);
          this.wake();
        },
      );
    });
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** The value of a counter below `ssl.`. */
  count(name: string): number {
    const found = this.store.counters().find((counter) => counter.name === `listener.test.ssl.${name}`);
    return found?.value ?? 0;
  }

  private wake(): void {
    for (const wake of this.waiting.splice(0)) wake();
  }

  /** Resolves when `done` is true; it is looked at after each connection that was secured or failed, and each line of the log. */
  async until(done: () => boolean): Promise<void> {
    while (!done()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    this.transport.close();
    this.wheel.close();
  }
}

function echo({ socket, tls: info }: SecuredSocket): void {
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => socket.write(`${info.serverName}:${chunk}`));
  socket.on('end', () => socket.end());
}

/** What a client has seen. */
export interface Seen {
  readonly subject: string;
  readonly protocol: string;
  readonly cipher: string;
  readonly alpn: string | false;
  readonly reused: boolean;
  readonly reply: string;
  readonly session: Buffer | undefined;
}

/** Connects, sends `hi`, waits for the reply, and closes. Rejects when any of it fails. */
export function talk(port: number, options: tls.ConnectionOptions = {}): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    let session: Buffer | undefined;
    let reply = '';
    socket.on('session', (given) => {
      session = given;
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('closed before the reply')));
    socket.on('data', (chunk) => {
      reply += chunk;
      const seen = {
        subject: String(socket.getPeerCertificate().subject?.CN ?? ''),
        protocol: socket.getProtocol() ?? '',
        cipher: socket.getCipher().name,
        alpn: socket.alpnProtocol ?? false,
        reused: socket.isSessionReused(),
        reply,
      };
      const finish = () => {
        socket.end();
        resolve({
          ...seen,
          session: session ?? (socket.getProtocol() === 'TLSv1.2' ? socket.getSession() : undefined),
        });
      };
      // Tickets of TLS 1.3 may come behind the first bytes.
      setImmediate(finish);
    });
    socket.on('secureConnect', () => socket.write('hi'));
  });
}
