/**
 * Requests that the proxy makes for itself, to hosts of its own clusters: balancing, TLS, circuit breakers and health of
 * the cluster hold for them as for any other (Envoy's `AsyncClient`).
 */
import type { Span } from './tracer.ts';

/** Why a side call has no answer. */
export type SideCallFailure =
  | 'no cluster'
  | 'no healthy upstream'
  | 'overflow'
  | 'connection failure'
  | 'timeout'
  | 'reset'
  | 'response too large'
  | 'protocol error';

/** A request with its whole body. */
export interface SideRequest {
  readonly method: string;
  readonly path: string;
  /** Default the cluster's name. */
  readonly authority?: string;
  /** Lower-case names. `content-length` is set by the body. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  readonly body?: Uint8Array;
  /** From the call to the end of the response. */
  readonly timeoutMs: number;
  /** A longer body is a failure. Default 1 MiB. */
  readonly maxResponseBytes?: number;
  /** The call is made on behalf of this span: it gets a span `async <cluster> egress` below it, and carries its context. */
  readonly parent?: Span | undefined;
}

/** A response with its whole body. */
export interface SideResponse {
  readonly status: number;
  /** By lower-case name; lines of one name are joined with a comma. */
  header(name: string): string | undefined;
  trailer(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** Who made a side call; exactly one of the two is called, never before `request` has returned. */
export interface SideCallUser {
  onResponse(response: SideResponse): void;
  onFailure(failure: SideCallFailure, detail: string): void;
}

/** A call under way. */
export interface SideCall {
  /** Gives it up; its user hears no more. */
  cancel(): void;
}

/** How a gRPC stream is opened. */
export interface GrpcStreamOptions {
  /** e.g. `/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs`. */
  readonly path: string;
  /** Default the cluster's name. */
  readonly authority?: string;
  /** `initial_metadata`, and whatever else goes with the request. */
  readonly metadata?: readonly (readonly [name: string, value: string])[];
  /** From the call to the end of the stream; 0 is without limit. */
  readonly timeoutMs: number;
  /** Without `x-envoy-internal` and `x-forwarded-for` (Envoy `skip_envoy_headers`). Default false. */
  readonly skipEnvoyHeaders?: boolean | undefined;
  /** How often another connection is tried, with a growing delay, when there is none to be had. Default 0. */
  readonly connectRetries?: number;
  /** A longer message is a failure. Default 4 MiB. */
  readonly maxMessageBytes?: number;
}

/** Who opened a gRPC stream. */
export interface GrpcStreamUser {
  /** A message has arrived; the bytes are the user's. */
  onMessage?(message: Uint8Array): void;
  /** The stream takes messages again after `send` answered false. */
  onWritable?(): void;
  /** The last call, never before `openGrpcStream` has returned. `status` is a gRPC status code; 14 when the stream broke. */
  onEnd(status: number, message: string): void;
}

/** A gRPC stream; messages may be sent at once, they leave when there is a connection. */
export interface GrpcStream {
  /** Bytes that wait to be taken by the connection; once the stream has ended, those that never were. */
  readonly bufferedBytes: number;
  /** Sends one message; false: stop until `onWritable`. */
  send(message: Uint8Array): boolean;
  /** No more messages from this side. */
  end(): void;
  /** Resets the stream; its user hears no more. */
  cancel(): void;
}

/** Side calls by cluster name; a cluster that comes later is found by the next call. */
export interface SideCalls {
  request(cluster: string, request: SideRequest, user: SideCallUser): SideCall;
  openGrpcStream(cluster: string, options: GrpcStreamOptions, user: GrpcStreamUser): GrpcStream;
}
