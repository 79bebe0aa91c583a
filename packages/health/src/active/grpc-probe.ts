/** `grpc_health_check`: a call of `grpc.health.v1.Health/Check`. */
import {
  type CheckClient,
  CheckHead,
  formatGrpcTimeout,
  type Headers,
  type HealthCheckConfig,
  type Host,
  type ResponseHeaders,
} from '@mesh/core';
import { authorityFor, connectOptions } from './connect-options.ts';
import { FrameReader, readStatus, requestFrame, SERVING } from './grpc-message.ts';
import { CheckExchange, type ExchangeReader } from './http-exchange.ts';
import type { MakeProbe, Probe, ProbeContext, Verdicts } from './probe.ts';

type GrpcConfig = NonNullable<HealthCheckConfig['grpcHealthCheck']>;

interface GrpcSettings {
  readonly context: ProbeContext;
  readonly head: CheckHead;
  readonly authority: string;
  readonly body: Uint8Array;
}

/** Makes the probes of a check. @throws SyntaxError for a format that is none. */
export function grpcProbes(context: ProbeContext, config: GrpcConfig): MakeProbe {
  const { cluster, config: check } = context;
  const fields = {
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': formatGrpcTimeout(check.timeoutMs),
    'user-agent': 'Envoy/HC',
  };
  const head = {
    method: 'POST',
    path: '/grpc.health.v1.Health/Check',
    fields,
    add: config.initialMetadata,
    remove: [],
  };
  const settings: GrpcSettings = {
    context,
    head: new CheckHead(head, cluster.clusterName, cluster.clock),
    authority: config.authority,
    body: requestFrame(config.serviceName),
  };
  return (host, verdicts) => new GrpcProbe(host, settings, verdicts);
}

class GrpcProbe implements Probe, ExchangeReader {
  private readonly host: Host;
  private readonly settings: GrpcSettings;
  private readonly verdicts: Verdicts;
  private readonly client: CheckClient;
  private readonly authority: string;
  private exchange: CheckExchange | undefined = undefined;
  private frames = new FrameReader();
  /** The one message of the response. */
  private status: number | undefined = undefined;

  constructor(host: Host, settings: GrpcSettings, verdicts: Verdicts) {
    const { cluster, config } = settings.context;
    this.host = host;
    this.settings = settings;
    this.verdicts = verdicts;
    this.client = cluster.client(host, 'http2', connectOptions(host, config));
    this.authority = authorityFor(host, settings.authority, cluster.clusterName);
  }

  start(): void {
    const { context, head, body } = this.settings;
    this.frames = new FrameReader();
    this.status = undefined;
    const scheme = context.cluster.isSecure(this.host) ? 'https' : 'http';
    this.exchange = new CheckExchange(head.make(this.host, this.authority, scheme), body, this);
    this.exchange.start(this.client);
  }

  giveUp(): void {
    this.end();
  }

  close(): void {
    this.exchange?.abandon();
    this.exchange = undefined;
    this.client.close();
  }

  onHead(head: ResponseHeaders, end: boolean): void {
    if (end) this.finish(head);
    else if (head.status !== 200 || !isGrpc(head.get('content-type'))) this.fail();
  }

  onData(chunk: Uint8Array, end: boolean): void {
    // A response without trailers has no status.
    const frames = end ? undefined : this.frames.add(chunk);
    if (frames === undefined) {
      this.fail();
      return;
    }
    for (const { compressed, message } of frames) {
      if (message.length === 0) continue;
      const status = compressed || this.status !== undefined ? undefined : readStatus(message);
      if (status === undefined) {
        this.fail();
        return;
      }
      this.status = status;
    }
  }

  onTrailers(trailers: Headers): void {
    this.finish(trailers);
  }

  onLost(): void {
    this.end();
    this.verdicts.failed('NETWORK');
  }

  private finish(fields: Headers): void {
    const good = fields.get('grpc-status')?.trim() === '0' && this.status === SERVING;
    this.end();
    if (good) this.verdicts.passed(false);
    else this.verdicts.failed('ACTIVE');
  }

  private fail(): void {
    this.end();
    this.verdicts.failed('ACTIVE');
  }

  private end(): void {
    this.exchange?.abandon();
    this.exchange = undefined;
    if (!this.settings.context.config.reuseConnection) this.client.disconnect();
  }
}

function isGrpc(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/grpc(?:$|[+;])/.test(contentType);
}
