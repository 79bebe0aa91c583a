import { describe, expect, it } from 'vitest';
import { TagExtractor } from './tags.ts';

// One of each kind of name of an Envoy 1.40 with these features, as its /stats/prometheus prints it.
const cases: readonly (readonly [name: string, rest: string, tags: string])[] = [
  ['cluster.c.dot.upstream_rq_200', 'cluster.dot.upstream_rq', 'envoy.response_code=200 envoy.cluster_name=c'],
  ['cluster.c.dot.upstream_rq_2xx', 'cluster.dot.upstream_rq_xx', 'envoy.response_code_class=2 envoy.cluster_name=c'],
  ['cluster.c2.version', 'cluster.version', 'envoy.cluster_name=c2'],
  ['connection_limit.cl.active_connections', 'connection_limit.active_connections', 'envoy.connection_limit_prefix=cl'],
  ['hlr.http_local_rate_limit.ok', 'http_local_rate_limit.ok', 'envoy.local_http_ratelimit_prefix=hlr'],
  [
    'http.web.downstream_rq_1xx',
    'http.downstream_rq_xx',
    'envoy.response_code_class=1 envoy.http_conn_manager_prefix=web',
  ],
  ['http.web.ext_authz.hea.ok', 'http.ext_authz.ok', 'envoy.ext_authz_prefix=hea envoy.http_conn_manager_prefix=web'],
  ['http.web.no_route', 'http.no_route', 'envoy.http_conn_manager_prefix=web'],
  ['http.web.rbac.rp.denied', 'http.rbac.denied', 'envoy.rbac_http_prefix=rp envoy.http_conn_manager_prefix=web'],
  [
    'http.web.user_agent.ios.downstream_cx_total',
    'http.user_agent.downstream_cx_total',
    'envoy.http_user_agent=ios envoy.http_conn_manager_prefix=web',
  ],
  [
    'listener.127.0.0.1_21410.http.web.downstream_rq_1xx',
    'listener.http.downstream_rq_xx',
    'envoy.response_code_class=1 envoy.http_conn_manager_prefix=web envoy.listener_address=127.0.0.1_21410',
  ],
  [
    'listener.127.0.0.1_21410.http.web.downstream_rq_completed',
    'listener.http.downstream_rq_completed',
    'envoy.http_conn_manager_prefix=web envoy.listener_address=127.0.0.1_21410',
  ],
  [
    'listener.[__1]_21411.worker_0.downstream_cx_total',
    'listener.worker_downstream_cx_total',
    'envoy.worker_id=0 envoy.listener_address=[__1]_21411',
  ],
  [
    'listener.admin.http.admin.downstream_rq_1xx',
    'listener.admin.http.downstream_rq_xx',
    'envoy.response_code_class=1 envoy.http_conn_manager_prefix=admin',
  ],
  [
    'listener.admin.http.admin.downstream_rq_completed',
    'listener.admin.http.downstream_rq_completed',
    'envoy.http_conn_manager_prefix=admin',
  ],
  ['listener.mng.downstream_cx_total', 'listener.downstream_cx_total', 'envoy.listener_address=mng'],
  [
    'listener.mng.worker_0.downstream_cx_total',
    'listener.worker_downstream_cx_total',
    'envoy.worker_id=0 envoy.listener_address=mng',
  ],
  [
    'listener_local_ratelimit.lrl.rate_limited',
    'listener_local_ratelimit.rate_limited',
    'envoy.local_listener_ratelimit_prefix=lrl',
  ],
  ['local_rate_limit.nlr.rate_limited', 'local_rate_limit.rate_limited', 'envoy.local_network_ratelimit_prefix=nlr'],
  ['mongo.mg.op_query', 'mongo.op_query', 'envoy.mongo_prefix=mg'],
  ['nrbac.rbac.denied', 'rbac.denied', 'envoy.rbac_prefix=nrbac'],
  ['proxy_proto.pp.not_found_allowed', 'proxy_proto.not_found_allowed', 'envoy.proxy_protocol_prefix=pp'],
  [
    'proxy_proto.pp.versions.v1.error',
    'proxy_proto.error',
    'envoy.proxy_protocol_prefix=pp envoy.proxy_protocol_version=1',
  ],
  ['redis.rd.command.del.error', 'redis.command.del.error', 'envoy.redis_prefix=rd'],
  ['server.worker_0.watchdog_miss', 'server.worker_watchdog_miss', 'envoy.worker_id=0'],
  ['tcp.tp2.idle_timeout', 'tcp.idle_timeout', 'envoy.tcp_prefix=tp2'],
  [
    'thread_local_cluster_manager.worker_0.clusters_inflated',
    'thread_local_cluster_manager.worker_clusters_inflated',
    'envoy.worker_id=0',
  ],
  ['thrift.th.request', 'thrift.request', 'envoy.thrift_prefix=th'],
  ['udp.up.idle_timeout', 'udp.idle_timeout', 'envoy.udp_prefix=up'],
  [
    'vhost.vh.route.rsp.upstream_rq_200',
    'vhost.route.upstream_rq',
    'envoy.response_code=200 envoy.virtual_host=vh envoy.route=rsp',
  ],
  [
    'vhost.vh.route.rsp.upstream_rq_2xx',
    'vhost.route.upstream_rq_xx',
    'envoy.response_code_class=2 envoy.virtual_host=vh envoy.route=rsp',
  ],
  ['vhost.vh.route.rsp.upstream_rq_time', 'vhost.route.upstream_rq_time', 'envoy.virtual_host=vh envoy.route=rsp'],
  [
    'vhost.vh.vcluster.vc.upstream_rq_200',
    'vhost.vcluster.upstream_rq',
    'envoy.response_code=200 envoy.virtual_cluster=vc envoy.virtual_host=vh',
  ],
  [
    'vhost.vh.vcluster.vc.upstream_rq_2xx',
    'vhost.vcluster.upstream_rq_xx',
    'envoy.response_code_class=2 envoy.virtual_cluster=vc envoy.virtual_host=vh',
  ],
  [
    'vhost.vh.vcluster.vc.upstream_rq_time',
    'vhost.vcluster.upstream_rq_time',
    'envoy.virtual_cluster=vc envoy.virtual_host=vh',
  ],
  ['proxy_proto.versions.v1.found', 'proxy_proto.found', 'envoy.proxy_protocol_version=1'],
  ['proxy_proto.not_found_allowed', 'proxy_proto.not_found_allowed', ''],
  ['http.we.b.rds.my.route.update_attempt', 'http.b.rds.my.route.update_attempt', 'envoy.http_conn_manager_prefix=we'],
];

