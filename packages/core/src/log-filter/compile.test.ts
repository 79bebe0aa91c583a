import { describe, expect, it } from 'vitest';
import { ResponseFlag } from '../errors.ts';
import { stream, type Told } from '../format/fixture.ts';
import type { FormatContext } from '../format/operator.ts';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';
import { compileLogFilter } from './compile.ts';
import type { ComparisonSettings, LogFilterSettings } from './settings.ts';

const comparison = (op: ComparisonSettings['op'], defaultValue: number, runtimeKey = '') => ({
  comparison: { op, value: { defaultValue, runtimeKey } },
});
const status = (op: ComparisonSettings['op'], value: number): LogFilterSettings => ({
  statusCodeFilter: comparison(op, value),
});
const duration = (op: ComparisonSettings['op'], value: number): LogFilterSettings => ({
  durationFilter: comparison(op, value),
});
const header = (name: string): LogFilterSettings => ({
  headerFilter: { header: { name, invertMatch: false, treatMissingHeaderAsEmpty: false } },
});
const grpc = (statuses: string[], exclude = false): LogFilterSettings => ({ grpcStatusFilter: { statuses, exclude } });
const metadata = (matchIfKeyNotFound: boolean, invert = false): LogFilterSettings => ({
  metadataFilter: {
    matcher: { filter: 'a', path: [{ key: 'b' }], value: { stringMatch: { exact: 'x', ignoreCase: false } }, invert },
    matchIfKeyNotFound,
  },
});
const sampled = (numerator: number, rest = {}): LogFilterSettings => ({
  runtimeFilter: {
    runtimeKey: 'key',
    percentSampled: { numerator, denominator: 'HUNDRED' },
    useIndependentRandomness: false,
    ...rest,
  },
});
const runtime = (values: Readonly<Record<string, number>>) => ({
  ...NO_RUNTIME,
  integer: (key: string, fallback: number) => values[key] ?? fallback,
});
const id = (first: string) => ['x-request-id', `${first}-58ed-4dd9-9010-b1ef28b442c9`];
const withMetadata = (value: unknown): Told => ({ info: { metadata: new Map([['a', value]]) } });

type Row = readonly [filter: LogFilterSettings, expected: boolean, why: string, told?: Told, context?: FormatContext];

