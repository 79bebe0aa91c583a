/** Fields that routes add and remove, at four levels. */
import { add, type Outcome, prefix, type RouteCases, type Yaml } from './case.ts';

const at = (name: string, value: string) => ({ headers: { [name]: value } });

const ACTIONS = {
  APPEND_IF_EXISTS_OR_ADD: ['new', 'old | new', ' | new'],
  ADD_IF_ABSENT: ['new', 'old', ''],
  OVERWRITE_IF_EXISTS_OR_ADD: ['new', 'new', 'new'],
  OVERWRITE_IF_EXISTS: [null, 'new', 'new'],
} as const;

const level = (name: string, append_action?: string): Yaml => ({
  request_headers_to_add: [add('x-l', name, append_action)],
  response_headers_to_add: [add('x-l', name, append_action)],
});

const levels = (append_action?: string): Pick<RouteCases, 'routes' | 'virtualHost' | 'table'> => ({
  routes: [
    {
      match: { prefix: '/' },
      route: { weighted_clusters: { clusters: [{ name: '<a>', weight: 1, ...level('cluster', append_action) }] } },
      ...level('route', append_action),
    },
  ],
  virtualHost: level('host', append_action),
  table: level('table', append_action),
});

const both = (value: string): Pick<Required<Outcome>, 'sees' | 'responds'> => ({
  sees: { 'x-l': value },
  responds: { 'x-l': value },
});

export const mutations: readonly RouteCases[] = [
  ...Object.entries(ACTIONS).map(
    ([action, [missing, old, empty]]): RouteCases => ({
      name: `add-${action.toLowerCase().replaceAll('_', '-')}`,
      routes: [prefix('/', '<a>', {}, { request_headers_to_add: [add('X-New', 'new', action)] })],
      rows: [
        ['/', { sees: { 'x-new': missing } }, `${action}, the field is missing`],
        ['/', { sees: { 'x-new': old } }, `${action}, the field is there`, at('x-new', 'old')],
        ['/', { sees: { 'x-new': empty } }, `${action}, the field is empty`, at('x-new', '')],
      ],
    }),
  ),
  {
    name: 'levels-append',
    ...levels(),
    rows: [['/', both('cluster | route | host | table'), 'from the most to the least specific']],
  },
  {
    name: 'levels-overwrite',
    ...levels('OVERWRITE_IF_EXISTS_OR_ADD'),
    rows: [['/', both('table'), 'the least specific comes last and wins']],
  },
  {
    name: 'levels-if-absent',
    ...levels('ADD_IF_ABSENT'),
    rows: [['/', both('cluster'), 'the most specific comes first and stays']],
  },
  {
    name: 'levels-specific-wins',
    ...levels('OVERWRITE_IF_EXISTS_OR_ADD'),
    table: { ...level('table', 'OVERWRITE_IF_EXISTS_OR_ADD'), most_specific_header_mutations_wins: true },
    rows: [['/', both('route'), 'the outer three turn round; the weighted cluster stays first']],
  },
  {
    name: 'levels-specific-wins-append',
    ...levels(),
    table: { ...level('table'), most_specific_header_mutations_wins: true },
    rows: [['/', both('cluster | table | host | route'), 'their order shows when they append']],
  },
  {
    name: 'removes',
    routes: [
      prefix(
        '/',
        '<a>',
        {},
        {
          request_headers_to_remove: ['x-a', 'X-B'],
          request_headers_to_add: [add('x-a', 'again')],
          response_headers_to_remove: ['x-up'],
        },
      ),
    ],
    virtualHost: { request_headers_to_remove: ['x-c'], response_headers_to_remove: ['x-up-b'] },
    table: { request_headers_to_remove: ['x-d'] },
    answers: { 'x-up': '1', 'x-up-b': '1', 'x-kept': '1' },
    rows: [
      ['/', { sees: { 'x-a': 'again' } }, 'removed before it is added', at('x-a', 'old')],
      ['/', { sees: { 'x-b': null } }, 'names have no case', at('x-b', '1')],
      ['/', { sees: { 'x-c': null } }, 'by the virtual host', at('x-c', '1')],
      ['/', { sees: { 'x-d': null } }, 'by the table', at('x-d', '1')],
      ['/', { sees: { 'x-e': '1' } }, 'others stay', at('x-e', '1')],
      ['/', { sees: { 'x-b': null } }, 'every line of it', { headers: { 'x-b': ['1', '2'] } }],
      ['/', { responds: { 'x-up': null, 'x-up-b': null, 'x-kept': '1' } }, 'response fields likewise'],
    ],
  },
  {
    name: 'formats',
    routes: [
      prefix(
        '/',
        '<a>',
        { prefix_rewrite: '/new/' },
        {
          request_headers_to_add: [
            add('x-path', '%REQ(:path)%'),
            add('x-method', 'm=%REQ(:method)%'),
            add('x-host', '%REQ(:authority)%'),
            add('x-copy', '%REQ(x-in)%'),
            add('x-or', '%REQ(x-none?x-in)%'),
            add('x-cut', '%REQ(x-in):3%'),
            add('x-none', '%REQ(x-missing)%'),
            add('x-kept', '%REQ(x-missing)%', undefined, { keep_empty_value: true }),
            add('x-percent', '100%%'),
            add('x-two', '%REQ(x-in)%-%REQ(x-in)%'),
          ],
          response_headers_to_add: [add('x-from-request', '%REQ(x-in)%'), add('x-from-response', '%RESP(x-up)%')],
        },
      ),
    ],
    answers: { 'x-up': 'upstream' },
    rows: [
      [
        '/a?q=1',
        { path: '/new/a?q=1', sees: { 'x-path': '/a?q=1' } },
        'fields are added before the path is rewritten',
        at('x-in', 'value'),
      ],
      ['POST /', { sees: { 'x-method': 'm=POST' } }, 'the method', at('x-in', 'value')],
      ['http://x.test:81/', { sees: { 'x-host': 'x.test:81' } }, 'the host', at('x-in', 'value')],
      [
        '/',
        { sees: { 'x-copy': 'value', 'x-or': 'value', 'x-cut': 'val' } },
        'fields of the request',
        at('x-in', 'value'),
      ],
      [
        '/',
        { sees: { 'x-none': null, 'x-kept': '' } },
        'what is missing is empty, and empty is not added',
        at('x-in', 'value'),
      ],
      ['/', { sees: { 'x-percent': '100%', 'x-two': 'value-value' } }, 'literal text around them', at('x-in', 'value')],
      [
        '/',
        { responds: { 'x-from-request': 'value', 'x-from-response': 'upstream' } },
        'fields in a response',
        at('x-in', 'value'),
      ],
    ],
  },
  {
    name: 'formats-see-their-level',
    routes: [
      prefix(
        '/',
        '<a>',
        {},
        {
          request_headers_to_add: [add('x-a', 'new', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-copy', '%REQ(x-a)%')],
        },
      ),
    ],
    virtualHost: { request_headers_to_add: [add('x-host-copy', '%REQ(x-a)%')] },
    rows: [
      [
        '/',
        { sees: { 'x-a': 'new', 'x-copy': 'old', 'x-host-copy': 'new' } },
        'a level sees the levels before it, not itself',
        at('x-a', 'old'),
      ],
    ],
  },
];
