/** Health check events as Envoy writes them: a JSON object per line, fields in the order of the proto. */
import { type ClusterMonitorContext, type Host, type LogFiles, type LogOutput, MeshError } from '@mesh/core';
import type { CheckerType, FailureType } from './probe.ts';

/** The log files of one cluster; checks that name the same path share it. */
export class EventFiles {
  private readonly files: LogFiles;
  private readonly outputs = new Map<string, LogOutput>();

  constructor(files: LogFiles) {
    this.files = files;
  }

  /** @throws MeshError `CONFIG_INVALID` when it cannot be opened. */
  open(path: string): LogOutput {
    let output = this.outputs.get(path);
    if (output === undefined) {
      try {
        output = this.files.open(path);
      } catch (error) {
        throw new MeshError('CONFIG_INVALID', (error as Error).message, { cause: error });
      }
      this.outputs.set(path, output);
    }
    return output;
  }

  close(): void {
    for (const output of this.outputs.values()) void output.close();
    this.outputs.clear();
  }
}

/** The events of one check. */
export class EventLog {
  private readonly type: CheckerType;
  private readonly cluster: ClusterMonitorContext;
  private readonly sinks: readonly LogOutput[];
  /** So many lost events are worth a word: the first, then twice as many each time. */
  private noteworthy = 1;

  constructor(type: CheckerType, cluster: ClusterMonitorContext, sinks: readonly LogOutput[]) {
    this.type = type;
    this.cluster = cluster;
    this.sinks = sinks;
  }

  ejected(host: Host, type: FailureType, status: number): void {
    this.write(host, { eject_unhealthy_event: { failure_type: type, http_status_code: status } }, {});
  }

  addedHealthy(host: Host, first: boolean): void {
    this.write(host, { add_healthy_event: { first_check: first } }, {});
  }

  failed(host: Host, type: FailureType, first: boolean, status: number): void {
    const event = { failure_type: type, first_check: first, http_status_code: status };
    this.write(host, {}, { health_check_failure_event: event });
  }

  degraded(host: Host): void {
    this.write(host, {}, { degraded_healthy_host: {} });
  }

  noLongerDegraded(host: Host): void {
    this.write(host, {}, { no_longer_degraded_host: {} });
  }

  passed(host: Host): void {
    this.write(host, {}, {}, { successful_health_check_event: {} });
  }

  /** The parts that come before the time, after it, and last. */
  private write(host: Host, before: object, after: object, last: object = {}): void {
    const { region, zone, subZone } = host.locality;
    const event = {
      health_checker_type: this.type,
      host: addressJson(host),
      cluster_name: this.cluster.clusterName,
      ...before,
      timestamp: timestamp(this.cluster.clock.wallMs()),
      ...after,
      ...(host.metadata && { metadata: { filter_metadata: host.metadata, typed_filter_metadata: {} } }),
      locality: { region, zone, sub_zone: subZone },
      ...last,
    };
    const line = `${JSON.stringify(event)}\n`;
    let dropped = 0;
    for (const sink of this.sinks) {
      sink.write(line, true);
      dropped += sink.dropped;
    }
    if (dropped < this.noteworthy) return;
    this.noteworthy = 2 * dropped;
    this.cluster.log('warning', `${dropped} health check events could not be written`);
  }
}

function addressJson({ ip, port }: Host): object {
  if (port < 0) return { pipe: { path: ip, mode: 0 } };
  const rest = { resolver_name: '', ipv4_compat: false, network_namespace_filepath: '' };
  return { socket_address: { protocol: 'TCP', address: ip, port_value: port, ...rest } };
}

/** RFC 3339 as protobuf prints it: a whole second has no fraction. */
function timestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace('.000Z', 'Z');
}
