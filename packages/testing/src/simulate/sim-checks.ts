/** Active health checks of a simulation: the real checkers ask, and what answers is the behaviour of the host. */
import {
  type CheckClient,
  type Clock,
  type HealthCheckConfig,
  HealthFlag,
  type Host,
  payloadBytes,
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

/** What the checks of a cluster are asked and told with. */
export interface SimChecks {
  readonly checks: readonly HealthCheckConfig[];
  readonly find: FindHost;
  readonly clock: Clock;
}

/** HTTP and gRPC checks. */
export class SimCheckClient implements CheckClient {
  private readonly host: Host;
  private readonly parts: SimChecks;
  private pending: (() => void) | undefined = undefined;

  constructor(host: Host, parts: SimChecks) {
    this.host = host;
    this.parts = parts;
  }

  open(request: UpstreamRequest): UpstreamTicket | undefined {
    const { behaviour } = this.parts.find(this.host);
    if (!behaviour.up) {
      this.later(() => request.onFailure(REFUSED, this.host), 0);
      return { cancel: () => this.disconnect() };
    }
    let head: RequestHeaders | undefined;
    const ended = (first: RequestHeaders | undefined, end: boolean): void => {
      head ??= first;
      if (end) this.later(() => this.answer(request, head as RequestHeaders), behaviour.latencyMs);
    };
    request.onReady(
      writerOf(ended, () => this.disconnect()),
      this.host,
      false,
    );
    return undefined;
  }

  private answer(request: UpstreamRequest, asked: RequestHeaders): void {
    const head = new ResponseHead();
    if (!this.parts.find(this.host).passesChecks) {
      head.status = 503;
      request.onHead(head, true);
    } else if (asked.get('content-type')?.startsWith('application/grpc') === true) {
      head.status = 200;
      head.set('content-type', 'application/grpc');
      request.onHead(head, false);
      request.onData(SERVING, false, true);
      const trailers = new HeaderMap();
      trailers.set('grpc-status', '0');
      request.onTrailers(trailers);
    } else {
      const wanted = this.parts.checks.find(({ httpHealthCheck }) => httpHealthCheck?.path === asked.path);
      head.status = wanted?.httpHealthCheck?.expectedStatuses[0]?.start ?? 200;
      request.onHead(head, false);
      request.onData(joined(wanted?.httpHealthCheck?.receive ?? []), true, true);
    }
    request.onBatchEnd();
  }

  private later(callback: () => void, delayMs: number): void {
    this.disconnect();
    this.pending = this.parts.clock.schedule(() => {
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

function joined(payloads: readonly Parameters<typeof payloadBytes>[0][]): Uint8Array {
  return Buffer.concat(payloads.map(payloadBytes));
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

/** TCP checks. The ticket gives up a connection that is not there yet; one that is there is ended by its link. */
export function connectForCheck(host: Host, user: TcpUser, parts: SimChecks): UpstreamTicket {
  const cancel = parts.clock.schedule(() => {
    const { behaviour, passesChecks } = parts.find(host);
    const checks = parts.checks.flatMap(({ tcpHealthCheck }) => tcpHealthCheck ?? []);
    // A check that only connects has no other way to fail.
    const listens = behaviour.up && (passesChecks || checks.some(({ receive }) => receive.length > 0));
    if (listens)
      user.onConnected(new SimLink(host, user, joined(checks.flatMap(({ receive }) => receive)), parts), host);
    else user.onFailure(REFUSED, host);
  }, 0);
  return { cancel };
}

/** A connection whose other end says what the checks of its cluster wait for, each time that it is asked. */
class SimLink implements TcpLink {
  readonly bytesRead = 0;
  readonly bytesWritten = 0;
  readonly bytesUnsent = 0;
  readonly localAddress = '';
  readonly tls = undefined;
  private readonly host: Host;
  private readonly user: TcpUser;
  private readonly wanted: Uint8Array;
  private readonly parts: SimChecks;
  private pending: (() => void) | undefined = undefined;

  constructor(host: Host, user: TcpUser, wanted: Uint8Array, parts: SimChecks) {
    this.host = host;
    this.user = user;
    this.wanted = wanted;
    this.parts = parts;
  }

  write(): void {}

  flush(): boolean {
    const { clock, find } = this.parts;
    this.pending?.();
    this.pending = clock.schedule(() => {
      const { behaviour, passesChecks } = find(this.host);
      this.pending = undefined;
      if (!behaviour.up) this.user.onClose(undefined);
      else if (passesChecks) this.user.onBytes(this.wanted, true);
    }, find(this.host).behaviour.latencyMs);
    return true;
  }

  close(): void {
    this.pending?.();
    this.pending = undefined;
  }

  end(): void {}
  pauseReading(): void {}
  resumeReading(): void {}
}

/** Whether outlier detection has taken the host out. */
export function isEjected(host: Host): boolean {
  return (host.healthFlags & HealthFlag.failedOutlierCheck) !== 0;
}
