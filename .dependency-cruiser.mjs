/**
 * Who may import whom (docs/architecture.md, "Arrows"). Types count as much as values: a type drawn from the right would
 * pull the layer's words to where they do not belong.
 */

/** Folders of packages/core/src → what each may import besides itself. What is not named here may import anything. */
const CORE = {
  api: [],
  errors: ['api'],
  headers: ['api'],
  regex: [],
  hash: [],
  runtime: ['api', 'errors', 'regex/wire-text'],
  stats: ['api'],
  net: ['api', 'errors', 'headers', 'regex', 'runtime', 'stats'],
  http2: ['api', 'errors', 'headers', 'runtime', 'stats', 'net', 'http1/(?:framing|target|tunnel)'],
  rbac: [
    'api',
    'errors',
    'headers',
    'regex',
    'net/address-set',
    'routing/(?:header-match|value-match|path-match|text|settings)',
  ],
  http1: ['api', 'errors', 'headers', 'runtime', 'stats', 'net'],
  http: [
    ...['api', 'errors', 'headers', 'runtime', 'stats', 'net', 'http1', 'http2', 'format', 'log-filter'],
    // Local replies get headers by the same rules as routes.
    'routing/(?:header-mutations|settings)',
  ],
  upstream: ['api', 'errors', 'headers', 'hash', 'regex/wire-text', 'runtime', 'stats', 'net', 'http1', 'http2'],
  format: ['api', 'errors', 'headers', 'regex'],
  routing: ['hash', 'api', 'errors', 'format', 'headers', 'net/address-set', 'regex', 'stats'],
  'log-filter': ['api', 'errors', 'format', 'headers', 'regex', 'routing/(?:header-match|value-match|settings)'],
  observe: [
    'api',
    'errors',
    'format',
    'headers',
    'http',
    'log-filter',
    'regex',
    'runtime',
    'stats',
    'routing/(?:settings|value-match)',
  ],
  admin: ['api', 'errors', 'headers', 'net', 'regex', 'runtime', 'stats'],
  // Config knows the settings types of what it builds, and nothing of how they are used.
  config: [
    'api',
    'errors',
    // Compiling a format is how it is checked.
    'format',
    'regex',
    'runtime',
    'net/(?:listener|address|address-set|transport|chain-match|ip-table|tls/(?:settings|check-material|cipher-names))',
    'http/settings',
    'log-filter/settings',
    'http[12]/options',
    'upstream/settings',
    'rbac/settings',
    'format',
    'log-filter/settings',
    'routing/(?:settings|action-settings|uri-template|path-template-rewrite)',
  ],
};

const TEST = String.raw`\.(?:test|bench)\.(?:ts|mjs)$|/fixtures?/|/fixture\.ts$`;

/** A folder's files, or the single file of that name. */
const within = (name) => `^packages/core/src/${name}(?:/|\\.ts$)`;

const layers = Object.entries(CORE).map(([name, allowed]) => ({
  name: `core-${name}`,
  comment: `core/src/${name} may import ${[...allowed, 'its own files'].join(', ')} of core only`,
  severity: 'error',
  // Tests may build what they need from anywhere in their package.
  from: { path: within(name), pathNot: TEST },
  to: { path: '^packages/core/src/', pathNot: [name, ...allowed].map(within) },
}));

/** A rule that only some files may import a package from the registry. */
const onlyIn = (packageName, path) => ({
  name: `only-here-${packageName.replace('/', '-')}`,
  comment: `${packageName} is imported in ${path} only`,
  severity: 'error',
  from: { path: '^packages/[^/]+/src/', pathNot: [path, TEST] },
  to: { path: `(?:^|/)node_modules/${packageName}/` },
});

/** Packages from the registry that product code may use at all. */
const THIRD_PARTIES = [
  'yaml',
  'zod',
  'prom-client',
  'eventemitter3',
  'dns-packet',
  '@bufbuild/protobuf',
  '@opentelemetry/api',
];

/** The doors of packages: the main entry, and core's documented entries for schemas and for test kits. */
const DOORS = ['^packages/[^/]+/src/index\\.ts$', '^packages/core/src/(?:engine|proto)\\.ts$'];

