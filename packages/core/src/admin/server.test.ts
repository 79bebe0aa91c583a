import { mkdtemp, rm, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { StatsStore } from '../stats/index.ts';
import { FakeProxy, open, raw, start } from './fixture.ts';
import { AdminServer } from './server.ts';

describe('AdminServer', () => {
  it('sends the headers Envoy sends', async () => {
    const { get } = await start();
    const { status, headers, body } = await get('/ready');
    expect([status, body]).toEqual([200, 'LIVE\n']);
    expect(headers.get('content-type')).toBe('text/plain; charset=UTF-8');
    expect(headers.get('cache-control')).toBe('no-cache, max-age=0');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('server')).toBe('envoy');
  });

  it('answers an unknown path with 404 and the list of commands', async () => {
    const { get } = await start();
    const help = await get('/help');
    const unknown = await get('/nope?x');
    expect(unknown.status).toBe(404);
    expect(unknown.body).toBe(`invalid path. ${help.body}`);
    expect(help.body).toMatch(
      /^admin commands are:\n {2}\/: Admin home page\n {2}\/allocprofiler \(POST\): [^\n]*\n {6}enable: [^\n]*\n {2}\/certs: print/,
    );
    expect(help.body).toContain('\n  /healthcheck/fail (POST): cause the server to fail health checks\n');
    expect(help.body).toContain('; One of (cumulative, disjoint, detailed, summary)\n');
  });

  it('needs POST for mutations', async () => {
    const { get, call, proxy } = await start();
    for (const path of ['/quitquitquit', '/healthcheck/fail', '/drain_listeners', '/logging', '/reset_counters']) {
      expect(await get(path)).toMatchObject({ status: 405, body: 'Method GET not allowed, POST required.' });
    }
    expect((await call('PUT', '/healthcheck/ok')).body).toBe('Method PUT not allowed, POST required.');
    expect(proxy.calls).toEqual([]);
  });

  it('refuses mutations that a foreign page could send', async () => {
    const { proxy, port } = await start();
    const post = (headers: string): Promise<string> =>
      raw({ host: '127.0.0.1', port }, `POST /quitquitquit HTTP/1.1\r\n${headers}connection: close\r\n\r\n`);
    expect(await post('host: evil.example\r\n')).toMatch(/^HTTP\/1\.1 403 /);
    expect(await post(`host: 127.0.0.1:${port}\r\norigin: http://evil.example\r\n`)).toMatch(/^HTTP\/1\.1 403 /);
    expect(proxy.calls).toEqual([]);
    expect(await post(`host: 127.0.0.1:${port}\r\norigin: http://127.0.0.1:${port}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
    expect(proxy.calls).toEqual(['quit']);
  });

  it('accepts mutations under a configured host name', async () => {
    const { proxy, port } = await start({ allowedHosts: ['admin.internal'] });
    const bytes = 'POST /healthcheck/fail HTTP/1.1\r\nhost: admin.internal\r\nconnection: close\r\n\r\n';
    expect(await raw({ host: '127.0.0.1', port }, bytes)).toContain('\r\n\r\nOK\n');
    expect(proxy.calls).toEqual(['fail']);
  });

  it('answers HEAD without a body', async () => {
    const { port } = await start();
    const bytes = 'HEAD /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n';
    const answer = await raw({ host: '127.0.0.1', port }, bytes);
    expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(answer).toContain('content-length: 5\r\n');
    expect(answer.endsWith('\r\n\r\n')).toBe(true);
  });

  it('answers 413 to a body over 64 KiB and 400 to garbage, and lives on', async () => {
    const { call, get, port } = await start();
    expect((await call('POST', '/runtime_modify', { body: 'x'.repeat(70_000) })).status).toBe(413);
    expect(await raw({ host: '127.0.0.1', port }, 'GARBAGE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect((await get('/ready')).status).toBe(200);
  });

  it('answers 500 when an endpoint throws, reports it and lives on', async () => {
    const errors: string[] = [];
    const broken = {
      path: '/broken',
      help: 'throws',
      handle: () => {
        throw new Error('boom');
      },
    };
    const { get } = await start({ routes: [broken], onError: (error) => errors.push(error.message) });
    expect(await get('/broken')).toMatchObject({ status: 500, body: 'internal error\n' });
    expect(errors).toEqual(['boom']);
    expect((await get('/ready')).status).toBe(200);
  });

  it('listens on a unix socket, replacing one that a dead process left', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'mesh-admin-'));
    const path = join(directory, 'admin.sock');
    const { spawnSync } = await import('node:child_process');
    spawnSync(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)},()=>process.kill(process.pid,'SIGKILL'))`,
    ]);
    const proxy = new FakeProxy();
    const server = new AdminServer(proxy.context());
    open.push(server);
    await server.listen({ path, mode: 0o600 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const second = new AdminServer(proxy.context());
    await expect(second.listen({ path })).rejects.toThrow('EADDRINUSE');
    const status = await new Promise((resolve, reject) => {
      httpRequest({
        socketPath: path,
        path: '/healthcheck/ok',
        method: 'POST',
        headers: { host: 'any', connection: 'close' },
      })
        .on('response', (response) => resolve(response.resume().statusCode))
        .on('error', reject)
        .end();
    });
    expect(status).toBe(200);
    await server.close(0);
    await rm(directory, { recursive: true });
  });

  it('counts its own traffic', async () => {
    const store = new StatsStore();
    const { get, server } = await start({ scope: store.scope('') });
    await get('/ready');
    await get('/nope');
    await server.close(0);
    const value = (name: string): number | undefined =>
      [...store.counters(), ...store.gauges()].find((metric) => metric.name === name)?.value;
    // A socket's close event comes shortly after the server's.
    await vi.waitFor(() => expect(value('http.admin.downstream_cx_active')).toBe(0));
    expect(value('http.admin.downstream_rq_total')).toBe(2);
    expect(value('http.admin.downstream_rq_2xx')).toBe(1);
    expect(value('http.admin.downstream_rq_4xx')).toBe(1);
    expect(value('http.admin.downstream_rq_active')).toBe(0);
    expect(value('listener.admin.http.admin.downstream_rq_completed')).toBe(2);
    expect(value('listener.admin.downstream_cx_total')).toBeGreaterThan(0);
    expect(value('listener.admin.downstream_cx_destroy')).toBe(value('listener.admin.downstream_cx_total'));
  });

  it('close ends idle keep-alive connections', async () => {
    const { server, port } = await start();
    const socket = connect(port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const answered = new Promise((resolve) => socket.once('data', resolve));
    socket.write('GET /ready HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await answered;
    await server.close();
    await closed;
  });
});

describe('/', () => {
  it('lists commands, with mutations as POST forms and no way to frame them', async () => {
    const { get } = await start();
    const { headers, body } = await get('/');
    expect(headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(body).toContain("<form action='quitquitquit' method='post' id='quitquitquit' class='home-form'>");
    expect(body).toContain("<form action='stats' method='get'");
  });
});

describe('/ready and /server_info', () => {
  it('follow the state', async () => {
    const { proxy, get } = await start();
    proxy.state = 'DRAINING';
    expect(await get('/ready')).toMatchObject({ status: 503, body: 'DRAINING\n' });
    const info = await get('/server_info');
    expect(info.headers.get('content-type')).toBe('application/json');
    expect(info.body).toBe(
      '{\n "version": "abc/0.1.0/Clean/RELEASE/OpenSSL",\n "state": "DRAINING",\n "uptime_current_epoch": "3s",\n' +
        ' "uptime_all_epochs": "4s",\n "hot_restart_version": "disabled",\n "command_line_options": {\n' +
        '  "concurrency": 2\n },\n "node": {\n  "id": "n"\n },\n "hot_restart_initializing": false\n}\n',
    );
    expect(Object.keys(JSON.parse((await get('/memory')).body))).toContain('total_physical_bytes');
  });
});

describe('/stats', () => {
  async function withStats() {
    const started = await start();
    const scope = started.proxy.store.scope('cluster.a');
    scope.counter('upstream_rq_200').add(3);
    scope.counter('upstream_rq_retry');
    scope.gauge('upstream_cx_active').set(0);
    scope.textReadout('version_text').set('<b>"x"</b>');
    scope.histogram('upstream_rq_time').record(7);
    started.proxy.store.flush();
    return started;
  }

  it('filters by name, kind and use', async () => {
    const { get } = await withStats();
    expect((await get('/stats?filter=^cluster&type=Counters')).body).toBe(
      'cluster.a.upstream_rq_200: 3\ncluster.a.upstream_rq_retry: 0\n',
    );
    expect((await get('/stats?usedonly&filter=rq_[0-9]+$')).body).toBe('cluster.a.upstream_rq_200: 3\n');
    expect((await get('/stats?usedonly&type=Gauges')).body).toBe('cluster.a.upstream_cx_active: 0\n');
    expect((await get('/stats?usedonly&type=Counters&invert_filter&filter=200')).body).toBe('');
    expect((await get('/stats?type=TextReadouts')).body).toBe(
      'cluster.a.version_text: "&lt;b&gt;&quot;x&quot;&lt;/b&gt;"\n',
    );
    expect((await get('/stats?type=Histograms&histogram_buckets=none')).body).toContain('P100(7.05,7.05)\n');
  });

  it('prints JSON, Prometheus and escaped HTML', async () => {
    const { get } = await withStats();
    const json = await get('/stats?format=json&filter=rq_200');
    expect([json.headers.get('content-type'), json.body]).toEqual([
      'application/json',
      '{"stats":[{"name":"cluster.a.upstream_rq_200","value":3}]}',
    ]);
    const line =
      '# TYPE envoy_cluster_upstream_rq counter\nenvoy_cluster_upstream_rq{envoy_response_code="200",envoy_cluster_name="a"} 3\n';
    expect((await get('/stats?format=prometheus&filter=rq_200')).body).toBe(line);
    expect((await get('/stats/prometheus?filter=rq_200')).body).toBe(line);
    const page = await get('/stats?format=html');
    expect(page.headers.get('content-type')).toBe('text/html; charset=UTF-8');
    expect(page.body).toContain('cluster.a.upstream_rq_200: 3\n');
    expect(page.body).not.toContain('<b>');
  });

  it.each([
    ['/stats?filter=[', 'Invalid re2 regex: missing ]: ['],
    [`/stats?filter=${'a'.repeat(1001)}`, 'Invalid re2 regex: pattern longer than 1000 characters'],
    ['/stats?format=blah', 'usage: /stats?format=(html|active-html|json|prometheus|text)\n\n'],
    ['/stats?type=blah', 'invalid &type= param'],
    ['/stats?histogram_buckets=zzz', 'usage: /stats?histogram_buckets=(cumulative|disjoint|detailed|summary)\n'],
    ['/stats/prometheus?histogram_buckets=detailed', 'unsupported prometheus histogram bucket mode'],
    ['/clusters?filter=[', 'Invalid re2 regex'],
    ['/config_dump?name_regex=[', 'INVALID_ARGUMENT: Error while parsing name_regex from [: missing ]: ['],
  ])('answers 400 to %s', async (path, body) => {
    const { get } = await start();
    expect(await get(path)).toMatchObject({ status: 400, body });
  });

  it('POST /reset_counters sets counters to zero', async () => {
    const { call, get } = await withStats();
    expect((await call('POST', '/reset_counters')).body).toBe('OK\n');
    expect((await get('/stats?filter=rq_200')).body).toBe('cluster.a.upstream_rq_200: 0\n');
  });
});

describe('/clusters', () => {
  it('prints text as Envoy does', async () => {
    const { get } = await start();
    const { body } = await get('/clusters?filter=service2');
    const host = 'service2::127.0.0.1:18081::';
    const keys = body.split('\n').filter((line) => line.startsWith(host));
    expect(
      body.startsWith('service2::observability_name::service2\nservice2::default_priority::max_connections::1024\n'),
    ).toBe(true);
    expect(body).toContain('service2::high_priority::max_retries::3\nservice2::added_via_api::false\n');
    expect(keys.map((line) => line.slice(host.length))).toEqual([
      'cx_active::1',
      'cx_connect_fail::0',
      'cx_total::1',
      'rq_active::0',
      'rq_error::1',
      'rq_pending_active::0',
      'rq_success::7',
      'rq_timeout::0',
      'rq_total::8',
      'hostname::',
      'health_flags::/failed_active_hc/failed_outlier_check',
      'weight::1',
      'region::',
      'zone::z',
      'sub_zone::',
      'canary::false',
      'priority::0',
      'success_rate::-1',
      'local_origin_success_rate::-1',
    ]);
  });

  it('prints JSON with zeros left out', async () => {
    const { get } = await start();
    const [first, second] = JSON.parse((await get('/clusters?format=json')).body).cluster_statuses;
    expect(first).toMatchObject({ name: 'service1', observability_name: 'service1' });
    expect(first.circuit_breakers.thresholds[1]).toMatchObject({ priority: 'HIGH', max_retries: 3 });
    const [host] = first.host_statuses;
    expect(host.stats.slice(0, 2)).toEqual([{ name: 'cx_connect_fail' }, { value: '1', name: 'cx_total' }]);
    expect(host.stats.at(-1)).toEqual({ type: 'GAUGE', name: 'rq_pending_active' });
    expect(host.health_status).toEqual({ eds_health_status: 'HEALTHY' });
    expect(host.locality).toEqual({ zone: 'z' });
    expect(second.host_statuses[0].health_status).toEqual({
      failed_active_health_check: true,
      failed_outlier_check: true,
      eds_health_status: 'HEALTHY',
    });
  });
});

describe('/listeners', () => {
  it('prints text and JSON', async () => {
    const { get } = await start();
    expect((await get('/listeners')).body).toBe('main::127.0.0.1:8000\nsix::[::1]:1\nsix::/run/s\n');
    const { listener_statuses } = JSON.parse((await get('/listeners?format=json')).body);
    expect(listener_statuses[0]).toEqual({
      name: 'main',
      local_address: { socket_address: { address: '127.0.0.1', port_value: 8000 } },
    });
    expect(listener_statuses[1].additional_local_addresses).toEqual([{ pipe: { path: '/run/s' } }]);
  });

  it('drain_listeners passes its flags on', async () => {
    const { call, proxy } = await start();
    await call('POST', '/drain_listeners?graceful&inboundonly');
    await call('POST', '/drain_listeners?skip_exit');
    expect(proxy.calls).toEqual([
      'drain {"graceful":true,"skipExit":false,"inboundOnly":true}',
      'drain {"graceful":false,"skipExit":true,"inboundOnly":false}',
    ]);
  });
});

describe('/config_dump', () => {
  it('prints every message without private keys', async () => {
    const { get } = await start();
    const { body } = await get('/config_dump');
    expect(body).not.toContain('KEY');
    const { configs } = JSON.parse(body);
    expect(configs.map((config: { '@type': string }) => config['@type'].split('.').at(-1))).toEqual([
      'BootstrapConfigDump',
      'ClustersConfigDump',
      'ListenersConfigDump',
      'ScopedRoutesConfigDump',
      'RoutesConfigDump',
      'SecretsConfigDump',
    ]);
    expect(configs[1].static_clusters[0]).toEqual({
      cluster: {
        '@type': 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
        name: 'service1',
        private_key: { inline_string: '[redacted]' },
      },
      last_updated: '1970-01-01T00:00:00.000Z',
    });
    expect(configs[2].dynamic_listeners[0].active_state.version_info).toBe('v1');
  });

  it('picks one resource or name', async () => {
    const { get } = await start();
    const one = JSON.parse((await get('/config_dump?resource=static_clusters&name_regex=.*2')).body);
    expect(one.configs).toHaveLength(1);
    expect(one.configs[0]['@type']).toBe('type.googleapis.com/envoy.admin.v3.ClustersConfigDump.StaticCluster');
    expect((await get('/config_dump?resource=dynamic_active_clusters')).body).toBe('{}\n');
    expect(await get('/config_dump?resource=foo')).toMatchObject({ status: 404, body: 'foo not found in config dump' });
    expect((await get('/config_dump?resource=static_clusters&name_regex=service')).body).toBe('{}\n');
    expect((await get('/config_dump?mask=x')).status).toBe(400);
  });
});

describe('/logging', () => {
  it('prints and changes levels, all or nothing', async () => {
    const { call } = await start();
    expect((await call('POST', '/logging')).body).toBe('active loggers:\n  admin: info\n  http: info\n\n');
    expect((await call('POST', '/logging?http=debug')).body).toContain('  http: debug\n');
    expect((await call('POST', '/logging?level=off')).body).toContain('  admin: off\n  http: off\n');
    expect((await call('POST', '/logging?paths=admin:trace,http:error')).body).toContain(
      'admin: trace\n  http: error\n',
    );
    const bad = await call('POST', '/logging?paths=admin:info,nobody:info');
    expect(bad.status).toBe(400);
    expect(bad.body).toMatch(
      /^error: unknown logger name\n\nusage: \/logging\?<name>=<level> \(change single level\)\n/,
    );
    expect(bad.body).toContain('  admin: trace\n');
    expect((await call('POST', '/logging?level=bogus')).body).toMatch(/^error: unknown logger level\n/);
    expect((await call('POST', '/logging?a=info&b=info')).body).toMatch(/^error: invalid number of parameters\n/);
  });
});

describe('/runtime', () => {
  it('prints layers and takes overrides from the query or a form', async () => {
    const { call, get, proxy } = await start();
    expect(JSON.parse((await get('/runtime')).body)).toEqual({
      entries: { k: { layer_values: ['1'], final_value: '1' } },
      layers: ['admin'],
    });
    expect((await call('POST', '/runtime_modify')).status).toBe(400);
    await call('POST', '/runtime_modify?a=1&b=');
    await call('POST', '/runtime_modify', { body: new URLSearchParams({ c: 'x y' }) });
    expect(proxy.overrides.map((values) => [...values])).toEqual([
      [
        ['a', '1'],
        ['b', ''],
      ],
      [['c', 'x y']],
    ]);
  });
});

describe('/explain', () => {
  it('gives the explanation of the request in the body', async () => {
    const { call } = await start();
    const body = '{"url": "http://h/"}';
    const answer = await call('POST', '/explain', { body });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ asked: body });
  });

  it('tells what is wrong with the question', async () => {
    const { call } = await start();
    expect(await call('POST', '/explain', { body: '[]' })).toMatchObject({
      status: 400,
      body: expect.stringMatching(/^no request\nusage: POST \/explain/),
    });
    expect(await call('POST', '/explain')).toMatchObject({ status: 400, body: expect.stringMatching(/^usage: /) });
  });

  it('is guarded as mutations are, and its body is bounded', async () => {
    const { call, get } = await start();
    expect((await get('/explain')).status).toBe(405);
    const foreign = { body: '{}', headers: { origin: 'http://evil.example' } };
    expect((await call('POST', '/explain', foreign)).status).toBe(403);
    expect((await call('POST', '/explain', { body: ' '.repeat(70_000) })).status).toBe(413);
    expect((await get('/help')).body).toContain('\n  /explain (POST): tell which listener');
  });
});
