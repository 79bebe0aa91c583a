/** A stream for tests of formats: one finished exchange with an upstream, every fact of it told. */
import type { HttpStream } from '../api/http-stream.ts';
import { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';

/** What a test says about the exchange; everything else has the values below. */
export interface Told {
  readonly path?: string;
  readonly authority?: string;
  /** name, value, name, value… */
  readonly request?: readonly string[];
  /** `undefined`: there is no response yet. */
  readonly response?: readonly string[] | undefined;
  readonly status?: number;
  readonly trailers?: readonly string[];
  readonly minor?: number;
  readonly info?: Partial<HttpStream['info']>;
  readonly connection?: Partial<HttpStream['connection']>;
  readonly rest?: Partial<HttpStream>;
}

/** 2026-11-21T10:04:16.207Z, as it was when Envoy printed the expected texts. */
const WALL_MS = 1_795_255_456_207;

const host = { address: '10.1.1.1:8080', ip: '10.1.1.1', port: 8080, hostname: 'up.test:80' };

export function stream(told: Told = {}): HttpStream {
  const response = told.response === undefined && 'response' in told ? undefined : responseHead(told);
  return {
    requestHeaders: requestHead(told),
    responseHeaders: response,
    responseTrailers: told.trailers && fill(new ResponseHead(), told.trailers),
    route: { name: 'r1', metadata: {}, action: { kind: 'direct_response' } },
    clusters: { get: () => undefined },
    runtime: NO_RUNTIME,
    random: 0,
    timers: { nowMs: () => 1050, clock: { nowMs: () => 1050, wallMs: () => WALL_MS + 50 } },
    connection: { ...CONNECTION, ...told.connection },
    info: { ...INFO(), ...told.info },
    ...told.rest,
  } as unknown as HttpStream;
}

const CONNECTION = {
  id: 7,
  remoteIp: '192.0.2.9',
  remotePort: 5555,
  localIp: '127.0.0.1',
  localPort: 80,
  secure: false,
};

const INFO = () => ({
  startMs: 1000,
  startWallMs: WALL_MS,
  requestCompleteMs: 1001.5,
  upstreamFirstByteMs: 1020,
  endMs: 1042.9,
  flags: 0,
  details: 'via_upstream',
  bytesReceived: 5,
  bytesSent: 11,
  clientIp: '192.0.2.9',
  upstreamHost: host,
  upstreamCluster: 'up',
  attempts: 1,
  metadata: new Map<string, unknown>(),
  filterState: new Map<string, unknown>(),
});

function requestHead({ path = '/p/q?a=1', authority = 'h.test:81', request = [], minor = 1 }: Told): RequestHead {
  const head = fill(new RequestHead(), request);
  head.rawPath = path;
  head.rawAuthority = authority;
  head.minor = minor;
  return head;
}

function responseHead({ status = 200, response = [] }: Told): ResponseHead {
  const head = fill(new ResponseHead(), response);
  head.rawStatus = status;
  return head;
}

function fill<Head extends RequestHead | ResponseHead>(head: Head, fields: readonly string[]): Head {
  for (let i = 0; i < fields.length; i += 2) head.append(fields[i] as string, fields[i + 1] as string);
  return head;
}
