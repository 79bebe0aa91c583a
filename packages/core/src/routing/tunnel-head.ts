/** The request head that a TCP connection travels behind when it is tunnelled over HTTP. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { NetworkConnection } from '../api/network-filter.ts';
import { compileFormat, type Format } from '../format/format.ts';
import { RequestHead } from '../headers/header-map.ts';
import { HeaderMutations } from './header-mutations.ts';
import type { HeaderAdditionSettings } from './settings.ts';

/** Envoy `TcpProxy.TunnelingConfig`, as far as the head is concerned. */
export interface TunnelHeadSettings {
  /** May hold commands, which are about the connection. */
  readonly hostname: string;
  /** POST in the place of CONNECT. */
  readonly usePost: boolean;
  /** Of a POST. Default `/`. */
  readonly postPath?: string | undefined;
  readonly headersToAdd: readonly HeaderAdditionSettings[];
}

export class TunnelHead {
  private readonly settings: TunnelHeadSettings;
  private readonly hostname: Format;
  private readonly additions: HeaderMutations;

  /** @throws SyntaxError for a text that is no format. */
  constructor(settings: TunnelHeadSettings) {
    this.settings = settings;
    this.hostname = compileFormat(settings.hostname);
    this.additions = new HeaderMutations(settings.headersToAdd, []);
  }

  /** The head for one connection; `undefined` when what the commands say of it makes no legal host. */
  make(connection: NetworkConnection): RequestHeaders | undefined {
    const { usePost, postPath = '/' } = this.settings;
    const stream = asStream(connection);
    const head = new RequestHead();
    head.rawMethod = usePost ? 'POST' : 'CONNECT';
    head.rawPath = usePost ? postPath : '';
    try {
      // A server name is the client's text: the setter refuses what would break a head.
      head.authority = this.hostname.format(stream);
      this.additions.apply(head, stream);
    } catch {
      return undefined;
    }
    return head.authority === '' ? undefined : head;
  }
}

/** What the commands of formats may ask of a stream, answered by a connection that has no request. */
function asStream(connection: NetworkConnection): HttpStream {
  const { info } = connection;
  const { startMs, startWallMs, flags, details, bytesReceived, bytesSent, upstreamHost, upstreamCluster } = info;
  return {
    id: connection.id,
    requestHeaders: new RequestHead(),
    responseHeaders: undefined,
    requestTrailers: undefined,
    responseTrailers: undefined,
    route: undefined,
    clusters: { get: () => undefined },
    connection,
    info: {
      ...{ startMs, startWallMs, flags, details, bytesReceived, bytesSent, upstreamHost, upstreamCluster },
      requestCompleteMs: -1,
      upstreamFirstByteMs: -1,
      endMs: -1,
      clientIp: '',
      attempts: info.attempts,
      metadata: info.metadata,
      filterState: info.filterState,
    },
    random: 0,
    finished: false,
    routeConfig: () => undefined,
  } as unknown as HttpStream;
}