const shown = (tags: readonly { name: string; value: string }[]) =>
  tags.map(({ name, value }) => `${name}=${value}`).join(' ');

describe('TagExtractor default tags', () => {
  it.each(cases)('%s', (name, rest, tags) => {
    const tagged = new TagExtractor().extract(name);
    expect([tagged.name, shown(tagged.tags)]).toEqual([rest, tags]);
  });
});

describe('TagExtractor', () => {
  // The order of the tags is Envoy's.
  const extractor = new TagExtractor({
    fixed: [{ name: 'clitag', value: 'cv' }],
    specifiers: [
      { tagName: 'my.fixed', fixedValue: 'fx' },
      { tagName: 'whole', regex: /^server\.(concurrency)/ },
      { tagName: 'two', regex: /^server\.((memory)_)/ },
      { tagName: 'envoy.cluster_name', regex: /^cluster\.((cc)\.)/ },
    ],
  });

  it.each([
    [
      'listener.admin.http.admin.downstream_rq_1xx',
      'listener.admin.http.downstream_rq_xx',
      'envoy.response_code_class=1 clitag=cv my.fixed=fx envoy.http_conn_manager_prefix=admin',
    ],
    ['server.concurrency', 'server.', 'clitag=cv my.fixed=fx whole=concurrency'],
    ['server.memory_allocated', 'server.allocated', 'clitag=cv my.fixed=fx two=memory'],
    ['cluster.cc.upstream_cx_total', 'cluster.upstream_cx_total', 'clitag=cv my.fixed=fx envoy.cluster_name=cc'],
  ])('puts given tags where Envoy does: %s', (name, rest, tags) => {
    const tagged = extractor.extract(name);
    expect([tagged.name, shown(tagged.tags)]).toEqual([rest, tags]);
  });

  it("a specifier without pattern and value is Envoy's own, also where its defaults are off", () => {
    const own = new TagExtractor({ useDefaults: false, specifiers: [{ tagName: 'envoy.cluster_name' }] });
    expect(own.extract('cluster.a.upstream_rq_200')).toEqual({
      name: 'cluster.upstream_rq_200',
      tags: [{ name: 'envoy.cluster_name', value: 'a' }],
    });
  });

  const rests = [
    'upstream_cx_total',
    'upstream_rq_200',
    'canary.upstream_rq_5xx',
    'a.b.upstream_rq_503',
    'grpc.service.method.total',
    'ssl.ciphers.AES',
    'ssl.versions.TLSv1.3',
    'x.ssl.curves.X25519',
    'ext_authz.prefix.ok',
    'rbac.allowed',
    'http_local_rate_limit.x',
    '',
  ];

  it.each(['b', 'rbac', 'http_local_rate_limit', '', 'outbound|80||x-y', 'ssl', 'a_rq_200', '$&'])(
    'finds the same in names that it has met with another cluster: %s',
    (cluster) => {
      const used = new TagExtractor();
      for (const rest of rests) {
        used.extract(`cluster.a.${rest}`);
        const name = `cluster.${cluster}.${rest}`;
        expect(used.extract(name)).toEqual(new TagExtractor().extract(name));
      }
    },
  );

  it('tells a cluster that a given pattern looks for from others', () => {
    const names = ['cluster.cc.a', 'cluster.b.a', 'cluster.cc.a'];
    expect(names.map((name) => shown(extractor.extract(name).tags).split(' ').at(-1))).toEqual([
      'envoy.cluster_name=cc',
      'envoy.cluster_name=b',
      'envoy.cluster_name=cc',
    ]);
  });

  it('goes on when there are too many kinds of names to remember', () => {
    const used = new TagExtractor();
    const names = Array.from({ length: 10_000 }, (_, n) => used.extract(`cluster.a.b${n}.x`).name);
    expect(names).toEqual(names.map((_, n) => `cluster.b${n}.x`));
  });
});
