/** `upstream_proxy_protocol`: a header before the first byte tells the host whose connection is carried on. */
import net from 'node:net';
import type { Counter, StatsScope } from '../api/stats.ts';
import type { TlsInfo } from '../api/tls.ts';
import type { ProxiedConnection, TransportOptions } from '../api/upstream.ts';
import { peerOf } from './peer.ts';
import { type ProxyTlv, proxyHeaderV1, proxyHeaderV2, proxyHeaderV2Local } from './proxy-protocol-format.ts';
import type { TlsClientTransport } from './tls/client.ts';
import type { ProxyProtocolOutSettings } from './tls/settings.ts';
import type { ClientTransport } from './transport.ts';

/**
 * The transport that sends the header, then does what `inner` does; bytes as they are without one.
 *
 * @param scope the cluster's
 */
export function proxyProtocolTransport(
  settings: ProxyProtocolOutSettings,
  scope: StatsScope,
  inner: TlsClientTransport | undefined,
): ClientTransport {
  return new ProxyProtocolTransport(settings, scope, inner);
}

class ProxyProtocolTransport implements ClientTransport {
  readonly readyEvent: 'connect' | 'secureConnect';
  readonly autoHostSni: boolean;
  private readonly settings: ProxyProtocolOutSettings;
  private readonly inner: TlsClientTransport | undefined;
  private readonly addedTypes: ReadonlySet<number>;
  private readonly tooLong: Counter;

  constructor(settings: ProxyProtocolOutSettings, scope: StatsScope, inner: TlsClientTransport | undefined) {
    this.settings = settings;
    this.inner = inner;
    this.autoHostSni = inner?.autoHostSni === true;
    this.readyEvent = inner === undefined ? 'connect' : inner.readyEvent;
    this.addedTypes = new Set(settings.addedTlvs.map(({ type }) => type));
    this.tooLong = scope.counter('upstream.proxyprotocol.v2_tlvs_exceed_max_length');
  }

  connect(options: net.NetConnectOpts, choice: TransportOptions | undefined): net.Socket {
    if (this.inner === undefined) return this.open(options, choice);
    // The secured socket reads from this one, which has no reader of its own.
    const { onread: _, ...plain } = options;
    return this.inner.connectOver(this.open(plain as net.NetConnectOpts, choice), options, choice);
  }

  /** The header goes out with the event that everybody else waits for: this listener is the first one. */
  private open(options: net.NetConnectOpts, choice: TransportOptions | undefined): net.Socket {
    const socket = net.connect(options);
    socket.on('error', ignore);
    socket.once('connect', () => socket.write(this.header(socket, choice?.proxied)));
    return socket;
  }

  private header(socket: net.Socket, proxied: ProxiedConnection | undefined): Buffer {
    if (this.settings.version === 'V1') return proxyHeaderV1(proxied ?? ownAddresses(socket));
    if (proxied === undefined) return proxyHeaderV2Local();
    const { bytes, complete } = proxyHeaderV2(proxied, this.tlvs(proxied));
    if (!complete) this.tooLong.inc();
    return bytes;
  }

  /** Ours first; the client's stand back where they are of the same type. */
  private tlvs({ tlvs = [] }: ProxiedConnection): readonly ProxyTlv[] {
    const { passThroughTlvs: passed, addedTlvs } = this.settings;
    if (passed === 'NONE' || tlvs.length === 0) return addedTlvs;
    const wanted = tlvs.filter(({ type }) => !this.addedTypes.has(type) && (passed === 'ALL' || passed.includes(type)));
    return [...addedTlvs, ...wanted];
  }

  refusal(socket: net.Socket): string | undefined {
    return this.inner?.refusal(socket);
  }

  alpn(socket: net.Socket): string {
    return this.inner?.alpn(socket) ?? '';
  }

  info(socket: net.Socket): TlsInfo | undefined {
    return this.inner?.info(socket);
  }

  raw(socket: net.Socket): net.Socket {
    return this.inner?.raw(socket) ?? socket;
  }

  close(): void {
    this.inner?.close();
  }
}

/** A connection of our own, health checks above all: from this socket to the host. */
function ownAddresses(socket: net.Socket): ProxiedConnection {
  const { remoteIp, remotePort, localIp, localPort } = peerOf(socket);
  return { remoteIp: localIp, remotePort: localPort, localIp: remoteIp, localPort: remotePort };
}

/** Errors are told by the socket's user; without a listener they would end the process. */
function ignore(): void {}
