/** HTTP for health checks: one host, one connection at a time, the same codecs as traffic has. */
import type { CheckClient, CheckProtocol } from '../api/health.ts';
import type { TransportOptions, UpstreamRequest, UpstreamTicket } from '../api/upstream.ts';
import type { UpstreamHost } from './host.ts';
import { newPool } from './host-pools.ts';
import type { HttpPool, PoolContext } from './pool.ts';

export class HttpCheckClient implements CheckClient {
  private readonly target: () => UpstreamHost;
  private readonly context: PoolContext;
  private readonly protocol: CheckProtocol;
  private readonly transport: TransportOptions | undefined;
  private readonly gone: (client: HttpCheckClient) => void;
  private pool: HttpPool | undefined = undefined;

  /** `gone` is told when nothing is open any more and nothing will be. */
  constructor(
    target: () => UpstreamHost,
    context: PoolContext,
    protocol: CheckProtocol,
    transport: TransportOptions | undefined,
    gone: (client: HttpCheckClient) => void,
  ) {
    this.target = target;
    this.context = context;
    this.protocol = protocol;
    this.transport = transport;
    this.gone = gone;
  }

  open(request: UpstreamRequest): UpstreamTicket | undefined {
    if (this.pool === undefined) {
      const pool = newPool(this.target(), this.context, this.protocol, this.transport);
      // Once its connection is gone it has no memory that the next one needs.
      pool.onEmpty = () => {
        if (this.pool === pool) this.pool = undefined;
      };
      this.pool = pool;
    }
    return this.pool.open(request);
  }

  disconnect(): void {
    const { pool } = this;
    this.pool = undefined;
    pool?.destroy();
  }

  close(): void {
    this.disconnect();
    this.gone(this);
  }
}
