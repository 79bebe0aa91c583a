/** A cluster that takes a request and goes nowhere with it. */
import type { Host } from '../api/cluster.ts';
import type { RequestWriter } from '../api/codec.ts';
import type { Endpoint } from '../api/discovery.ts';
import type { RequestHeaders } from '../api/headers.ts';
import type { PickContext } from '../api/load-balancer.ts';
import type { Priority, UpstreamCluster, UpstreamRequest } from '../api/upstream.ts';
import { ResponseHead } from '../headers/header-map.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { type Head, headOf } from './head.ts';

/** What the router handed to a connection. */
export interface RecordedRequest {
  readonly cluster: string;
  readonly host: Host;
  readonly head: Head;
  /** Only the payload goes to the host; the head is not sent (`connect_config`). */
  readonly tcp: boolean;
  /** Lets the upstream answer `200` without a body. */
  answer(): void;
}

/** Does what the real cluster does, except for opening anything. */
export class RecordingCluster implements UpstreamCluster {
  private readonly real: Cluster;
  private readonly onPick: () => void;
  private readonly onRequest: (request: RecordedRequest) => void;

  /** `onPick` is told before a host is chosen, `onRequest` of every request as soon as its head is written. */
  constructor(real: Cluster, onPick: () => void, onRequest: (request: RecordedRequest) => void) {
    this.real = real;
    this.onPick = onPick;
    this.onRequest = onRequest;
  }

  open(host: Host, request: UpstreamRequest): undefined {
    this.record(host, request, false);
  }

  openTcp(host: Host, request: UpstreamRequest): undefined {
    this.record(host, request, true);
  }

  /** Nothing that is rehearsed asks for plain connections. */
  connectTcp(): undefined {}

  private record(host: Host, request: UpstreamRequest, tcp: boolean): void {
    const answer = () => request.onHead(new ResponseHead(), true);
    const record = (headers: RequestHeaders) =>
      this.onRequest({ cluster: this.name, host, head: headOf(headers), tcp, answer });
    request.onReady(new RecordingWriter(record), host, false);
  }

  get name(): string {
    return this.real.name;
  }
  get traffic(): UpstreamCluster['traffic'] {
    return this.real.traffic;
  }
  get maxStreamDurationMs(): number {
    return this.real.maxStreamDurationMs;
  }
  get maintenance(): UpstreamCluster['maintenance'] {
    return this.real.maintenance;
  }
  get transportPolicy(): UpstreamCluster['transportPolicy'] {
    return this.real.transportPolicy;
  }
  pick(context: PickContext): Host | undefined {
    this.onPick();
    return this.real.pick(context);
  }
  beginRetry(priority: Priority): boolean {
    return this.real.beginRetry(priority);
  }
  endRetry(priority: Priority): void {
    this.real.endRetry(priority);
  }
  random(): number {
    return this.real.random();
  }
  // It counts in statistics that nobody sees.
  chargeStatus(): void {}
  chargeRetried(): void {}
  chargeCanary(): void {}
  chargeAlt(): void {}
  chargeTime(): void {}
}

class RecordingWriter implements RequestWriter {
  private readonly onHead: (headers: RequestHeaders) => void;

  constructor(onHead: (headers: RequestHeaders) => void) {
    this.onHead = onHead;
  }

  writeHead(headers: RequestHeaders): void {
    this.onHead(headers);
  }

  writeData(): void {}
  writeTrailers(): void {}

  flush(): boolean {
    return true;
  }

  reset(): void {}
  pauseResponse(): void {}
  resumeResponse(): void {}
}

/** Endpoints by name, as they stand in the configuration before anybody has looked the names up. */
export function asEndpoints(hosts: readonly Host[]): Endpoint[] {
  return hosts.map(({ ip, port, hostname, weight, priority, locality }) => {
    return { ip, port, hostname, weight, priority, locality };
  });
}
