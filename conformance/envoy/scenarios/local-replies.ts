/** Answers that the proxy makes itself, and `local_reply_config`. */
import { answer, closeUnanswered, resetAfter, truncate } from '@mesh/testing';
import { add, prefix, type RequestSpec, type Scenario, TO_A, type Yaml } from '../scenario.ts';

const at = (headers: Readonly<Record<string, string>>): RequestSpec => ({ headers });
const GRPC = at({ 'content-type': 'application/grpc' });
const status = (op: string, value: number): Yaml => ({
  status_code_filter: { comparison: { op, value: { default_value: value, runtime_key: 'conformance.unused' } } },
});
const header = (name: string, exact: string): Yaml => ({
  header_filter: { header: { name, string_match: { exact } } },
});
const CONFIGURED = { table: { validate_clusters: false } };

const reply = (name: string, why: string, rest: Partial<Scenario>): Scenario => ({
  name: `reply-${name}`,
  why,
  routes: [
    prefix('/nowhere', '<unknown>'),
    prefix('/refused', '<refused>'),
    { match: { prefix: '/direct' }, direct_response: { status: 403, body: { inline_string: 'denied' } } },
    prefix('/up', '<a>'),
  ],
  requests: ['/none', '/nowhere', '/refused', '/direct', '/up'],
  ...CONFIGURED,
  ...rest,
});

const plain: readonly Scenario[] = [
  reply('plain', 'status, text and content type of the usual ones', {}),
  reply('head', 'a HEAD gets no body', {
    requests: ['HEAD /none', 'HEAD /nowhere', 'HEAD /refused', 'HEAD /direct'],
  }),
  reply('grpc', 'a gRPC request gets a gRPC status', {
    requests: ['/none', '/nowhere', '/refused', '/direct'].map((path) => ({ path, ...GRPC })),
  }),
  {
    name: 'reply-grpc-statuses',
    why: 'which gRPC status stands for which HTTP status',
    routes: [400, 401, 403, 404, 408, 413, 429, 431, 500, 501, 502, 503, 504].map((code) => ({
      match: { prefix: `/${code}` },
      direct_response: { status: code, body: { inline_string: `a %message ${code}` } },
    })),
    requests: [400, 401, 403, 404, 408, 413, 429, 431, 500, 501, 502, 503, 504].map((code) => ({
      path: `/${code}`,
      ...GRPC,
    })),
  },
  {
    name: 'reply-no-hosts',
    why: 'a cluster without hosts',
    routes: [prefix('/', '<empty>')],
    requests: ['/', GRPC, 'HEAD /'],
    expect: [{ status: 503, body: 'no healthy upstream' }],
    counters: ['cluster.empty.upstream_cx_none_healthy', 'cluster.empty.upstream_rq_503'],
  },
  {
    name: 'reply-closed',
    why: 'an upstream that closes or resets instead of answering',
    routes: [prefix('/close', '<a>'), prefix('/reset', '<b>'), prefix('/half', '<c>')],
    upstreams: { a: closeUnanswered(), b: resetAfter(), c: truncate({ body: 'x' }, 12) },
    requests: ['/close', '/reset', '/half'],
  },
  {
    name: 'reply-cut-body',
    why: 'an upstream that ends within its body cuts the response',
    routes: [prefix('/close', '<a>'), prefix('/reset', '<b>')],
    upstreams: { a: truncate({ body: '0123456789' }, 45), b: resetAfter({ body: '0123456789' }, 45) },
    requests: [
      { path: '/close', untilClosed: true },
      { path: '/reset', untilClosed: true },
    ],
  },
  {
    name: 'reply-while-sending',
    why: 'an upstream that answers and closes while the request still comes',
    routes: [TO_A],
    upstreams: { a: answer({ reason: 'OK', body: 'early', framing: 'close' }) },
    requests: [{ method: 'POST', body: 'abc' }],
  },
];

