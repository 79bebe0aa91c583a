/** Which protocol a new connection speaks. */
import type { Connection } from '../net/connection.ts';
import type { ChainEnd } from '../net/filter-chain.ts';
import type { Peer } from '../net/peer.ts';
import type { HttpConnection } from './connection.ts';
import { Http1Connection } from './http1-connection.ts';
import { Http2Connection } from './http2-connection.ts';
import type { HttpManager } from './manager.ts';
import { UndecidedConnection } from './undecided-connection.ts';

/** The end of a filter chain that is a connection manager. */
export function httpChainEnd(manager: HttpManager): ChainEnd {
  return { attach: (connection, peer) => httpConnection(manager, connection, peer) };
}

/** `codec_type`; with AUTO what ALPN has agreed on, else what the first bytes tell. */
function httpConnection(manager: HttpManager, connection: Connection, peer: Peer): HttpConnection {
  const { codec } = manager.settings;
  if (codec === 'HTTP1') return new Http1Connection(manager, connection, peer);
  if (codec === 'HTTP2') return new Http2Connection(manager, connection, peer);
  const alpn = peer.tls?.alpn;
  if (alpn === 'h2') return new Http2Connection(manager, connection, peer);
  if (alpn === 'http/1.1' || alpn === 'http/1.0') return new Http1Connection(manager, connection, peer);
  return new UndecidedConnection(manager, connection, peer);
}
