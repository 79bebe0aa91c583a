/** `http_health_check`: a request whose response tells. */
import {
  type CheckClient,
  CheckHead,
  type CheckProtocol,
  compileStringMatcher,
  type HealthCheckConfig,
  type Host,
  payloadBytes,
  type ResponseHeaders,
  type TextTest,
} from '@mesh/core';
import { authorityFor, connectOptions } from './connect-options.ts';
import { CheckExchange, type ExchangeReader } from './http-exchange.ts';
import { PayloadSearch } from './payload.ts';
import type { MakeProbe, Probe, ProbeContext, Verdicts } from './probe.ts';

type HttpConfig = NonNullable<HealthCheckConfig['httpHealthCheck']>;

interface Range {
  readonly start: number;
  readonly end: number;
}

/** What all probes of one check have in common. */
interface HttpSettings {
  readonly context: ProbeContext;
  readonly head: CheckHead;
  readonly host: string;
  readonly body: Uint8Array | undefined;
  readonly receive: readonly Uint8Array[];
  /** Bytes of the body that are looked at. */
  readonly bodyLimit: number;
  readonly expected: readonly Range[];
  readonly retriable: readonly Range[];
  readonly serviceName: TextTest | undefined;
  readonly protocol: CheckProtocol;
}

const ONLY_200: readonly Range[] = [{ start: 200, end: 201 }];

/** Makes the probes of a check. @throws SyntaxError for a format or a regular expression that is none. */
export function httpProbes(context: ProbeContext, config: HttpConfig): MakeProbe {
  const { cluster } = context;
  const { expectedStatuses, retriableStatuses, serviceNameMatcher, responseBufferSize, send, method } = config;
  const body = send === undefined ? undefined : payloadBytes(send);
  const settings: HttpSettings = {
    context,
    head: new CheckHead(
      {
        method: method === 'METHOD_UNSPECIFIED' ? 'GET' : method,
        path: config.path,
        fields: { 'user-agent': 'Envoy/HC', ...(body?.length && { 'content-length': String(body.length) }) },
        add: config.requestHeadersToAdd,
        remove: config.requestHeadersToRemove,
      },
      cluster.clusterName,
      cluster.clock,
    ),
    host: config.host,
    body: body?.length ? body : undefined,
    receive: config.receive.map(payloadBytes),
    bodyLimit: responseBufferSize === 0 ? Number.POSITIVE_INFINITY : responseBufferSize,
    expected: expectedStatuses.length === 0 ? ONLY_200 : expectedStatuses,
    retriable: retriableStatuses,
    serviceName: serviceNameMatcher && compileStringMatcher(serviceNameMatcher),
    protocol: config.useAlpnProtocol ? 'alpn' : config.codecClientType === 'HTTP2' ? 'http2' : 'http1',
  };
  return (host, verdicts) => new HttpProbe(host, settings, verdicts);
}

class HttpProbe implements Probe, ExchangeReader {
  private readonly host: Host;
  private readonly settings: HttpSettings;
  private readonly verdicts: Verdicts;
  private readonly client: CheckClient;
  private readonly authority: string;
  private exchange: CheckExchange | undefined = undefined;
  private head: ResponseHeaders | undefined = undefined;
  private search: PayloadSearch | undefined = undefined;
  private bodyLeft = 0;

  constructor(host: Host, settings: HttpSettings, verdicts: Verdicts) {
    const { cluster, config } = settings.context;
    this.host = host;
    this.settings = settings;
    this.verdicts = verdicts;
    this.client = cluster.client(host, settings.protocol, connectOptions(host, config));
    this.authority = authorityFor(host, settings.host, cluster.clusterName);
  }

  start(): void {
    const { context, head, body, receive, bodyLimit } = this.settings;
    this.head = undefined;
    this.search = receive.length === 0 ? undefined : new PayloadSearch(receive);
    this.bodyLeft = bodyLimit;
    const scheme = context.cluster.isSecure(this.host) ? 'https' : 'http';
    this.exchange = new CheckExchange(head.make(this.host, this.authority, scheme), body, this);
    this.exchange.start(this.client);
  }

  giveUp(): void {
    this.exchange?.abandon();
    this.exchange = undefined;
    // What comes late must not be taken for the answer to the next check.
    this.client.disconnect();
  }

  close(): void {
    this.exchange?.abandon();
    this.exchange = undefined;
    this.client.close();
  }

  onHead(head: ResponseHeaders, end: boolean): void {
    this.head = head;
    if (end) this.finish();
  }

  onData(chunk: Uint8Array, end: boolean): void {
    if (this.search !== undefined && this.bodyLeft > 0) {
      this.search.add(chunk.length > this.bodyLeft ? chunk.subarray(0, this.bodyLeft) : chunk);
      this.bodyLeft -= chunk.length;
    }
    if (end) this.finish();
  }

  onTrailers(): void {
    this.finish();
  }

  onLost(): void {
    this.exchange = undefined;
    this.keepOrDrop();
    this.verdicts.failed('NETWORK');
  }

  private finish(): void {
    this.exchange = undefined;
    this.keepOrDrop();
    this.judge(this.head as ResponseHeaders);
  }

  private keepOrDrop(): void {
    if (!this.settings.context.config.reuseConnection) this.client.disconnect();
  }

  private judge(head: ResponseHeaders): void {
    const { expected, retriable } = this.settings;
    const { status } = head;
    const excluded = head.has('x-envoy-immediate-health-check-fail');
    if (this.search?.found === false) {
      this.verdicts.failed('ACTIVE', false, status, excluded);
    } else if (!within(expected, status)) {
      this.verdicts.failed('ACTIVE', within(retriable, status), status, excluded);
    } else if (this.isOther(head)) {
      this.verdicts.failed('ACTIVE', false, status);
    } else {
      this.verdicts.passed(head.has('x-envoy-degraded'));
    }
  }

  /** The answer comes from another service than the one that was meant. */
  private isOther(head: ResponseHeaders): boolean {
    const { serviceName, context } = this.settings;
    const { cluster, stats } = context;
    if (serviceName === undefined) return false;
    const random = Math.floor(cluster.random() * 2 ** 32);
    if (!cluster.runtime.enabled(VERIFY, random)) return false;
    stats.verifyCluster.inc();
    return !serviceName(head.get('x-envoy-upstream-healthchecked-cluster') ?? '');
  }
}

const VERIFY = { numerator: 100, denominator: 100, runtimeKey: 'health_check.verify_cluster' } as const;

function within(ranges: readonly Range[], status: number): boolean {
  return ranges.some(({ start, end }) => status >= start && status < end);
}
