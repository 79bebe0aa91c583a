/** Tunnels with HTTP/2 on one side or on both: CONNECT, and upgrades by extended CONNECT (RFC 8441). */
import type { ServerHttp2Stream } from 'node:http2';
import { answer, type Behaviour } from '@mesh/testing';
import { type Asked, ask, head } from '../h2-ask.ts';
import { H2Client } from '../h2-client.ts';
import { speaking } from '../pieces.ts';
import { prefix, type Scenario, type Yaml } from '../scenario.ts';
import { byteServer, h2Server, quiet } from '../server.ts';
import type { Talk } from '../talk.ts';

const CONNECT: NonNullable<Asked['pseudo']> = {
  ':method': 'CONNECT',
  ':scheme': undefined,
  ':path': undefined,
  ':authority': 'up.test:443',
};
const SOCKET: NonNullable<Asked['pseudo']> = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat' };

/** Opens a tunnel, sends, waits for so many bytes, ends, and waits for the end. */
const tunnel =
  (pseudo: Asked['pseudo'], send: string, bytes: number, fields: Asked['fields'] = []): Talk =>
  async ({ port, received }) => {
    const client = await H2Client.connect(port);
    await client.untilSettings();
    const stream = client.open(head(pseudo, fields), false);
    client.data(stream, send, false);
    await client.untilBody(stream, bytes);
    client.data(stream, '', true);
    const response = await client.seen(stream);
    client.close();
    return { response, upstream: received() };
  };

const allowed = (...upgrades: readonly Yaml[]): Yaml => ({
  http2_protocol_options: { allow_connect: true },
  upgrade_configs: upgrades,
});
const H2: Yaml = speaking({ explicit_http_config: { http2_protocol_options: { allow_connect: true } } });
const connectTo = (cluster: string, connect_config: Yaml | undefined = {}): Yaml => ({
  match: { connect_matcher: {} },
  route: {
    cluster,
    upgrade_configs: [{ upgrade_type: 'CONNECT', ...(connect_config === undefined ? {} : { connect_config }) }],
  },
});
const h2t = (name: string, why: string, rest: Partial<Scenario>): Scenario => ({
  name: `h2t-${name}`,
  why,
  routes: [prefix('/')],
  manager: allowed({ upgrade_type: 'websocket' }, { upgrade_type: 'CONNECT' }),
  requests: [],
  ...rest,
});

/** Switches protocols, and sends back what it gets in capitals. */
const upgrading: Behaviour = async (_request, peer) => {
  peer.socket.removeAllListeners('data');
  peer.socket.on('data', (chunk: Buffer) => peer.socket.write(chunk.toString('latin1').toUpperCase()));
  peer.socket.on('end', () => peer.socket.end());
  await peer.write(
    'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n',
  );
};
const echoing = (stream: ServerHttp2Stream): void => {
  stream.respond({ ':status': 200 }, { sendDate: false } as object);
  stream.on('data', (bytes: Buffer) => stream.write(bytes.toString('latin1').toUpperCase()));
  stream.on('end', () => stream.end());
};
const CONNECTABLE = { settings: { enableConnectProtocol: true } };
const UPGRADE =
  'GET /chat HTTP/1.1\r\nhost: h.test\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\nsec-websocket-version: 13\r\n\r\n';

/** CONNECT, then upgrades. */
export const http2Tunnels: readonly Scenario[] = [
  h2t('connect', 'a CONNECT becomes a connection of bytes', {
    routes: [connectTo('<a>')],
    servers: { a: byteServer(quiet) },
    talks: [tunnel(CONNECT, 'ping', 4)],
    counters: ['http.downstream_cx_upgrades_total', 'cluster.a.upstream_cx_total'],
  }),
  h2t('connect-post', 'POST is tunnelled where it is allowed', {
    routes: [
      {
        match: { prefix: '/' },
        route: { cluster: '<a>', upgrade_configs: [{ upgrade_type: 'CONNECT', connect_config: { allow_post: true } }] },
      },
    ],
    servers: { a: byteServer(quiet) },
    talks: [tunnel({ ':method': 'POST' }, 'ping', 4)],
  }),
  h2t('connect-h2', 'a CONNECT goes to a proxy of HTTP/2 as it is', {
    routes: [{ match: { connect_matcher: {} }, route: { cluster: '<a>' } }],
    clusters: { a: H2 },
    servers: { a: h2Server(echoing, CONNECTABLE) },
    talks: [tunnel(CONNECT, 'ping', 4)],
  }),
  h2t('connect-refused', 'nobody listens', { routes: [connectTo('<refused>')], talks: [tunnel(CONNECT, 'ping', 4)] }),
  h2t('connect-not-allowed', 'a CONNECT without an upgrade_config', {
    routes: [{ match: { connect_matcher: {} }, route: { cluster: '<a>' } }],
    manager: { http2_protocol_options: { allow_connect: true } },
    talks: [ask({ pseudo: CONNECT, open: true })],
  }),
  h2t('connect-no-route', 'a CONNECT that no route takes', {
    talks: [ask({ pseudo: CONNECT, open: true })],
    routes: [prefix('/x')],
  }),
  h2t('websocket', 'an upgrade for an upstream of HTTP/1.1', {
    upstreams: { a: upgrading },
    talks: [tunnel(SOCKET, 'ping', 4, [['sec-websocket-version', '13']])],
    counters: ['http.downstream_cx_upgrades_total', 'cluster.a.upstream_rq_101', 'http.downstream_rq_2xx'],
  }),
  h2t('websocket-h2', 'an upgrade for an upstream of HTTP/2', {
    clusters: { a: H2 },
    servers: { a: h2Server(echoing, CONNECTABLE) },
    talks: [tunnel(SOCKET, 'ping', 4)],
  }),
  h2t('websocket-h1-h2', 'an upgrade of HTTP/1.1 for an upstream of HTTP/2', {
    clusters: { a: H2 },
    servers: { a: h2Server(echoing, CONNECTABLE) },
    requests: [{ raw: UPGRADE, later: [[50, 'ping']], reads: 4 }],
  }),
  h2t('websocket-refused', 'an upstream that answers otherwise', {
    upstreams: { a: answer({ status: 403, reason: 'Forbidden', body: 'no' }) },
    talks: [ask({ pseudo: SOCKET, open: true })],
  }),
  h2t('websocket-refused-h2', 'an upstream of HTTP/2 that answers otherwise', {
    clusters: { a: H2 },
    servers: {
      a: h2Server((stream) => {
        stream.respond({ ':status': 403 }, { sendDate: false } as object);
        stream.end('no');
      }, CONNECTABLE),
    },
    talks: [ask({ pseudo: SOCKET, open: true })],
    requests: [{ raw: UPGRADE }],
  }),
  h2t('websocket-not-allowed', 'an upgrade that is not configured', {
    manager: { http2_protocol_options: { allow_connect: true } },
    talks: [ask({ pseudo: SOCKET, open: true })],
    upstreams: { a: answer({ body: 'a' }) },
  }),
  h2t('h1-not-told', 'an upgrade field of HTTP/1.1 stays behind', {
    manager: {},
    clusters: { a: H2 },
    servers: { a: h2Server() },
    requests: [{ raw: UPGRADE }],
  }),
];
