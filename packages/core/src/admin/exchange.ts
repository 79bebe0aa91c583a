/** A request to the admin server and what is counted of it. */
import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request that is over. */
export interface ServedRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Unix milliseconds at which its head was complete. */
  readonly startWallMs: number;
  readonly durationMs: number;
  /** Bytes of its body. */
  readonly bytesReceived: number;
  /** Bytes of the answer's body. */
  readonly bytesSent: number;
}

/** A request that is being answered. */
export class Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  bytesReceived = 0;
  bytesSent = 0;
  private readonly startMs = performance.now();
  private readonly startWallMs = Date.now();

  constructor(request: IncomingMessage, response: ServerResponse) {
    this.request = request;
    this.response = response;
  }

  /** What there is to tell of it now that it is over. */
  end(): ServedRequest {
    const { bytesReceived, bytesSent, request, response, startMs, startWallMs } = this;
    return { request, response, startWallMs, durationMs: performance.now() - startMs, bytesReceived, bytesSent };
  }
}