const siblings = [
  {
    name: 'main-entry-only',
    comment: 'a package is imported by name and through its documented entries',
    severity: 'error',
    from: {
      path: '^(?:packages/([^/]+)|examples|conformance|benchmarks)/',
      pathNot: ['^conformance/fuzz/', '^conformance/envoy/route-cases\\.test\\.ts$'],
    },
    to: { path: '^packages/', pathNot: ['^packages/$1/', ...DOORS] },
  },
  {
    name: 'fuzz-parsers-only',
    comment: 'fuzzers feed the HTTP/1 parsers directly; nothing else of core is reached into',
    severity: 'error',
    from: { path: '^conformance/fuzz/' },
    to: { path: '^packages/', pathNot: [...DOORS, '^packages/core/src/(?:http1|headers)/'] },
  },
  {
    name: 'route-cases-only',
    comment: 'the route table suite is put to Envoy as it stands',
    severity: 'error',
    from: { path: '^conformance/envoy/route-cases\\.test\\.ts$' },
    to: { path: '^packages/', pathNot: [...DOORS, '^packages/core/src/routing/cases/'] },
  },
  {
    name: 'engine-is-for-the-test-kit',
    comment: '@mesh/core/engine carries internals; only @mesh/testing and conformance may use it',
    severity: 'error',
    from: { pathNot: ['^packages/(?:core|testing)/', '^conformance/'] },
    to: { path: '^packages/core/src/engine\\.ts$' },
  },
  {
    name: 'core-stands-alone',
    comment: 'core imports no sibling',
    severity: 'error',
    from: { path: '^packages/core/', pathNot: TEST },
    to: { path: '^packages/(?!core/)' },
  },
  {
    name: 'extensions-import-core-only',
    comment: 'extension packages import core and never one another; tests may use the test kit',
    severity: 'error',
    from: { path: '^packages/(?!core/|standard/|cli/|testing/)([^/]+)/', pathNot: TEST },
    to: { path: '^packages/(?!core/)', pathNot: '^packages/$1/' },
  },
  {
    name: 'testing-imports-core-and-the-router',
    comment: 'the test kit runs filters of any package; of the built-in ones it needs the router to run a live proxy',
    severity: 'error',
    from: { path: '^packages/testing/', pathNot: TEST },
    to: { path: '^packages/(?!core/|testing/|filters-http/)' },
  },
  {
    name: 'cli-imports-core-and-standard',
    comment: 'the command adds options and signals to what core and standard do',
    severity: 'error',
    from: { path: '^packages/cli/', pathNot: TEST },
    to: { path: '^packages/(?!core/|standard/|cli/)' },
  },
  {
    name: 'testing-is-for-tests',
    comment: 'product code does not use the test kit',
    severity: 'error',
    from: { path: '^packages/(?!testing/)', pathNot: TEST },
    to: { path: '^packages/testing/' },
  },
];

const general = [
  {
    name: 'no-cycles',
    comment: 'files that need each other at run time belong together, or need a third',
    severity: 'error',
    from: {},
    to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
  },
  {
    name: 'no-type-cycles-between-folders',
    comment: 'classes that hold each other may name each other as types, within one folder',
    severity: 'error',
    from: { path: '^(.+)/[^/]+$' },
    to: { circular: true, via: { pathNot: '^$1/' } },
  },
  {
    name: 'no-tests-in-product',
    comment: 'tests and their fixtures are not published',
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: TEST },
    to: { path: TEST },
  },
  {
    name: 'resolvable',
    comment: 'every import leads somewhere; benchmarks use what was built, which may not be there yet',
    severity: 'error',
    from: {},
    to: { couldNotResolve: true, pathNot: '^\\.\\./.*/dist/' },
  },
  {
    name: 'third-parties',
    comment: `product code uses ${THIRD_PARTIES.join(', ')} and what Node brings`,
    severity: 'error',
    from: { path: '^packages/[^/]+/src/', pathNot: TEST },
    to: { path: '(?:^|/)node_modules/', pathNot: `(?:^|/)node_modules/(?:${THIRD_PARTIES.join('|')})/` },
  },
];

export default {
  forbidden: [
    ...layers,
    ...siblings,
    onlyIn('yaml', '^packages/core/src/config/load\\.ts$'),
    onlyIn('prom-client', '^packages/core/src/stats/prometheus\\.ts$'),
    onlyIn(
      'zod',
      '^packages/(?:core/src/config|filters-[^/]+/src|discovery/src|lb/src|health/src|access-loggers/src|stat-sinks/src|tracing-[^/]+/src)/',
    ),
    onlyIn('@bufbuild/protobuf', '^packages/(?:access-loggers|stat-sinks|tracing-zipkin)/src/'),
    onlyIn('@opentelemetry/api', '^packages/(?:stat-sinks|tracing-opentelemetry)/src/'),
    onlyIn('dns-packet', '^packages/(?:discovery/src/resolver|testing/src/dns)/'),
    onlyIn('eventemitter3', '^packages/core/src/upstream/cluster-manager\\.ts$'),
    ...general,
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: ['^packages/[^/]+/dist/', 'tsup\\.config\\.ts$', '^scripts/consumer/', '^packages/[^/]+/bin/'] },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['@mesh/source', 'import', 'node', 'default', 'types'],
    },
  },
};
