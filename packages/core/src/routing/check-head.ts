/** The request head of health checks: made for each of them, because what is added to it may hold commands. */
import type { Clock } from '../api/clock.ts';
import type { Host } from '../api/cluster.ts';
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { RequestHead } from '../headers/header-map.ts';
import { HeaderMutations } from './header-mutations.ts';
import type { HeaderAdditionSettings } from './settings.ts';

/** What all heads of one check have in common. */
export interface CheckHeadSettings {
  readonly method: string;
  readonly path: string;
  /** Fields of the head before anything is added. Names in lower case. */
  readonly fields: Readonly<Record<string, string>>;
  /** `request_headers_to_add`; values may hold commands, which are about the host. */
  readonly add: readonly HeaderAdditionSettings[];
  /** `request_headers_to_remove`. */
  readonly remove: readonly string[];
}

/** Makes the heads of one check. */
export class CheckHead {
  private readonly settings: CheckHeadSettings;
  private readonly mutations: HeaderMutations;
  private readonly clusterName: string;
  private readonly clock: Clock;

  /** @throws SyntaxError for a text that is no format. */
  constructor(settings: CheckHeadSettings, clusterName: string, clock: Clock) {
    this.settings = settings;
    this.mutations = new HeaderMutations(settings.add, settings.remove);
    this.clusterName = clusterName;
    this.clock = clock;
  }

  /** The head for a check of `host`. */
  make(host: Host, authority: string, scheme: 'http' | 'https'): RequestHeaders {
    const head = new RequestHead();
    head.rawMethod = this.settings.method;
    head.rawPath = this.settings.path;
    head.rawAuthority = authority;
    head.scheme = scheme;
    for (const [name, value] of Object.entries(this.settings.fields)) head.set(name, value);
    if (!this.mutations.isEmpty) this.mutations.apply(head, this.asStream(host, head));
    return head;
  }

  /** What commands may ask of a stream, answered by a check, whose client is this proxy. */
  private asStream(host: Host, requestHeaders: RequestHeaders): HttpStream {
    return {
      id: 0,
      requestHeaders,
      responseHeaders: undefined,
      requestTrailers: undefined,
      responseTrailers: undefined,
      route: undefined,
      clusters: { get: () => undefined },
      connection: { id: 0, remoteIp: '127.0.0.1', remotePort: 0, localIp: '127.0.0.1', localPort: 0, secure: false },
      info: {
        startMs: this.clock.nowMs(),
        startWallMs: this.clock.wallMs(),
        requestCompleteMs: -1,
        upstreamFirstByteMs: -1,
        endMs: -1,
        flags: 0,
        details: '',
        bytesReceived: 0,
        bytesSent: 0,
        clientIp: '127.0.0.1',
        upstreamHost: host,
        upstreamCluster: this.clusterName,
        attempts: 0,
        metadata: new Map(),
        filterState: new Map(),
      },
      random: 0,
      finished: false,
      routeConfig: () => undefined,
    } as unknown as HttpStream;
  }
}
