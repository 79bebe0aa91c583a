import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createProxy, defineAccessLog, type MeshProxy, route, validateConfig } from '@mesh/core';
import { message, required, string } from '@mesh/core/proto';
import { router } from '@mesh/filters-http';
import { startProxy } from '@mesh/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fileAccessLog, stdoutAccessLog } from '../index.ts';

let dir: string;
let file: string;
let open: { close(): Promise<void> }[];
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'mesh-access-'));
  file = path.join(dir, 'access.log');
  open = [];
});
afterEach(async () => {
  for (const each of open) await each.close();
  rmSync(dir, { recursive: true, force: true });
});

const HELLO = route('/', undefined, { directResponse: { status: 200, body: { inlineString: 'hello' } } } as never);
const TYPE = 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog';
const MANAGER = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';

/** A bootstrap whose connection manager has these entries. */
function bootstrap(accessLog: unknown, v2 = false) {
  const name = v2 ? 'envoy.http_connection_manager' : 'envoy.filters.network.http_connection_manager';
  const routerType = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';
  const manager = {
    stat_prefix: 'a',
    access_log: accessLog,
    http_filters: [v2 ? { name: 'envoy.router' } : { name: 'router', typed_config: { '@type': routerType } }],
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'hello' } } }],
        },
      ],
    },
  };
  const filter = v2 ? { name, config: manager } : { name, typed_config: { '@type': MANAGER, ...manager } };
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  return { static_resources: { listeners: [{ name: 'l', address, filter_chains: [{ filters: [filter] }] }] } };
}

