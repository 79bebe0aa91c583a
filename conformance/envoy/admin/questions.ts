/** What the admin server is asked, in this order: some questions change what later ones show. */

/** A question. */
export interface Question {
  readonly name: string;
  readonly why: string;
  /** `METHOD target`; GET when there is no method. */
  readonly ask?: string;
  /** A form. */
  readonly body?: string;
  /** The bytes themselves, instead of `ask`. */
  readonly raw?: string;
}

const question = (name: string, ask: string, why: string, body?: string): Question => ({
  name: `admin-${name}`,
  why,
  ask,
  ...(body !== undefined && { body }),
});

const bytes = (name: string, raw: string, why: string): Question => ({ name: `admin-${name}`, why, raw });

const HOST = 'host: localhost\r\n';

/** How requests are taken, whatever they ask. */
const transport: readonly Question[] = [
  question('help', '/help', 'every command with its parameters'),
  question('unknown', '/nope?x=<b>', 'what is no command'),
  question('trailing-slash', '/ready/', 'a path that is nearly a command'),
  question('mutation-get', '/quitquitquit', 'a mutation by GET'),
  question('mutation-put', 'PUT /healthcheck/fail', 'a mutation by PUT'),
  question('ready-delete', 'DELETE /ready', 'a question by another method'),
  question('ready-post', 'POST /ready', 'a question with a body', 'a=b'),
  bytes('http10', 'GET /ready HTTP/1.0\r\n\r\n', 'HTTP/1.0 is not spoken'),
  bytes('no-host', 'GET /ready HTTP/1.1\r\n\r\n', 'a request without Host'),
  bytes('fragment', `GET /ready#x HTTP/1.1\r\n${HOST}\r\n`, 'a target with a fragment'),
  bytes('garbage', 'GARBAGE\r\n\r\n', 'what is no request'),
  bytes('two-lengths', `GET / HTTP/1.1\r\n${HOST}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, 'smuggling'),
  bytes('absolute', `GET http://x/ready HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`, 'a whole URL'),
  bytes('close', `GET /ready HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`, 'a connection that shall end'),
  bytes('escaped', `GET /rea%64y HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`, 'an escape that hides nothing'),
  bytes('slashes', `GET //x/..//ready HTTP/1.1\r\n${HOST}connection: close\r\n\r\n`, 'slashes and dots'),
];

const state: readonly Question[] = [
  question('ready', '/ready', 'the state'),
  question('server-info', '/server_info', 'version, options, node'),
  question('memory', '/memory', 'the fields'),
  question('hot-restart-version', '/hot_restart_version', 'there is no hot restart'),
  question('certs', '/certs', 'certificates and authorities in use'),
  question('init-dump', '/init_dump', 'nothing is waited for'),
  question('init-dump-mask', '/init_dump?mask=listener', 'nothing is waited for by listeners'),
  question('contention', '/contention', 'contention is not traced'),
  question('cpuprofiler', 'POST /cpuprofiler', 'how it is used'),
  question('cpuprofiler-stop', 'POST /cpuprofiler?enable=n', 'what does not run is stopped'),
  question('allocprofiler', 'POST /allocprofiler', 'how it is used'),
  question('allocprofiler-stop', 'POST /allocprofiler?enable=n', 'what does not run is not stopped'),
  question('tap', 'POST /tap', 'without a tap filter there is no tap'),
];

const listings: readonly Question[] = [
  question('clusters', '/clusters', 'lines of every cluster and host'),
  question('clusters-json', '/clusters?format=json', 'messages'),
  question('clusters-filter', '/clusters?filter=^b', 'one of them'),
  question('clusters-none', '/clusters?filter=nobody&format=json', 'none of them'),
  question('clusters-bad-filter', '/clusters?filter=%5B', 'a pattern that is none'),
  question('clusters-format', '/clusters?format=xml', 'a format that is none'),
  question('listeners', '/listeners', 'lines'),
  question('listeners-json', '/listeners?format=json', 'messages'),
];

const dumps: readonly Question[] = [
  question('dump', '/config_dump', 'everything but endpoints'),
  question('dump-eds', '/config_dump?include_eds', 'endpoints too'),
  ...[
    '?resource=static_clusters',
    '?resource=static_clusters&name_regex=a.*',
    '?resource=static_clusters&name_regex=a',
    '?resource=static_clusters&mask=cluster.name',
    '?resource=static_clusters&mask=cluster.load_assignment.policy',
    '?resource=static_clusters&mask=cluster',
    '?resource=static_clusters&mask=cluster.load_assignment.endpoints.priority',
    '?resource=static_clusters&mask=cluster.nope',
    '?resource=static_clusters&mask=last_updated',
    '?resource=static_clusters&mask=',
    '?resource=static_listeners&mask=listener.name,listener.address.socket_address.port_value',
    '?resource=static_listeners&mask=listener.filter_chains.name',
    '?resource=static_route_configs&mask=route_config.name',
    '?resource=static_endpoint_configs',
    '?resource=static_endpoint_configs&include_eds',
    '?resource=static_secrets',
    '?resource=dynamic_active_clusters',
    '?resource=inline_scoped_route_configs',
    '?resource=bootstrap',
    '?resource=version_info',
    '?resource=nope',
    '?resource=',
    '?mask=bootstrap.node.id',
    '?mask=bootstrap.admin,last_updated',
    '?mask=static_listeners',
    '?mask=version_info',
    '?mask=static_clusters.cluster',
    '?mask=bootstrap.node.id,static_clusters',
    '?mask=xx',
    '?name_regex=nobody',
    '?name_regex=%5B',
  ].map((query) => question(`dump${query}`, `/config_dump${query}`, 'a part of it')),
];

const changes: readonly Question[] = [
  question('runtime', '/runtime', 'layers and values'),
  question('runtime-usage', 'POST /runtime_modify', 'how it is used'),
  question('runtime-query', 'POST /runtime_modify?text=bye&new=a%20b&new=2', 'an override and a new value'),
  question('runtime-form', 'POST /runtime_modify', 'a value from a form', 'formed=1%2B1'),
  question('runtime-after', '/runtime', 'what they did'),
  question('runtime-remove', 'POST /runtime_modify?text=&nobody=', 'what was added is taken out again'),
  question('runtime-removed', '/runtime', 'what that did'),
  question('logging-info', 'POST /logging?level=info', 'whatever the level was'),
  question('logging', 'POST /logging', 'who logs how much'),
  question('logging-one', 'POST /logging?admin=debug', 'one logger'),
  question('logging-paths', 'POST /logging?paths=admin:error,main:trace', 'two of them'),
  question('logging-all', 'POST /logging?level=error', 'all of them'),
  question('logging-form', 'POST /logging', 'from a form whose other fields are empty', 'paths=&group=&level=warning'),
  ...[
    'level=loud',
    'nobody=info',
    'admin=loud',
    'admin=',
    'paths=admin',
    'paths=admin:',
    'paths=admin:trace,nobody:info',
    'admin=trace&main=info',
    'group=admin:info',
  ].map((query) => question(`logging?${query}`, `POST /logging?${query}`, 'what is not understood')),
  question('recent-lookups', '/stats/recentlookups', 'they are not recorded'),
  question('recent-lookups-clear', 'POST /stats/recentlookups/clear', 'none are left'),
  question('reset-counters', 'POST /reset_counters', 'counters are zero'),
  question('reopen-logs', 'POST /reopen_logs', 'nothing to open'),
  question('health-fail', 'POST /healthcheck/fail', 'it says that it is ill'),
  question('ready-failed', '/ready', 'and so it does'),
  question('health-ok', 'POST /healthcheck/ok', 'it is well again'),
  question('ready-again', '/ready', 'and says so'),
  question('stats-format', '/stats?format=xml', 'a format that is none'),
  question('stats-hidden', '/stats?hidden=some', 'a choice that is none'),
  question('stats-type', '/stats?type=some', 'a kind that is none'),
  question('stats-filter', '/stats?filter=%5B', 'a pattern that is none'),
];

/** All of them. */
export const questions: readonly Question[] = [...transport, ...state, ...listings, ...dumps, ...changes];
