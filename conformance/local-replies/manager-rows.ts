/** Local replies of connection manager and codec. */
import { answer } from '@mesh/testing';
import type { Scenario } from '../envoy/scenario.ts';
import { CLOSE, does, get, type ReplyRow } from './row.ts';

export const manager: readonly ReplyRow[] = [
  {
    situation: 'missing host',
    request: 'GET / HTTP/1.1\r\n\r\n',
    status: 400,
    body: '',
    headers: CLOSE,
    details: 'missing_host_header',
    refused: true,
  },
  {
    situation: 'absolute path',
    given: { manager: { http_protocol_options: { allow_absolute_url: false } } },
    request: 'GET http://x/a HTTP/1.1\r\nhost: h\r\n\r\n',
    status: 404,
    body: '',
    flags: '-',
    details: 'absolute_path_rejected',
  },
  {
    situation: 'a fragment in the path',
    request: get('/a#b'),
    status: 400,
    body: '',
    headers: CLOSE,
    flags: '-',
    details: 'path_normalization_failed',
  },
  {
    situation: 'an escaped slash, rejected',
    given: { manager: { path_with_escaped_slashes_action: 'REJECT_REQUEST' } },
    request: get('/a%2fb'),
    status: 400,
    body: '',
    headers: CLOSE,
    flags: '-',
    details: 'path_normalization_failed',
  },
  {
    situation: 'an escaped slash, redirected',
    given: { manager: { path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT' } },
    request: get('/a%2fb'),
    status: 307,
    body: '',
    headers: { location: '/a/b' },
    flags: '-',
    details: 'path_normalization_failed',
  },
  {
    situation: 'HTTP/1.0',
    request: 'GET / HTTP/1.0\r\nhost: h\r\n\r\n',
    status: 426,
    body: 'Upgrade Required',
    headers: CLOSE,
    details: 'low_version',
    refused: true,
  },
  {
    situation: 'an upgrade that is not allowed',
    request: get('/', 'connection: upgrade\r\nupgrade: websocket\r\n'),
    status: 403,
    body: '',
    headers: CLOSE,
    flags: '-',
    details: 'upgrade_failed',
  },
  {
    situation: 'a CONNECT without a route for it',
    request: 'CONNECT up.test:443 HTTP/1.1\r\nhost: up.test:443\r\n\r\n',
    status: 404,
    body: '',
    flags: 'NR',
    details: 'route_not_found',
  },
  {
    situation: 'a request too large for a filter that holds it',
    given: { listener: { per_connection_buffer_limit_bytes: 1024 } },
    filters: ['hold-request'],
    request: `POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3000\r\n\r\n${'x'.repeat(3000)}`,
    status: 413,
    body: 'Payload Too Large',
    flags: '-',
    details: 'request_payload_too_large',
  },
  {
    situation: 'a response too large for a filter that holds it',
    given: { listener: { per_connection_buffer_limit_bytes: 1024 }, ...does(answer({ body: 'x'.repeat(3000) })) },
    filters: ['hold-response'],
    status: 500,
    body: 'Internal Server Error',
    flags: '-',
    details: 'response_payload_too_large',
  },
];

const refused = (
  situation: string,
  request: string,
  status: number,
  body: string,
  details: string,
  given?: Partial<Scenario>,
): ReplyRow => ({
  situation,
  request,
  status,
  body,
  headers: { ...CLOSE, 'content-type': 'text/plain', server: 'envoy' },
  details,
  refused: true,
  ...(given === undefined ? {} : { given }),
});

const post = (fields: string): string => `POST / HTTP/1.1\r\nhost: h\r\n${fields}\r\n`;

const LARGE = 'Request Header Fields Too Large';

export const codec: readonly ReplyRow[] = [
  refused('too large a head', get('/', `x: ${'y'.repeat(61 * 1024)}\r\n`), 431, LARGE, 'http1.headers_too_large'),
  refused('too many fields', get('/', 'x: y\r\n'.repeat(120)), 431, LARGE, 'http1.too_many_headers'),
  refused('no HTTP from the client', 'NONSENSE\r\n\r\n', 400, 'Bad Request', 'http1.codec_error'),
  refused('a field without a colon', get('/', 'bad field\r\n'), 400, 'Bad Request', 'http1.codec_error'),
  refused('an unknown method', 'BREW / HTTP/1.1\r\nhost: h\r\n\r\n', 400, 'Bad Request', 'http1.codec_error'),
  refused(
    'a target that is none',
    'GET http://x:port/ HTTP/1.1\r\nhost: h\r\n\r\n',
    400,
    'Bad Request',
    'http1.invalid_url',
  ),
  refused(
    'an unknown transfer coding',
    post('transfer-encoding: gzip\r\n'),
    501,
    'Not Implemented',
    'http1.invalid_transfer_encoding',
  ),
  refused(
    'length beside chunks',
    post('content-length: 3\r\ntransfer-encoding: chunked\r\n'),
    400,
    'Bad Request',
    'http1.content_length_and_chunked_not_allowed',
  ),
  refused('a length that is none', post('content-length: x\r\n'), 400, 'Bad Request', 'http1.codec_error'),
  refused(
    'a CONNECT with a length',
    'CONNECT h:1 HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc',
    400,
    'Bad Request',
    'http1.body_disallowed',
  ),
  refused(
    'a CONNECT with chunks',
    'CONNECT h:1 HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    501,
    'Not Implemented',
    'http1.invalid_transfer_encoding',
  ),
  refused('NUL in a value', get('/', 'x: a\0b\r\n'), 400, 'Bad Request', 'http1.invalid_characters'),
  refused('an underscore in a name', get('/', 'x_a: 1\r\n'), 400, 'Bad Request', 'http1.unexpected_underscore', {
    manager: { common_http_protocol_options: { headers_with_underscores_action: 'REJECT_REQUEST' } },
  }),
  refused(
    'Connection names x-forwarded-for',
    get('/', 'connection: x-forwarded-for\r\n'),
    400,
    'Bad Request',
    'http1.connection_header_rejected',
  ),
];
