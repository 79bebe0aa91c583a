/** `tcp_health_check`: a connection, and perhaps bytes that must come back. */
import {
  type HealthCheckConfig,
  type Host,
  payloadBytes,
  proxyHeaderV1,
  proxyHeaderV2Local,
  type TcpLink,
  type TcpUser,
  type UpstreamTicket,
} from '@mesh/core';
import { connectOptions } from './connect-options.ts';
import { PayloadSearch } from './payload.ts';
import type { MakeProbe, Probe, ProbeContext, Verdicts } from './probe.ts';

type TcpConfig = Pick<NonNullable<HealthCheckConfig['tcpHealthCheck']>, 'send' | 'receive' | 'proxyProtocolConfig'>;

interface TcpSettings {
  readonly context: ProbeContext;
  readonly send: Uint8Array | undefined;
  readonly receive: readonly Uint8Array[];
  readonly proxyProtocol: 'V1' | 'V2' | undefined;
}

/** Makes the probes of a check. */
export function tcpProbes(context: ProbeContext, { send, receive, proxyProtocolConfig }: TcpConfig): MakeProbe {
  const settings: TcpSettings = {
    context,
    // As in Envoy only a payload that is written as text is sent.
    send: send?.text === undefined ? undefined : payloadBytes(send),
    receive: receive.map(payloadBytes),
    proxyProtocol: proxyProtocolConfig?.version,
  };
  return (host, verdicts) => new TcpProbe(host, settings, verdicts);
}

class TcpProbe implements Probe {
  private readonly host: Host;
  private readonly settings: TcpSettings;
  private readonly verdicts: Verdicts;
  private attempt: TcpAttempt | undefined = undefined;

  constructor(host: Host, settings: TcpSettings, verdicts: Verdicts) {
    this.host = host;
    this.settings = settings;
    this.verdicts = verdicts;
  }

  start(): void {
    this.attempt ??= new TcpAttempt(this.host, this.settings, this);
    this.attempt.ask();
  }

  giveUp(): void {
    this.attempt?.end();
    this.attempt = undefined;
  }

  close(): void {
    this.giveUp();
  }

  /** Everything that is wanted has come. */
  onAnswer(): void {
    const { context, receive } = this.settings;
    // A check that only connects has nothing to ask on a connection that is there.
    if (receive.length === 0 || !context.config.reuseConnection) this.giveUp();
    this.verdicts.passed(false);
  }

  onLost(): void {
    this.attempt = undefined;
    this.verdicts.failed('NETWORK');
  }
}

/** One connection of a probe. */
class TcpAttempt implements TcpUser {
  private readonly host: Host;
  private readonly settings: TcpSettings;
  /** `undefined` once nothing more is to be told. */
  private probe: TcpProbe | undefined;
  private readonly ticket: UpstreamTicket;
  private link: TcpLink | undefined = undefined;
  private search: PayloadSearch;
  private asking = false;

  constructor(host: Host, settings: TcpSettings, probe: TcpProbe) {
    const { cluster, config } = settings.context;
    this.host = host;
    this.settings = settings;
    this.probe = probe;
    this.search = new PayloadSearch(settings.receive);
    this.ticket = cluster.connect(host, this, connectOptions(host, config));
  }

  /** Asks now, or when the connection is there. */
  ask(): void {
    this.asking = true;
    this.search = new PayloadSearch(this.settings.receive);
    if (this.link !== undefined) this.send(this.link);
  }

  private send(link: TcpLink): void {
    const { send } = this.settings;
    if (send !== undefined) link.write(send, false);
    link.flush();
  }

  onConnected(link: TcpLink): void {
    this.link = link;
    if (this.settings.receive.length === 0) {
      this.probe?.onAnswer();
      return;
    }
    const header = proxyHeader(this.settings.proxyProtocol, link.localAddress, this.host);
    if (header !== undefined) link.write(header, true);
    this.send(link);
  }

  onBytes(chunk: Uint8Array): void {
    // What comes unasked belongs to nothing.
    if (!this.asking || !this.search.add(chunk)) return;
    this.asking = false;
    this.probe?.onAnswer();
  }

  onFailure(): void {
    this.lose();
  }

  /** As in Envoy a connection that the host ends is a failure, also between two checks. */
  onEnd(): void {
    const { link } = this;
    this.lose();
    link?.close('now');
  }

  onClose(): void {
    this.lose();
  }

  onWritable(): void {}

  private lose(): void {
    const { probe } = this;
    this.probe = undefined;
    probe?.onLost();
  }

  end(): void {
    this.probe = undefined;
    if (this.link === undefined) this.ticket.cancel();
    else this.link.close('now');
  }
}

/** The client of the connection that the header tells of is this proxy itself. */
function proxyHeader(version: 'V1' | 'V2' | undefined, localAddress: string, host: Host): Uint8Array | undefined {
  if (version === undefined) return undefined;
  if (version === 'V2') return proxyHeaderV2Local();
  const [, v6, v4, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(localAddress) ?? [];
  const { ip, port: hostPort } = host;
  return proxyHeaderV1({ remoteIp: v6 ?? v4 ?? '', remotePort: Number(port ?? 0), localIp: ip, localPort: hostPort });
}
