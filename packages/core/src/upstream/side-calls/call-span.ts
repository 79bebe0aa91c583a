/** The span of a side call (Envoy's `async <cluster> egress`) and its tags, in the order in which Envoy sets them. */
import type { Clock } from '../../api/clock.ts';
import type { Host } from '../../api/cluster.ts';
import type { RequestHeaders } from '../../api/headers.ts';
import type { Span } from '../../api/tracer.ts';
import type { UpstreamCluster } from '../../api/upstream.ts';

export class CallSpan {
  private readonly span: Span;
  private readonly cluster: UpstreamCluster;
  private readonly clock: Clock;
  /** There was a connection. */
  connected = false;

  constructor(parent: Span, cluster: UpstreamCluster, clock: Clock) {
    this.cluster = cluster;
    this.clock = clock;
    this.span = parent.startChild({ operation: `async ${cluster.name} egress`, startUs: this.nowUs(), kind: 'client' });
  }

  inject(headers: RequestHeaders): void {
    this.span.inject(headers, { cluster: this.cluster.name, host: undefined });
  }

  answered(status: number, host: Host | undefined): void {
    this.finish(status, '-', host);
  }

  /** `started`: a part of the response had come. Without one Envoy's client makes a local reply of it. */
  failed(status: number, flag: string, host: Host | undefined, started: boolean): void {
    if (started) {
      this.span.setTag('error', 'true');
      this.span.setTag('error.reason', 'Reset');
    }
    this.finish(status, flag, host);
  }

  canceled(host: Host | undefined): void {
    this.span.setTag('canceled', 'true');
    this.finish(0, '-', host);
  }

  private finish(status: number, flag: string, host: Host | undefined): void {
    const { cluster, span } = this;
    // Envoy's stream info of a call of its own says so, whatever the host speaks.
    span.setTag('http.protocol', this.connected ? 'HTTP/1.1' : '-');
    if (host !== undefined) {
      span.setTag('upstream_address', host.address);
      span.setTag('peer.address', host.address);
    }
    span.setTag('component', 'proxy');
    span.setTag('upstream_cluster', cluster.name);
    span.setTag('upstream_cluster.name', cluster.observabilityName ?? cluster.name);
    span.setTag('http.status_code', String(status));
    span.setTag('response_flags', flag);
    if (status === 0 || status >= 500) span.setTag('error', 'true');
    span.finish(this.nowUs());
  }

  private nowUs(): number {
    return Math.round(this.clock.wallMs() * 1000);
  }
}
