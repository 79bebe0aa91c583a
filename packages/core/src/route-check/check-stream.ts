/** The request of a test as routing sees it: a head, and a stream that nothing comes out of. */

import type { Clock } from '../api/clock.ts';
import type { ResponseWriter } from '../api/codec.ts';
import type { HttpStream, StreamConnection } from '../api/http-stream.ts';
import { http } from '../compose.ts';
import { httpSettings } from '../config/build-http.ts';
import { RequestHead, ResponseHead } from '../headers/header-map.ts';
import { FilterPlan } from '../http/filter-plan.ts';
import { HttpManager } from '../http/manager.ts';
import { Stream } from '../http/stream.ts';
import { TimerWheel } from '../runtime/timer-wheel.ts';
import { listenerHttpStats, StatsStore } from '../stats/index.ts';
import type { CheckRuntime } from './check-runtime.ts';
import type { RouteTest } from './schema.ts';

type Input = RouteTest['input'];

const STOPPED_CLOCK: Clock = { nowMs: () => 0, wallMs: () => Date.now(), schedule: () => () => {} };

/** Nothing is ever written. */
const NOWHERE: ResponseWriter = {
  writeInterim() {},
  writeHead() {},
  writeData() {},
  writeTrailers() {},
  flush: () => true,
  reset() {},
  closeAfterResponse() {},
  pauseRequest() {},
  resumeRequest() {},
};

/** Makes streams for tests. */
export class CheckStreams {
  private readonly manager: HttpManager;

  constructor(runtime: CheckRuntime) {
    const scope = new StatsStore().scope('');
    this.manager = new HttpManager({
      settings: httpSettings(http({ filters: [] }), 32_768),
      plan: new FilterPlan([]),
      routePlans: new Map(),
      routes: { route: () => undefined },
      clusters: { get: () => undefined },
      wheel: new TimerWheel(STOPPED_CLOCK, () => {}),
      random: () => 0,
      runtime,
      logger: { log: () => {} },
      rootScope: scope,
      listenerStats: listenerHttpStats(scope.scope('check.')),
      draining: () => false,
    });
  }

  stream(input: Input): Stream {
    const stream = new Stream(this.manager, connectionOf(input), NOWHERE);
    stream.requestHeaders = requestHead(input);
    stream.clientIp = '127.0.0.1';
    stream.internal = input.internal;
    Object.defineProperty(stream, 'random', { value: input.randomValue });
    addMetadata(stream, input);
    return stream;
  }
}

function connectionOf({ ssl }: Input): StreamConnection {
  return { id: 1, remoteIp: '127.0.0.1', remotePort: 0, localIp: '127.0.0.1', localPort: ssl ? 443 : 80, secure: ssl };
}

function requestHead(input: Input): RequestHead {
  const head = new RequestHead();
  const scheme = input.ssl ? 'https' : 'http';
  head.method = input.method;
  head.path = input.path;
  head.authority = input.authority;
  head.scheme = scheme;
  head.append('x-forwarded-proto', scheme);
  if (input.internal) head.append('x-envoy-internal', 'true');
  for (const { key, value } of [...input.additionalHeaders, ...input.additionalRequestHeaders]) head.append(key, value);
  return head;
}

/** The head of the response that a route's `response_headers_to_add` and the like are applied to. */
export function responseHead({ additionalResponseHeaders }: Input, status: number, body: string): ResponseHead {
  const head = new ResponseHead();
  head.status = status;
  if (body !== '') {
    head.append('content-length', String(Buffer.byteLength(body)));
    head.append('content-type', 'text/plain');
  }
  for (const { key, value } of additionalResponseHeaders) {
    if (key === ':status') head.status = Number(value);
    else head.append(key, value);
  }
  return head;
}

/** As the set_metadata filter does: what is there is kept, unless overwriting is allowed. */
function addMetadata({ info }: HttpStream, { dynamicMetadata }: Input): void {
  for (const { metadataNamespace, value = {}, allowOverwrite } of dynamicMetadata) {
    const known = info.metadata.get(metadataNamespace) as object | undefined;
    if (known !== undefined && !allowOverwrite) continue;
    info.metadata.set(metadataNamespace, { ...known, ...value });
  }
}
