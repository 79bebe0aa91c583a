/** Requests of the proxy itself through its clusters. */

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

export class ClusterSideCalls implements SideCalls {
  private readonly clusters: Clusters;
  private readonly timers: Timers;

  constructor(clusters: Clusters, timers: Timers) {
    this.clusters = clusters;
    this.timers = timers;
  }

  request(cluster: string, _request: SideRequest, user: SideCallUser): SideCall {
    const known = this.clusters.get(cluster) !== undefined;
    const handle = this.timers.after(0, () => user.onFailure(known ? 'reset' : 'no cluster', cluster));
    return { cancel: () => handle.cancel() };
  }

  openGrpcStream(cluster: string, _options: GrpcStreamOptions, user: GrpcStreamUser): GrpcStream {
    const handle = this.timers.after(0, () => user.onEnd(14, `unknown cluster '${cluster}'`));
    return { bufferedBytes: 0, send: () => false, end: () => {}, cancel: () => handle.cancel() };
  }
}