const mapped: readonly Scenario[] = [
  reply('mapped-status', 'a mapper replaces the status', {
    manager: { local_reply_config: { mappers: [{ filter: status('EQ', 404), status_code: 410 }] } },
    requests: ['/none', '/direct', '/up'],
    expect: [{ status: 410 }, { status: 403 }],
  }),
  reply('mapped-body', 'and the body', {
    manager: {
      local_reply_config: { mappers: [{ filter: status('GE', 500), body: { inline_string: 'sorry' } }] },
    },
  }),
  reply('mapped-first', 'the first mapper that fits is the only one', {
    manager: {
      local_reply_config: {
        mappers: [
          { filter: status('GE', 400), body: { inline_string: 'first' } },
          { filter: status('EQ', 404), body: { inline_string: 'second' }, status_code: 599 },
        ],
      },
    },
  }),
  reply('mapped-fields', 'headers_to_add of a mapper', {
    manager: {
      local_reply_config: {
        mappers: [
          {
            filter: status('EQ', 403),
            headers_to_add: [add('x-mapped', '%RESPONSE_CODE%'), add('server', 'mapped', 'OVERWRITE_IF_EXISTS_OR_ADD')],
          },
        ],
      },
    },
    requests: ['/direct', '/none'],
  }),
  reply('mapped-by-header', 'a filter on request fields', {
    manager: {
      local_reply_config: { mappers: [{ filter: header('x-kind', 'special'), body: { inline_string: 'special' } }] },
    },
    requests: [{ path: '/direct', headers: { 'x-kind': 'special' } }, '/direct'],
  }),
  reply('mapped-by-flag', 'a filter on response flags', {
    manager: {
      local_reply_config: {
        mappers: [
          { filter: { response_flag_filter: { flags: ['NR'] } }, body: { inline_string: 'no route' } },
          { filter: { response_flag_filter: { flags: ['UF', 'NC'] } }, body: { inline_string: 'no upstream' } },
        ],
      },
    },
  }),
  reply('mapped-and-or', 'filters joined', {
    manager: {
      local_reply_config: {
        mappers: [
          {
            filter: { and_filter: { filters: [status('EQ', 403), header('x-a', '1')] } },
            body: { inline_string: 'and' },
          },
          { filter: { or_filter: { filters: [status('EQ', 403), status('EQ', 404)] } }, body: { inline_string: 'or' } },
        ],
      },
    },
    requests: [{ path: '/direct', headers: { 'x-a': '1' } }, '/direct', '/none', '/nowhere'],
  }),
  reply('format-text', 'body_format with the body in it', {
    manager: {
      local_reply_config: {
        body_format: { text_format_source: { inline_string: '<%LOCAL_REPLY_BODY%> %RESPONSE_CODE% %REQ(:path)%\n' } },
      },
    },
  }),
  reply('format-json', 'body_format as JSON', {
    manager: {
      local_reply_config: {
        body_format: {
          json_format: {
            status: '%RESPONSE_CODE%',
            message: '%LOCAL_REPLY_BODY%',
            nested: { path: '%REQ(:path)%', none: '%REQ(x-none)%' },
            fixed: 'text',
          },
        },
      },
    },
    requests: ['/none', '/direct'],
  }),
  reply('format-content-type', 'content_type of the format', {
    manager: {
      local_reply_config: {
        body_format: {
          text_format_source: { inline_string: '<h1>%LOCAL_REPLY_BODY%</h1>' },
          content_type: 'text/html; charset=UTF-8',
        },
      },
    },
    requests: ['/direct', 'HEAD /direct'],
  }),
  reply('format-override', 'a mapper brings a format of its own', {
    manager: {
      local_reply_config: {
        mappers: [
          {
            filter: status('EQ', 403),
            body: { inline_string: 'new body' },
            body_format_override: { text_format_source: { inline_string: 'override: %LOCAL_REPLY_BODY%' } },
          },
        ],
        body_format: { text_format_source: { inline_string: 'default: %LOCAL_REPLY_BODY%' } },
      },
    },
    requests: ['/direct', '/none'],
  }),
  reply('format-grpc', 'a gRPC answer with a format', {
    manager: {
      local_reply_config: { body_format: { text_format_source: { inline_string: 'm: %LOCAL_REPLY_BODY%' } } },
    },
    requests: [{ path: '/direct', ...GRPC }],
  }),
  reply('mapped-codec', 'answers of the codec are local replies too', {
    manager: {
      local_reply_config: {
        mappers: [
          {
            filter: status('EQ', 400),
            status_code: 422,
            body: { inline_string: 'bad' },
            headers_to_add: [add('x-m', '1')],
          },
        ],
      },
    },
    requests: [{ raw: 'NONSENSE\r\n\r\n', untilClosed: true }],
  }),
  reply('mapped-not-upstream', 'what an upstream says is left alone', {
    manager: { local_reply_config: { mappers: [{ filter: status('EQ', 404), body: { inline_string: 'mapped' } }] } },
    upstreams: { a: answer({ status: 404, reason: 'OK', body: 'own' }) },
    requests: ['/up', '/none'],
  }),
];

export const localReplies: readonly Scenario[] = [...plain, ...mapped];
