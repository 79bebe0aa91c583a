import { describe, expect, it } from 'vitest';
import type { AccessLog } from '../api/access-log.ts';
import type { ObserverContext } from '../api/observer.ts';
import { stream } from '../format/fixture.ts';
import { StatsStore } from '../stats/index.ts';
import { AccessLogs, type LogEntry } from './access-log.ts';
import { compileLogFormat } from './log-format.ts';

function context() {
  const store = new StatsStore();
  const said: string[] = [];
  const given = { stats: store.scope(''), log: (_level: string, message: string) => void said.push(message) };
  return { given: given as unknown as ObserverContext, failed: store.scope('').counter('access_logs.failed'), said };
}

const entry = (log: AccessLog, more: Partial<LogEntry> = {}): LogEntry => ({ name: 'one', create: () => log, ...more });

describe('AccessLogs', () => {
  it('asks the filter with the type of the entry', () => {
    const types: string[] = [];
    const logs = new AccessLogs(
      [
        entry(
          { log: (_, type) => void types.push(type) },
          { filter: { logTypeFilter: { types: ['DownstreamStart'], exclude: true } } },
        ),
      ],
      context().given,
    );
    for (const type of ['DownstreamStart', 'DownstreamEnd'] as const) logs.log(stream(), type);
    expect(types).toEqual(['DownstreamEnd']);
  });

  it('a logger that throws, when it logs or closes, leaves the others alone', async () => {
    const { given, failed, said } = context();
    const calls: string[] = [];
    const broken: AccessLog = {
      log() {
        throw new Error('no log');
      },
      close: () => Promise.reject(new Error('no close')),
    };
    const good: AccessLog = { log: () => void calls.push('log'), close: () => void calls.push('close') };
    const logs = new AccessLogs([entry(broken), entry(good)], given);
    logs.log(stream(), 'DownstreamEnd');
    await logs.close();
    await logs.close();
    expect(calls).toEqual(['log', 'close']);
    expect(failed.value).toBe(2);
    expect(said.map((line) => line.split('\n')[0])).toEqual([
      'access log one failed: Error: no log',
      'access log one failed: Error: no close',
    ]);
  });

  it('a logger may throw what cannot be printed', () => {
    const { given, failed, said } = context();
    const log: AccessLog = {
      log() {
        throw Object.create(null);
      },
    };
    new AccessLogs([entry(log)], given).log(stream(), 'DownstreamEnd');
    expect(failed.value).toBe(1);
    expect(said).toEqual(['access log one failed: something that cannot be printed was thrown']);
  });

  it('a logger whose methods are async may fail: it is counted, and ends nothing', async () => {
    const { given, failed, said } = context();
    const logs = new AccessLogs(
      [entry({ log: (() => Promise.reject(new Error('later'))) as AccessLog['log'] })],
      given,
    );
    logs.log(stream(), 'DownstreamEnd');
    await new Promise(setImmediate);
    expect(failed.value).toBe(1);
    expect(said.map((line) => line.split('\n')[0])).toEqual(['access log one failed: Error: later']);
  });

  it('when one cannot be made, those before it are closed', () => {
    let closed = 0;
    const first = entry({ log() {}, close: () => void closed++ });
    const second: LogEntry = {
      name: 'two',
      create() {
        throw new Error("unable to open file 'x': why");
      },
    };
    expect(() => new AccessLogs([first, second], context().given)).toThrow("unable to open file 'x': why");
    expect(closed).toBe(1);
  });
});

describe('compileLogFormat', () => {
  const none = () => '';

  it('is Envoy’s default without settings', () => {
    const line =
      '[2026-11-21T10:04:16.207Z] "GET /p/q?a=1 HTTP/1.1" 200 - 5 11 42 - "-" "-" "-" "h.test:81" "10.1.1.1:8080"\n';
    expect(compileLogFormat(undefined, none)(stream(), 'DownstreamEnd')).toBe(line);
  });

  it('knows the type of the entry', () => {
    const print = compileLogFormat({ textFormat: '%ACCESS_LOG_TYPE%' }, none);
    expect([print(stream(), 'TcpPeriodic'), print(stream(), 'NotSet')]).toEqual(['TcpPeriodic', 'NotSet']);
  });

  it('a value does not break its line', () => {
    const print = compileLogFormat({ textFormat: '%QUERY_PARAM(a)%|%DYNAMIC_METADATA(x:y)%|%REQ(B)%\n' }, none);
    const metadata = new Map([['x', { y: 'é\u0001\r\n200 forged' }]]);
    const told = { path: '/?a=1%0a200%20forged%00', request: ['b', 'a\tb'], info: { metadata } };
    const line = Buffer.from(print(stream(told), 'NotSet'), 'latin1').toString();
    expect(line).toBe('1\\n200 forged\\x00|é\\x01\\r\\n200 forged|a\tb\n');
  });

  it('JSON of any shape is printed whole, keys in order', () => {
    const jsonFormat = { b: ['%PROTOCOL%', { z: 1, y: 'x %RESPONSE_CODE%' }], a: { n: null, e: '' }, é: '%REQ(none)%' };
    const print = compileLogFormat({ jsonFormat }, none);
    const text = Buffer.from(print(stream(), 'NotSet'), 'latin1').toString();
    expect(text).toBe('{"a":{"e":"","n":null},"b":["HTTP/1.1",{"y":"x 200","z":1}],"é":null}\n');
  });
});