const rows: readonly Row[] = [
  [status('EQ', 200), true, 'equal'],
  [status('EQ', 201), false, 'not equal'],
  [status('NE', 201), true, 'unlike'],
  [status('NE', 200), false, 'not unlike'],
  [status('GE', 200), true, 'at least'],
  [status('GE', 201), false, 'less'],
  [status('LE', 200), true, 'at most'],
  [status('LE', 199), false, 'more'],
  [status('EQ', 0), true, 'no response counts as 0', { response: undefined, info: { upstreamFirstByteMs: 0 } }],
  [status('EQ', 404), true, 'the status of a reply that is being made', { response: undefined }, { responseCode: 404 }],
  [
    { statusCodeFilter: comparison('GE', 500, 'min') },
    true,
    'a runtime key replaces the value',
    { rest: { runtime: runtime({ min: 200 }) } },
  ],
  [{ statusCodeFilter: comparison('GE', 500, 'min') }, false, 'or does not'],
  [duration('GE', 42), true, 'whole milliseconds'],
  [duration('GE', 43), false, 'too short'],
  [duration('EQ', 50), true, 'up to now while it runs', { info: { endMs: 0 } }],
  [{ notHealthCheckFilter: {} }, true, 'no exchange is a health check'],
  [{ traceableFilter: {} }, false, 'nothing is traced'],
  [{ traceableFilter: {} }, true, 'traced for a service', { info: { traceReason: 'service' } }],
  [{ traceableFilter: {} }, false, 'traced by chance', { info: { traceReason: 'sampling' } }],
  [{ traceableFilter: {} }, false, 'a health check', { info: { traceReason: 'service', healthCheck: true } }],
  [sampled(50), true, 'below the share', { request: id('00000031') }],
  [sampled(50), false, 'not below the share', { request: id('00000032') }],
  [sampled(50), true, 'modulo the whole', { request: id('00000064') }],
  [sampled(50), false, 'an id that is no UUID: by chance', { request: ['x-request-id', '0'], rest: { random: 50 } }],
  [sampled(50), true, 'no id: by chance', { rest: { random: 49 } }],
  [
    sampled(50, { useIndependentRandomness: true }),
    false,
    'by chance whatever the id says',
    { request: id('00000000'), rest: { random: 99 } },
  ],
  [
    sampled(50),
    false,
    'a runtime key replaces the share',
    { request: id('00000001'), rest: { runtime: runtime({ key: 1 }) } },
  ],
  [
    sampled(0, { percentSampled: { numerator: 5000, denominator: 'TEN_THOUSAND' } }),
    true,
    'parts of ten thousand',
    { request: id('00001387') },
  ],
  [sampled(0, { percentSampled: undefined }), false, 'no share is nothing', { request: id('00000000') }],
  [{ andFilter: { filters: [status('EQ', 200), header('x')] } }, false, 'one does not hold'],
  [{ andFilter: { filters: [status('EQ', 200), header('x')] } }, true, 'all hold', { request: ['x', '1'] }],
  [{ orFilter: { filters: [status('EQ', 404), header('x')] } }, true, 'one holds', { request: ['x', '1'] }],
  [{ orFilter: { filters: [status('EQ', 404), header('x')] } }, false, 'none holds'],
  [header('x'), false, 'a request header'],
  [header(':path'), true, 'a pseudo header'],
  [{ responseFlagFilter: { flags: [] } }, false, 'any flag: none is set'],
  [{ responseFlagFilter: { flags: [] } }, true, 'any flag', { info: { flags: ResponseFlag.DC } }],
  [{ responseFlagFilter: { flags: ['NR', 'UH'] } }, true, 'one of them', { info: { flags: ResponseFlag.UH } }],
  [{ responseFlagFilter: { flags: ['NR', 'UH'] } }, false, 'another one', { info: { flags: ResponseFlag.DC } }],
  [grpc(['NOT_FOUND']), true, 'of the trailers', { trailers: ['grpc-status', '5'] }],
  [grpc(['CANCELED']), true, 'Envoy spells it so', { response: ['grpc-status', '1'] }],
  [grpc(['UNIMPLEMENTED']), true, 'made from the HTTP status, whatever the request', { status: 404 }],
  [grpc(['UNKNOWN']), true, 'a 200 without a status'],
  [grpc(['UNKNOWN']), true, 'no response', { response: undefined, info: { upstreamFirstByteMs: 0 } }],
  [grpc(['OK'], true), true, 'any but'],
  [grpc([], false), false, 'none of none'],
  [metadata(true), true, 'the value', withMetadata({ b: 'x' })],
  [metadata(true), false, 'another value', withMetadata({ b: 'y' })],
  [metadata(true), true, 'no value'],
  [metadata(false), false, 'no value, and that does not fit'],
  [metadata(false, true), true, 'inverted', withMetadata({ b: 'y' })],
  [metadata(false, true), false, 'no value is not inverted'],
  [{ metadataFilter: { matchIfKeyNotFound: true } }, true, 'no matcher'],
  [{ logTypeFilter: { types: ['NotSet'], exclude: false } }, true, 'not a log'],
  [
    { logTypeFilter: { types: ['DownstreamEnd'], exclude: false } },
    true,
    'this log',
    {},
    { accessLogType: 'DownstreamEnd' },
  ],
  [
    { logTypeFilter: { types: ['DownstreamEnd'], exclude: true } },
    false,
    'any but this log',
    {},
    { accessLogType: 'DownstreamEnd' },
  ],
];

describe('compileLogFilter', () => {
  const cases = rows.map(
    ([filter, expected, why, told = {}, context = {}]) => [filter, expected, why, told, context] as const,
  );
  it.each(cases)('%j → %s: %s', (filter, expected, _, told, context) => {
    expect(compileLogFilter(filter)(stream(told), context)).toBe(expected);
  });

  it('refuses a filter without condition', () => expect(() => compileLogFilter({})).toThrow(TypeError));
});
