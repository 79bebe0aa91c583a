/** The span of a side call (Envoy's `async <cluster> egress`) and its tags, in the order in which Envoy sets them. */
import type { Host } from '../../api/cluster.ts';
import type { RequestHeaders } from '../../api/headers.ts';
import type { Span } from '../../api/tracer.ts';
import type { UpstreamCluster } from '../../api/upstream.ts';
import type { SideCallParts } from './parts.ts';

/** What a tracer that throws is called in the log. */
const TRACER = 'a tracer';

export class CallSpan {
  /** Absent when the tracer could not make it. */
  private span: Span | undefined = undefined;
  private readonly cluster: UpstreamCluster;
  private readonly parts: SideCallParts;
  /** There was a connection. */
  connected = false;

  constructor(parent: Span, cluster: UpstreamCluster, parts: SideCallParts) {
    this.cluster = cluster;
    this.parts = parts;
    const operation = `async ${cluster.name} egress`;
    parts.tell(TRACER, () => {
      this.span = parent.startChild({ operation, startUs: this.nowUs(), kind: 'client' });
    });
  }

  inject(headers: RequestHeaders): void {
    this.parts.tell(TRACER, () => this.span?.inject(headers, { cluster: this.cluster.name, host: undefined }));
  }

  answered(status: number, host: Host | undefined): void {
    this.write((span) => this.finish(span, status, '-', host));
  }

  /** `started`: a part of the response had come. Without one Envoy's client makes a local reply of it. */
  failed(status: number, flag: string, host: Host | undefined, started: boolean): void {
    this.write((span) => {
      if (started) {
        span.setTag('error', 'true');
        span.setTag('error.reason', 'Reset');
      }
      this.finish(span, status, flag, host);
    });
  }

  canceled(host: Host | undefined): void {
    this.write((span) => {
      span.setTag('canceled', 'true');
      this.finish(span, 0, '-', host);
    });
  }

  private write(work: (span: Span) => void): void {
    const { span } = this;
    if (span !== undefined) this.parts.tell(TRACER, () => work(span));
  }

  private finish(span: Span, status: number, flag: string, host: Host | undefined): void {
    const { cluster } = this;
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
    return Math.round(this.parts.timers.clock.wallMs() * 1000);
  }
}
