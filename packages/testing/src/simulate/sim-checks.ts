/** Active health checks of a simulation: the real checkers ask, and what answers is the behaviour of the host. */
import {
  type CheckClient,
  type Clock,
  HealthFlag,
  type Host,
  type RequestHeaders,
  type RequestWriter,
  type TcpLink,
  type TcpUser,
  type UpstreamFailure,
  type UpstreamRequest,
  type UpstreamTicket,
} from '@mesh/core';
import { HeaderMap, ResponseHead } from '@mesh/core/engine';
import type { FindHost } from './sim-host.ts';

const REFUSED: UpstreamFailure = Object.freeze({
  reason: 'remote connection failure',
  detail: 'Connection refused',
  reused: false,
  responseStarted: false,
  requestSent: false,
});

/** `HealthCheckResponse { status: SERVING }` with its length prefix. */
const SERVING = Uint8Array.of(0, 0, 0, 0, 2, 8, 1);

/** HTTP and gRPC checks. */
export class SimCheckClient implements CheckClient {
  private readonly host: Host;
  private readonly find: FindHost;
  private readonly clock: Clock;
  private pending: (() => void) | undefined = undefined;

  constructor(host: Host, find: FindHost, clock: Clock) {
    this.host = host;
    this.find = find;
    this.clock = clock;
  }

  open(request: UpstreamRequest): UpstreamTicket | undefined {
    const { behaviour } = this.find(this.host);
    if (!behaviour.up) {
      this.later(() => request.onFailure(REFUSED, this.host), 0);
      return { cancel: () => this.disconnect() };
    }
    let grpc = false;
    const ended = (head: RequestHeaders | undefined, end: boolean): void => {
      if (head !== undefined) grpc = head.get('content-type')?.startsWith('application/grpc') === true;
      if (end) this.later(() => this.answer(request, grpc), behaviour.latencyMs);
    };
    request.onReady(
      writerOf(ended, () => this.disconnect()),
      this.host,
      false,
      grpc,
    );
    return undefined;
  }

  private answer(request: UpstreamRequest, grpc: boolean): void {
    const { passesChecks } = this.find(this.host);
    const head = new ResponseHead();
    head.status = passesChecks ? 200 : 503;
    if (!grpc || !passesChecks) {
      request.onHead(head, true);
      request.onBatchEnd();
      return;
    }
    head.set('content-type', 'application/grpc');
    request.onHead(head, false);
    request.onData(SERVING, false, true);
    const trailers = new HeaderMap();
    trailers.set('grpc-status', '0');
    request.onTrailers(trailers);
    request.onBatchEnd();
  }

  private later(callback: () => void, delayMs: number): void {
    this.disconnect();
    this.pending = this.clock.schedule(() => {
      this.pending = undefined;
      callback();
    }, delayMs);
  }

  disconnect(): void {
    this.pending?.();
    this.pending = undefined;
  }

  close(): void {
    this.disconnect();
  }
}

function writerOf(ended: (head: RequestHeaders | undefined, end: boolean) => void, reset: () => void): RequestWriter {
  return {
    writeHead: ended,
    writeData: (_chunk, end) => ended(undefined, end),
    writeTrailers: () => ended(undefined, true),
    flush: () => true,
    reset,
    pauseResponse: () => {},
    resumeResponse: () => {},
  };
}

/** TCP checks: they learn whether somebody listens. */
export function connectForCheck(host: Host, user: TcpUser, find: FindHost, clock: Clock): UpstreamTicket {
  const cancel = clock.schedule(() => {
    if (find(host).passesChecks) user.onConnected(SILENT, host);
    else user.onFailure(REFUSED, host);
  }, 0);
  return { cancel };
}

const SILENT: TcpLink = {
  bytesRead: 0,
  bytesWritten: 0,
  bytesUnsent: 0,
  localAddress: '',
  tls: undefined,
  write: () => {},
  flush: () => true,
  end: () => {},
  pauseReading: () => {},
  resumeReading: () => {},
  close: () => {},
};

/** Whether outlier detection has taken the host out. */
export function isEjected(host: Host): boolean {
  return (host.healthFlags & HealthFlag.failedOutlierCheck) !== 0;
}