async function ask(port: number, target = '/x'): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}${target}`, {
    headers: { 'user-agent': 'test', connection: 'close' },
  });
  await response.text();
}

/** What stands in the file once the proxy has written all. */
async function written(proxy: { close(): Promise<void> }): Promise<string> {
  await proxy.close();
  return readFileSync(file, 'utf8');
}

const inYaml = async (accessLog: unknown, v2 = false): Promise<MeshProxy> => {
  const proxy = await createProxy({
    config: bootstrap(accessLog, v2),
    extensions: [router, fileAccessLog],
    logger: { log() {} },
  });
  open.push(proxy);
  await proxy.start();
  return proxy;
};

describe('fileAccessLog', () => {
  it('writes Envoy’s default format, from code', async () => {
    const proxy = await startProxy({ routes: [HELLO], accessLogs: [fileAccessLog({ path: file })] });
    await ask(proxy.port);
    const line =
      /^\[\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\] "GET \/x HTTP\/1\.1" 200 - 0 5 \d+ - "-" "test" "[0-9a-f-]{36}" "127\.0\.0\.1:\d+" "-"\n$/;
    expect(await written(proxy)).toMatch(line);
  });

  it.each([
    ['log_format', { log_format: { text_format: '%REQ(:PATH)% %RESPONSE_CODE%\n' } }, '/x 200\n'],
    [
      'log_format with bytes',
      { log_format: { text_format_source: { inline_string: 'é %PROTOCOL%\n' } } },
      'é HTTP/1.1\n',
    ],
    ['json', { log_format: { json_format: { b: '%BYTES_SENT%', a: '%REQ(x-no)%' } } }, '{"a":null,"b":5}\n'],
    [
      'json without what is empty',
      { log_format: { json_format: { b: 1, a: '%REQ(x-no)%' }, omit_empty_values: true } },
      '{"b":1}\n',
    ],
    ['format', { format: '%RESPONSE_CODE%|' }, '200|'],
    ['json_format', { json_format: { code: '%RESPONSE_CODE%' } }, '{"code":200}\n'],
    ['typed_json_format', { typed_json_format: { code: '%RESPONSE_CODE%' } }, '{"code":200}\n'],
  ])('reads %s', async (_, format, expected) => {
    const proxy = await inYaml([{ name: 'any', typed_config: { '@type': TYPE, path: file, ...format } }]);
    await ask(proxy.address().port);
    expect(await written(proxy)).toBe(expected);
  });

  it('is found by its v2 name and config, and needs no name in v3', async () => {
    const old = await inYaml([{ name: 'envoy.file_access_log', config: { path: file, format: 'old\n' } }], true);
    await ask(old.address().port);
    expect(await written(old)).toBe('old\n');
    const modern = await inYaml([{ typed_config: { '@type': TYPE, path: file, format: 'new\n' } }]);
    await ask(modern.address().port);
    expect(await written(modern)).toBe('old\nnew\n');
  });

  it('gets what its filter lets through', async () => {
    const filter = { header_filter: { header: { name: ':path', string_match: { exact: '/b' } } } };
    const logFormat = { textFormat: '%REQ(:PATH)%\n' };
    const proxy = await inYaml([
      { filter, typed_config: { '@type': TYPE, path: file, log_format: { text_format: '%REQ(:PATH)%\n' } } },
    ]);
    await ask(proxy.address().port, '/a');
    await ask(proxy.address().port, '/b');
    expect(await written(proxy)).toBe('/b\n');
    const condition = {
      statusCodeFilter: { comparison: { op: 'GE', value: { defaultValue: 300, runtimeKey: '' } } },
    } as const;
    const logs = [{ ...fileAccessLog({ path: file, logFormat }), filter: condition }];
    const other = await startProxy({ routes: [HELLO], accessLogs: logs });
    await ask(other.port, '/c');
    expect(await written(other)).toBe('/b\n');
  });

  it('several logs share a file; it is followed when it is rotated', async () => {
    const log = (textFormat: string) => fileAccessLog({ path: file, logFormat: { textFormat } });
    const proxy = await startProxy({ routes: [HELLO], accessLogs: [log('1\n'), log('2\n')] });
    await ask(proxy.port);
    renameSync(file, `${file}.old`);
    await proxy.proxy.reopenLogs();
    await ask(proxy.port);
    // What was buffered is older than the rotation, but no line is lost.
    const now = await written(proxy);
    expect((readFileSync(`${file}.old`, 'utf8') + now).match(/[12]/g)).toEqual(['1', '2', '1', '2']);
    expect(now).not.toBe('');
  });

  it('a file that cannot be opened is a problem of the configuration, in Envoy’s words', async () => {
    const missing = path.join(dir, 'no', 'access.log');
    const config = bootstrap([{ typed_config: { '@type': TYPE, path: missing } }]);
    const message = `unable to open file '${missing}': No such file or directory`;
    await expect(validateConfig({ config, extensions: [router, fileAccessLog] })).rejects.toThrow(message);
  });

  it.each([
    [{}, 'path'],
    [{ path: 'a', format: '%NOPE%' }, 'Not supported field in StreamInfo: NOPE'],
    [{ path: 'a', json_format: { a: '%REQ%' } }, 'REQ requires parameters'],
    [{ path: 'a', format: '', log_format: { text_format: '' } }, 'only one of format, log_format may be given'],
  ])('refuses %j', async (config, message) => {
    const given = bootstrap([{ typed_config: { '@type': TYPE, ...config } }]);
    await expect(validateConfig({ config: given, extensions: [router, fileAccessLog] })).rejects.toThrow(message);
  });
});

describe('stdoutAccessLog', () => {
  it('takes a format and no path', () => {
    expect(() => stdoutAccessLog({ path: 'a' } as never)).toThrow('path');
    expect(stdoutAccessLog({ logFormat: { textFormat: 'a' } }).config).toMatchObject({
      logFormat: { textFormat: 'a' },
    });
  });
});

describe('defineAccessLog', () => {
  const seen: string[] = [];
  const mine = defineAccessLog({
    name: 'acme.access_loggers.mine',
    config: message({ word: required(string()) }, { name: 'acme.Mine' }),
    create: ({ word }) => ({
      log: ({ requestHeaders: { path }, responseHeaders }, type) => {
        if (path === '/throw') throw new Error('broken');
        seen.push(`${word} ${path} ${responseHeaders?.status} ${type}`);
      },
      close: () => void seen.push('closed'),
    }),
  });

  it('works from both doors', async () => {
    const inCode = await startProxy({ routes: [HELLO], accessLogs: [mine({ word: 'code' })] });
    await ask(inCode.port);
    await inCode.close();
    const config = bootstrap([{ name: 'acme.access_loggers.mine', typed_config: { word: 'yaml' } }]);
    const inFile = await startProxy({ config, extensions: [router, mine] });
    await ask(inFile.port);
    await inFile.close();
    expect(seen.splice(0)).toEqual(['code /x 200 DownstreamEnd', 'closed', 'yaml /x 200 DownstreamEnd', 'closed']);
  });

  it('one that throws costs a counter and a line, not the exchange', async () => {
    const proxy = await startProxy({
      routes: [HELLO],
      accessLogs: [mine({ word: 'a' }), fileAccessLog({ path: file })],
    });
    await ask(proxy.port, '/throw');
    expect(proxy.stats('access_logs.failed')).toBe(1);
    expect(proxy.logs.some(({ message }) => message.includes('access log acme.access_loggers.mine failed'))).toBe(true);
    expect(await written(proxy)).toContain('GET /throw');
    expect(existsSync(file)).toBe(true);
    seen.length = 0;
  });
});
