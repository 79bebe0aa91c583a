/** What is asked about tracing: connection managers, and requests for each. */
import type { Yaml } from '../scenario.ts';

/** One request; as text, `/path` or `METHOD /path`. */
export interface TracedRequest {
  readonly path: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Exactly these bytes instead; `<host>` stands for the request's host. */
  readonly raw?: string;
  /** The client resets its connection once the upstream has the request, or once it has got the head of the response. */
  readonly leaves?: 'asked' | 'answered';
}

/** A connection manager with a tracer, and what is asked of it. */
export interface TracingScenario {
  /** Names the listener and the statistics. */
  readonly name: string;
  readonly why: string;
  /** More fields of `tracing`. */
  readonly tracing?: Yaml;
  /** More fields of the listener, of the connection manager, of the router. */
  readonly listener?: Yaml;
  readonly manager?: Yaml;
  readonly router?: Yaml;
  /** HTTP filters in front of the router. */
  readonly filters?: readonly Yaml[];
  /** Routes in front of those that all have. */
  readonly routes?: readonly Yaml[];
  readonly requests: readonly (string | TracedRequest)[];
}
