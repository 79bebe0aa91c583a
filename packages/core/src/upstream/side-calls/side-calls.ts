/** Requests of the proxy itself through its clusters: Envoy's `AsyncClient` for HTTP and for gRPC. */
import type { Timers } from '../../api/clock.ts';
import type {
  GrpcStream,
  GrpcStreamOptions,
  GrpcStreamUser,
  SideCall,
  SideCalls,
  SideCallUser,
  SideRequest,
} from '../../api/side-calls.ts';
import type { Clusters } from '../../api/upstream.ts';
import { GrpcCall } from './grpc-call.ts';
import { type SideCallEquipment, SideCallParts } from './parts.ts';
import { UnaryCall } from './unary-call.ts';

/** Envoy answers these to a call for a cluster that there is none of. */
const UNAVAILABLE = 14;
const INTERNAL = 13;

/** Nothing that is handed to it, and nothing that a user of it throws, comes back as an exception. */
export class ClusterSideCalls implements SideCalls {
  private readonly parts: SideCallParts;

  constructor(clusters: Clusters, timers: Timers, equipment: SideCallEquipment = {}) {
    this.parts = new SideCallParts(clusters, timers, equipment);
  }

  request(cluster: string, request: SideRequest, user: SideCallUser): SideCall {
    const { parts } = this;
    const target = parts.clusters.get(cluster);
    const refuse = (failure: 'no cluster' | 'protocol error', detail: string) =>
      later(() => parts.tell('a user of a side call', () => user.onFailure(failure, detail)));
    if (target === undefined) return refuse('no cluster', `unknown cluster '${cluster}'`);
    try {
      return new UnaryCall(parts, target, request, user);
    } catch (error) {
      return refuse('protocol error', (error as Error).message);
    }
  }

  openGrpcStream(cluster: string, options: GrpcStreamOptions, user: GrpcStreamUser): GrpcStream {
    const { parts } = this;
    const target = parts.clusters.get(cluster);
    const refuse = (status: number, message: string): GrpcStream => {
      const { cancel } = later(() => parts.tell('a user of a gRPC stream', () => user.onEnd(status, message)));
      return { bufferedBytes: 0, send: () => false, end: () => undefined, cancel };
    };
    if (target === undefined) return refuse(UNAVAILABLE, `unknown cluster '${cluster}'`);
    try {
      return new GrpcCall(parts, target, options, user);
    } catch (error) {
      return refuse(INTERNAL, (error as Error).message);
    }
  }
}

/** A user hears of nothing before it has what it asked for. */
function later(call: () => void): SideCall {
  const pending = setImmediate(call);
  return { cancel: () => clearImmediate(pending) };
}
