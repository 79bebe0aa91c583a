import { describe, expect, it } from 'vitest';
import type { TlsInfo } from '../api/tls.ts';
import type { UpstreamConnection } from '../api/upstream.ts';
import { stream, type Told } from './fixture.ts';
import { compileFormat } from './format.ts';
import { compileHeaderFormat, legalValue } from './header-format.ts';
import { textOfWire } from './value.ts';

type Row = readonly [format: string, log: string, why: string, told?: Told];

const CERTIFICATE = { subject: 'CN=é', uriSans: ['a', 'b'], dnsSans: [], sha256: 'ff', pem: 'p', chainPem: 'c' };

/** An upstream connection with TLS. */
const UPSTREAM: UpstreamConnection = {
  id: 9,
  localIp: '10.0.0.2',
  localPort: 4444,
  tls: {
    version: 'TLSv1.2',
    cipher: '',
    group: 'X25519',
    serverName: 'up.test',
    peerCertificate: {
      ...CERTIFICATE,
      subject: 'CN=up',
      issuer: 'CN=ca',
      ipSans: ['127.0.0.1'],
      validToMs: 86_400_000,
    },
    localCertificate: { subject: '', uriSans: [], dnsSans: [] },
  } as unknown as TlsInfo,
};

/** Expected texts are those that Envoy 1.40 prints for the same exchange. */
const printed: readonly Row[] = [
  ['a%%b%PROTOCOL%c', 'a%bHTTP/1.1c', 'a doubled percent sign is one'],
  ['100%% %%PROTOCOL%%', '100% %PROTOCOL%', 'it does not begin a command'],
  ['%PROTOCOL()%', 'HTTP/1.1', 'empty brackets are none'],
  ['%BYTES_RECEIVED%%BYTES_SENT%', '511', 'commands may touch'],
  ['%PROTOCOL%', 'HTTP/1.0', 'the version of the request', { minor: 0 }],
  ['%PROTOCOL%', 'HTTP/2', 'another protocol', { minor: 2 }],
  ['é', 'é', 'literals are kept byte for byte'],

  ['%REQ(User-Agent)%', 'ua', 'names have no case', { request: ['user-agent', 'ua'] }],
  ['%REQUEST_HEADER(x)%', '1', 'the long name', { request: ['x', '1'] }],
  ['%STREAM_INFO_REQ(:path)%', '/p/q?a=1', 'a third name'],
  ['%REQ(X?Y)%', 'y', 'the second header when the first is missing', { request: ['y', 'y'] }],
  ['%REQ(X?Y)%', '', 'an empty header is not missing', { request: ['x', '', 'y', 'y'] }],
  ['%REQ(X?Y)%', '-', 'neither is there'],
  ['%REQ(X)%', 'a', 'the first of several lines', { request: ['x', 'a', 'x', 'b'] }],
  ['%REQ(X):3%', 'abc', 'cut to a length', { request: ['x', 'abcdef'] }],
  ['%REQ(X):9%', 'abc', 'shorter texts stay', { request: ['x', 'abc'] }],
  ['x%REQ(X):0%y', 'xy', 'cut to nothing', { request: ['x', 'abc'] }],
  ['x%REQ(X):0%y', 'x-y', 'a missing value is not cut'],
  ['%REQ(:authority)%', 'h.test:81', 'pseudo headers'],
  ['%REQ(host)%', 'h.test:81', 'host is the authority'],
  ['%REQ(:method)% %REQ(:scheme)%', 'GET http', 'more pseudo headers'],
  ['%RESP(x)%', 'r', 'of the response', { response: ['x', 'r'] }],
  ['%RESPONSE_HEADER(:status)%', '200', 'its status'],
  ['%RESP(x)%', '-', 'without a response', { response: undefined }],
  ['%TRAILER(t)%', 'end', 'of the trailers', { trailers: ['t', 'end'] }],
  ['%RESPONSE_TRAILER(t)%', '-', 'without trailers'],

  ['%PATH%', '/p/q?a=1', 'the path of the request'],
  ['%PATH%', '/o?b', 'the original one first', { request: ['x-envoy-original-path', '/o?b'] }],
  ['%PATH(NQ)%', '/o', 'without query', { request: ['x-envoy-original-path', '/o?b'] }],
  ['%PATH(WQ:PATH)%', '/p/q?a=1', 'the present one', { request: ['x-envoy-original-path', '/o?b'] }],
  ['%PATH(NQ:PATH)%', '/p/q', 'the present one without query'],
  ['%PATH(WQ:ORIG)%', '-', 'the original one only'],
  ['%PATH(NQ:ORIG_OR_PATH):3%', '/p/', 'cut'],
  ['%PATH(:PATH)%', '/p/q?a=1', 'an empty first option'],

  ['%QUERY_PARAM(a)%', '1 2+3', 'decoded, but for plus signs; the first', { path: '/?a=1%202+3&a=7' }],
  ['%QUERY_PARAM(A)%', '-', 'names have case', { path: '/?a=1' }],
  ['%QUERY_PARAM(a)%', '', 'without value', { path: '/?a&b' }],
  ['%QUERY_PARAM(a)%', '%zz%4', 'broken escapes stay', { path: '/?a=%zz%4' }],
  ['%QUERY_PARAM(a)%', 'é', 'bytes of UTF-8', { path: '/?=1&a=%C3%A9' }],
  ['%QUERY_PARAM(a):2%', '12', 'cut', { path: '/?a=123' }],
  ['%QUERY_PARAM(a)%', '-', 'without query', { path: '/a=1' }],
  ['%QUERY_PARAMS%', 'a=1%202&b', 'the whole query', { path: '/p?a=1%202&b' }],
  ['%QUERY_PARAMS(ORIG):3%', 'a=1', 'cut', { path: '/p?a=123' }],
  ['%QUERY_PARAMS(DECODED)%', 'a=%C3%A9', 'as it came, as Envoy does', { path: '/p?a=%C3%A9' }],
  ['%QUERY_PARAMS%', '', 'an empty query', { path: '/p?' }],
  ['%QUERY_PARAMS%', '-', 'no query', { path: '/p' }],

  ['%REQUESTED_SERVER_NAME%', '-', 'there is no SNI without TLS'],
  ['%REQUESTED_SERVER_NAME(SNI_ONLY)%', '-', 'likewise'],
  ['%REQUESTED_SERVER_NAME(SNI_FIRST)%', 'h.test:81', 'the host in its place'],
  ['%REQUESTED_SERVER_NAME(HOST_FIRST:ORIG)%', '-', 'the original host only'],
  ['%REQUESTED_SERVER_NAME%', 's.test', 'of the handshake', { connection: { serverName: 's.test' } }],
  ['%REQUESTED_SERVER_NAME(SNI_FIRST):3%', 's.t', 'it comes first', { connection: { serverName: 's.test' } }],
  ['%REQUESTED_SERVER_NAME(HOST_FIRST)%', 'h.test:81', 'the host first', { connection: { serverName: 's.test' } }],
  [
    '%REQUESTED_SERVER_NAME(HOST_FIRST)%',
    'o.test',
    'original before present',
    { request: ['x-envoy-original-host', 'o.test'] },
  ],

  ['%RESPONSE_CODE%', '200', 'the status'],
  ['%RESPONSE_CODE%', '0', 'none yet', { response: undefined }],
  ['%RESPONSE_CODE_DETAILS%', 'via_upstream', 'the details'],
  ['%RESPONSE_CODE_DETAILS%', 'a_b', 'without blanks', { info: { details: 'a b' } }],
  ['%RESPONSE_CODE_DETAILS(ALLOW_WHITESPACES)%', 'a b', 'with blanks', { info: { details: 'a b' } }],
  ['%RESPONSE_CODE_DETAILS%', '-', 'none yet', { info: { details: '' } }],
  ['%RESPONSE_FLAGS%', '-', 'none'],
  [
    '%RESPONSE_FLAGS%',
    'URX,UF',
    'the retry limit first, as it was met first',
    { info: { flags: (1 << 5) | (1 << 15) } },
  ],
  [
    '%RESPONSE_FLAGS_LONG%',
    'UpstreamRetryLimitExceeded,UpstreamConnectionFailure',
    'long names',
    { info: { flags: (1 << 5) | (1 << 15) } },
  ],
  ['%RESPONSE_FLAGS_LONG%', '-', 'none'],

  ['%DURATION%', '42', 'whole milliseconds'],
  ['%DURATION%', '50', 'up to now while it runs', { info: { endMs: 0 } }],
  ['%REQUEST_DURATION%', '1', 'to the last byte of the request'],
  ['%REQUEST_DURATION%', '-', 'while it is on its way', { info: { requestCompleteMs: 0 } }],
  ['%RESPONSE_DURATION%', '20', 'to the first byte of the response'],
  ['%RESPONSE_TX_DURATION%', '22', 'from the first to the last byte of the response'],
  ['%RESPONSE_DURATION%', '-', 'nothing came', { info: { upstreamFirstByteMs: 0 } }],
  ['%COMMON_DURATION(DS_RX_BEG:DS_TX_END)%', '42', 'milliseconds unless said'],
  ['%COMMON_DURATION(DS_RX_END:US_RX_BEG:us)%', '18500', 'microseconds'],
  ['%COMMON_DURATION(DS_RX_BEG:DS_RX_END:ns)%', '1500000', 'nanoseconds'],
  ['%COMMON_DURATION(DS_TX_END:DS_RX_BEG)%', '-', 'never negative'],
  ['%COMMON_DURATION(foo:bar)%', '-', 'points that nobody set'],

  ['%DOWNSTREAM_REMOTE_ADDRESS%', '192.0.2.9:5555', 'the peer'],
  ['%DOWNSTREAM_REMOTE_ADDRESS%', '9.9.9.9:0', 'from x-forwarded-for', { info: { clientIp: '9.9.9.9' } }],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%', '9.9.9.9', 'without port', { info: { clientIp: '9.9.9.9' } }],
  ['%DOWNSTREAM_REMOTE_PORT%', '0', 'its port', { info: { clientIp: '9.9.9.9' } }],
  ['%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%', '192.0.2.9:5555', 'the peer all the same', { info: { clientIp: '9.9.9.9' } }],
  ['%DOWNSTREAM_DIRECT_REMOTE_PORT%', '5555', 'its port'],
  ['%DOWNSTREAM_REMOTE_ADDRESS%', '[2001:db8::1]:0', 'IPv6 in brackets', { info: { clientIp: '2001:db8::1' } }],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%', '192.0.0.0/16', 'a range'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(99)%', '192.0.2.9/32', 'not longer than the address'],
  ['%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(x)%', '192.0.2.9', 'other arguments are ignored'],
  [
    '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(16)%',
    '2001::/16',
    'an IPv6 range',
    { info: { clientIp: '2001:db8:1:2::1' } },
  ],
  [
    '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(99)%',
    '2001:db8:1:2::/99',
    'a longer one',
    { info: { clientIp: '2001:db8:1:2::1' } },
  ],
  ['%DOWNSTREAM_LOCAL_ADDRESS%', '127.0.0.1:80', 'this side'],
  ['%DOWNSTREAM_LOCAL_PORT%', '80', 'its port'],
  ['%DOWNSTREAM_DIRECT_LOCAL_ADDRESS_WITHOUT_PORT%', '127.0.0.1', 'without port'],
  ['%DOWNSTREAM_TLS_VERSION%%DOWNSTREAM_PEER_SUBJECT%', '--', 'nothing without TLS'],
  ['%DOWNSTREAM_PEER_CERT_V_START(%Y)%', '-', 'no certificate'],

  ['%UPSTREAM_HOST%', '10.1.1.1:8080', 'the host'],
  ['%UPSTREAM_HOST%', '-', 'none chosen', { info: { upstreamHost: undefined } }],
  ['%UPSTREAM_HOST_NAME%', 'up.test:80', 'its name'],
  ['%UPSTREAM_HOST_NAME_WITHOUT_PORT%', 'up.test', 'its name without port'],
  ['%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT(8)%', '10.0.0.0/8', 'its range'],
  ['%UPSTREAM_REMOTE_PORT%', '8080', 'its port'],
  ['%UPSTREAM_CLUSTER% %UPSTREAM_CLUSTER_RAW%', 'up up', 'the cluster'],
  ['%UPSTREAM_CLUSTER%', '-', 'none chosen', { info: { upstreamCluster: '' } }],
  ['%UPSTREAM_REQUEST_ATTEMPT_COUNT%', '1', 'attempts'],
  ['%UPSTREAM_PROTOCOL%', 'HTTP/1.1', 'its protocol'],
  ['%UPSTREAM_PROTOCOL%', '-', 'no protocol in a tunnel that ends here', { info: { upstreamTunnel: true } }],
  ['%UPSTREAM_PROTOCOL%', 'HTTP/2', 'its other protocol', { info: { upstreamHttp2: true } }],
  ['%UPSTREAM_LOCAL_ADDRESS%', '-', 'not recorded'],
  ['%UPSTREAM_TRANSPORT_FAILURE_REASON%', '-', 'nothing failed'],
  [
    '%UPSTREAM_TRANSPORT_FAILURE_REASON%',
    'delayed_connect_error:_Connection_refused',
    'behind the bar of the details',
    {
      info: {
        details:
          'upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_Connection_refused}',
      },
    },
  ],
  [
    '%DOWNSTREAM_PEER_SUBJECT%|%DOWNSTREAM_PEER_URI_SAN%',
    'CN=é|a,b',
    'of the certificate',
    { connection: { peerCertificate: CERTIFICATE } },
  ],
  [
    '%DOWNSTREAM_PEER_ISSUER%|%DOWNSTREAM_PEER_SERIAL%|%DOWNSTREAM_PEER_FINGERPRINT_1%|%DOWNSTREAM_PEER_EMAIL_SAN%',
    'CN=ca|0a|ee|a@b.test,c@d.test',
    'of the certificate, what only verification needs',
    {
      connection: {
        peerCertificate: {
          ...CERTIFICATE,
          issuer: 'CN=ca',
          serial: '0a',
          sha1: 'ee',
          emailSans: ['a@b.test', 'c@d.test'],
        },
      },
    },
  ],
  [
    '%DOWNSTREAM_PEER_IP_SAN%|%DOWNSTREAM_PEER_CERT_V_START(%Y)%|%DOWNSTREAM_PEER_CERT_V_END(%F)%',
    '::1|1970|1970-01-02',
    'and its dates',
    { connection: { peerCertificate: { ...CERTIFICATE, ipSans: ['::1'], validFromMs: 0, validToMs: 86_400_000 } } },
  ],
  [
    '%UPSTREAM_PEER_SUBJECT%|%UPSTREAM_PEER_ISSUER%|%UPSTREAM_PEER_IP_SAN%|%UPSTREAM_PEER_CERT_V_END(%F)%|%UPSTREAM_LOCAL_URI_SAN%',
    'CN=up|CN=ca|127.0.0.1|1970-01-02|-',
    'of the certificates of the upstream connection',
    { info: { upstreamConnection: UPSTREAM } },
  ],
  [
    '%UPSTREAM_TLS_VERSION%|%UPSTREAM_TLS_GROUP%|%UPSTREAM_SERVER_NAME%|%UPSTREAM_TLS_CIPHER%',
    'TLSv1.2|X25519|up.test|-',
    'of its handshake',
    { info: { upstreamConnection: UPSTREAM } },
  ],
  [
    '%UPSTREAM_CONNECTION_ID%|%UPSTREAM_LOCAL_ADDRESS%|%UPSTREAM_LOCAL_ADDRESS_WITHOUT_PORT%|%UPSTREAM_LOCAL_PORT%',
    '9|10.0.0.2:4444|10.0.0.2|4444',
    'and its own',
    { info: { upstreamConnection: UPSTREAM } },
  ],
  [
    '%UPSTREAM_CONNECTION_ID%|%UPSTREAM_LOCAL_ADDRESS%|%UPSTREAM_TLS_VERSION%|%UPSTREAM_PEER_CERT_V_START%',
    '-|-|-|-',
    'before there is one',
    {},
  ],
  [
    '%LISTENER_NAME%|%FILTER_CHAIN_NAME%',
    'front|-',
    'of the place of the manager',
    { info: { listenerName: 'front', filterChainName: '' } },
  ],
  [
    '%DOWNSTREAM_LOCAL_IP_SAN%|%DOWNSTREAM_LOCAL_EMAIL_SAN%|%DOWNSTREAM_PEER_OTHERNAME_SAN%',
    '10.0.0.1|a@b.test|-',
    'of the other kinds of names',
    {
      connection: {
        peerCertificate: CERTIFICATE,
        localCertificate: { subject: '', uriSans: [], dnsSans: [], ipSans: ['10.0.0.1'], emailSans: ['a@b.test'] },
      },
    },
  ],
  [
    '%DOWNSTREAM_TLS_VERSION%|%DOWNSTREAM_TLS_CIPHER%|%DOWNSTREAM_TLS_SESSION_ID%',
    'TLSv1.3|TLS_AES_128_GCM_SHA256|-',
    'of the handshake',
    { connection: { tls: { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', sessionId: '' } as TlsInfo } },
  ],
  [
    '%DOWNSTREAM_LOCAL_SUBJECT%|%DOWNSTREAM_LOCAL_URI_SAN%|%DOWNSTREAM_LOCAL_DNS_SAN%',
    'CN=me|-|a,b',
    'what this side showed',
    { connection: { localCertificate: { subject: 'CN=me', uriSans: [], dnsSans: ['a', 'b'] } } },
  ],
  [
    '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%',
    '10.9.9.9',
    'the socket, where a proxy has told of another client',
    { connection: { directRemoteIp: '10.9.9.9' } },
  ],
  [
    '%DOWNSTREAM_PEER_FINGERPRINT_256%|%DOWNSTREAM_PEER_DNS_SAN%',
    'ff|-',
    'what it has not is missing',
    { connection: { peerCertificate: CERTIFICATE } },
  ],
  ['%REQ(:path)%|%REQ(host)%|%PATH%', '-|-|-', 'a request whose head was refused', { path: '', authority: '' }],

  ['%CONNECTION_ID%', '7', 'of the client connection'],
  ['%STREAM_ID%', 'rid', 'the request id', { request: ['x-request-id', 'rid'] }],
  ['%ROUTE_NAME%', 'r1', 'of the route'],
  ['%ROUTE_NAME%', '-', 'no route', { rest: { route: undefined } }],
  ['%ACCESS_LOG_TYPE%', 'NotSet', 'outside of logs'],
  ['%LOCAL_REPLY_BODY%', '', 'no local reply'],
  ['%TRACE_ID%', '-', 'no tracing'],
  [
    '%REQUEST_HEADERS_BYTES%',
    String(10 + 9 + 5 + 8 + 7 + 3 + 7 + 4 + 2),
    'names and values, pseudo headers too',
    { request: ['x', '1'] },
  ],
  ['%RESPONSE_HEADERS_BYTES%', '12', 'of the response', { response: ['x', 'y'] }],
  ['%RESPONSE_TRAILERS_BYTES%', '0', 'no trailers'],

  ['%START_TIME%', '2026-11-21T10:04:16.207Z', 'ISO 8601 with milliseconds'],
  ['%EMIT_TIME%', '2026-11-21T10:04:16.257Z', 'now'],
  ['%START_TIME(%Y(x))%', '2026(x)', 'brackets in a pattern'],

  ['%GRPC_STATUS%', '-', 'not a gRPC request', { trailers: ['grpc-status', '5'] }],
  [
    '%GRPC_STATUS%',
    'NotFound',
    'of the trailers',
    { request: ['content-type', 'application/grpc'], trailers: ['grpc-status', '5'], response: ['grpc-status', '1'] },
  ],
  [
    '%GRPC_STATUS(CAMEL_STRING)%',
    'Canceled',
    'of the head',
    { request: ['content-type', 'application/grpc+json'], response: ['grpc-status', '1'] },
  ],
  [
    '%GRPC_STATUS(SNAKE_STRING)%',
    'CANCELLED',
    'in capitals',
    { request: ['content-type', 'application/grpc'], response: ['grpc-status', '1'] },
  ],
  [
    '%GRPC_STATUS(NUMBER)%',
    '14',
    'made from the HTTP status',
    { request: ['content-type', 'application/grpc'], status: 503 },
  ],
  ['%GRPC_STATUS_NUMBER%', '2', 'a 200 without status', { request: ['content-type', 'application/grpc'] }],
  [
    '%GRPC_STATUS%',
    '77',
    'an unknown number',
    { request: ['content-type', 'application/grpc'], trailers: ['grpc-status', '77'] },
  ],
  [
    '%GRPC_STATUS%',
    '-',
    'no response yet',
    { request: ['content-type', 'application/grpc'], response: undefined, info: { upstreamFirstByteMs: 0 } },
  ],
  [
    '%GRPC_STATUS%',
    '-',
    'grpc-web is another type',
    { request: ['content-type', 'application/grpc-web'], trailers: ['grpc-status', '5'] },
  ],

  ['%COALESCE({"operators":[{"command":"REQ","param":"x"},"PROTOCOL"]})%', 'HTTP/1.1', 'the first that has a value'],
  [
    '%COALESCE({"operators":[{"command":"REQ","param":"x","max_length":2}]}):1%',
    'a',
    'both lengths hold',
    { request: ['x', 'abc'] },
  ],
  ['%COALESCE({"operators":["TRACE_ID"]})%', '-', 'none has'],
];

describe('compileFormat', () => {
  it.each(printed.map(([format, expected, why, told = {}]) => [format, expected, why, told] as const))(
    '%s → %s: %s',
    (format, expected, _, told) => {
      const text = compileFormat(format, { missing: '-' }).format(stream(told));
      expect(textOfWire(text)).toBe(expected);
    },
  );

  it('prints nothing for a missing value unless told otherwise', () => {
    expect(compileFormat('[%REQ(x)%|%RESPONSE_FLAGS%]').format(stream())).toBe('[|-]');
  });

  it.each(['plain', '', '100%%', 'é'])('%j is a literal', (text) => {
    expect(compileFormat(text).isLiteral).toBe(true);
  });

  it('reads the environment when it is compiled', () => {
    process.env.MESH_FORMAT_TEST = 'abcdef';
    const format = compileFormat('%ENVIRONMENT(MESH_FORMAT_TEST):3%|%ENVIRONMENT(MESH_FORMAT_NONE)%');
    delete process.env.MESH_FORMAT_TEST;
    expect(format.format(stream())).toBe('abc|-');
  });

  it('prints another %UNIQUE_ID% each time', () => {
    const format = compileFormat('%UNIQUE_ID%');
    expect(format.format(stream())).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-/);
    expect(format.format(stream())).not.toBe(format.format(stream()));
  });

  it('takes from the context what is not on the stream', () => {
    const told = stream({ response: undefined });
    const given = stream({ response: ['x', 'given'], status: 418 });
    const context = {
      requestHeaders: stream({ request: ['q', 'copy'] }).requestHeaders,
      responseHeaders: given.responseHeaders,
      responseTrailers: stream({ trailers: ['t', 'tt'] }).responseTrailers,
      responseCode: 404,
      localReplyBody: 'body',
      accessLogType: 'DownstreamEnd',
    };
    const text = '%REQ(q)% %RESP(x)% %TRAILER(t)% %RESPONSE_CODE% %LOCAL_REPLY_BODY% %ACCESS_LOG_TYPE%';
    expect(compileFormat(text).format(told, context)).toBe('copy given tt 404 body DownstreamEnd');
  });

  it('takes the status of an upstream head that is not on the stream yet, and not that of a reply', () => {
    const { responseHeaders } = stream({ status: 404 });
    const code = compileFormat('%RESPONSE_CODE%');
    expect(code.format(stream({ response: undefined }), { responseHeaders })).toBe('404');
    const waiting = stream({ response: undefined, info: { upstreamFirstByteMs: 0 } });
    expect(code.format(waiting, { responseHeaders })).toBe('0');
  });

  it.each<readonly [string, string]>([
    ['50%', "Incorrect configuration: 50%. Couldn't find valid command at position 2"],
    ['%', "Incorrect configuration: %. Couldn't find valid command at position 0"],
    ['%%%', "Incorrect configuration: %%%. Couldn't find valid command at position 2"],
    ['%REQ(A', "Incorrect configuration: %REQ(A. Couldn't find valid command at position 0"],
    ['%req(a)%', "Incorrect configuration: %req(a)%. Couldn't find valid command at position 0"],
    ['%REQ(A):x%', "Incorrect configuration: %REQ(A):x%. Couldn't find valid command at position 0"],
    ['%REQ(A):%', "Incorrect configuration: %REQ(A):%. Couldn't find valid command at position 0"],
    ['%REQ(A)x%', "Incorrect configuration: %REQ(A)x%. Couldn't find valid command at position 0"],
    [
      '%REQ(A):99999999999999999999%',
      "Incorrect configuration: %REQ(A):99999999999999999999%. Couldn't find valid command at position 0",
    ],
    ['%-%', "Incorrect configuration: %-%. Couldn't find valid command at position 0"],
    ['%CLIENT_IP%', 'Not supported field in StreamInfo: CLIENT_IP'],
    ['%constructor%', "Incorrect configuration: %constructor%. Couldn't find valid command at position 0"],
    ['%VIRTUAL_HOST_NAME%', 'Not supported field in StreamInfo: VIRTUAL_HOST_NAME'],
    ['%REQ_WITHOUT_QUERY(:path)%', 'Not supported field in StreamInfo: REQ_WITHOUT_QUERY'],
    ['%PER_REQUEST_STATE(k)%', 'Not supported field in StreamInfo: PER_REQUEST_STATE'],
    ['%REQ%', 'REQ requires parameters'],
    ['%REQ()%', 'REQ requires parameters'],
    ['%REQ(A?B?C)%', 'More than 1 alternative header specified in token: A?B?C'],
    ['%REQ(A B)%', 'Invalid header configuration. Format string contains invalid characters.'],
    ['%REQ(A)(B)%', 'Invalid header configuration. Format string contains invalid characters.'],
    ['%REQ(X-Ü)%', 'Invalid header configuration. Format string contains invalid characters.'],
    ['%PROTOCOL(x)%', 'PROTOCOL does not take any parameters or length'],
    ['%PROTOCOL:5%', 'PROTOCOL does not take any parameters or length'],
    ['%START_TIME:5%', 'START_TIME does not allow length to be specified.'],
    ['%START_TIME(%En)%', 'Invalid header configuration. Format string contains newline.'],
    ['%GRPC_STATUS(x)%', 'GrpcStatusFormatter only supports CAMEL_STRING, SNAKE_STRING or NUMBER. Got: x'],
    ['%GRPC_STATUS(NUMBER):5%', 'GRPC_STATUS does not allow length to be specified.'],
    ['%PATH(a)%', "Invalid PATH option: 'a', only 'WQ'/'NQ' are allowed"],
    ['%PATH(WQ:FOO)%', "Invalid PATH option: 'FOO', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed"],
    ['%QUERY_PARAM%', 'QUERY_PARAM requires parameters'],
    ['%QUERY_PARAMS(x)%', "Invalid QUERY_PARAMS option: 'x', only 'ORIG'/'DECODED' are allowed"],
    [
      '%REQUESTED_SERVER_NAME(a)%',
      "Invalid REQUESTED_SERVER_NAME option: 'a', only 'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST' are allowed",
    ],
    [
      '%REQUESTED_SERVER_NAME(HOST_FIRST:X)%',
      "Invalid REQUESTED_SERVER_NAME option: 'X', only 'ORIG_OR_HOST'/'HOST'/'ORIG' are allowed",
    ],
    ['%COMMON_DURATION(a)%', 'Invalid common duration configuration: a.'],
    ['%COMMON_DURATION(a:b:c)%', 'Invalid common duration precision: c.'],
    ['%COMMON_DURATION(a:b):5%', 'COMMON_DURATION does not allow length to be specified.'],
    ['%METADATA(X:a)%', 'X is not supported type of metadata'],
    ['%METADATA%', ' is not supported type of metadata'],
    ['%METADATA(toString:a)%', 'toString is not supported type of metadata'],
    ['%FILTER_STATE%', 'Invalid filter state configuration, key cannot be empty.'],
    ['%FILTER_STATE(k:X)%', 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.'],
    ['%FILTER_STATE(k:FIELD)%', 'Invalid filter state serialize type, FIELD should be used with the field name.'],
    ['%FILTER_STATE(k:PLAIN:x)%', 'Invalid filter state serialize type, FIELD should be used with the field name.'],
    ['%ENVIRONMENT%', 'ENVIRONMENT requires parameters'],
    ['%COALESCE%', 'COALESCE requires parameters'],
    ['%COALESCE({})%', "COALESCE: JSON configuration must contain 'operators' array"],
    ['%COALESCE({"operators":[]})%', "COALESCE: 'operators' array must not be empty"],
    ['%COALESCE({"operators":["NOPE"]})%', 'Not supported field in StreamInfo: NOPE'],
    ['%CEL(request.path)%', '%CEL% is known to Envoy, not supported here: CEL expressions are not built yet'],
  ])('%j is refused', (text, problem) => {
    expect(() => compileFormat(text)).toThrow(new SyntaxError(problem));
  });

  it('knows %REQ_WITHOUT_QUERY% where its extension is asked for', () => {
    const format = compileFormat('%REQ_WITHOUT_QUERY(x?:path):3%', {
      extensions: ['envoy.formatter.req_without_query'],
    });
    expect(format.format(stream())).toBe('/p/');
  });
});

describe('compileHeaderFormat', () => {
  it.each<readonly [string, string]>([
    ['%PER_REQUEST_STATE(k)%', 'v'],
    ['%DYNAMIC_METADATA(["ns", "a", "b"])%', 'deep'],
    ['%UPSTREAM_METADATA(["ns"])%', ''],
    ['%DYNAMIC_METADATA(ns:a:b)%', 'deep'],
  ])('understands %s', (text, expected) => {
    const info = { metadata: new Map([['ns', { a: { b: 'deep' } }]]), filterState: new Map([['k', 'v']]) };
    expect(compileHeaderFormat(text).format(stream({ info }))).toBe(expected);
  });
});

describe('legalValue', () => {
  it.each<readonly [string, string]>([
    ['a\tb é', 'a\tb é'],
    ['x\r\nset-cookie: a', 'x  set-cookie: a'],
    ['\0\x7f', '  '],
  ])('%j → %j', (text, expected) => expect(legalValue(text)).toBe(expected));
});
