import type { Headers, Host, LoadReport } from '@mesh/core';
import { describe, expect, it } from 'vitest';
import { readLoadReport, takeLoadReport } from './index.ts';

function fields(values: Readonly<Record<string, string>>): Headers {
  return { get: (name: string) => values[name] } as Headers;
}

function text(value: string): LoadReport | undefined {
  return readLoadReport(fields({ 'endpoint-load-metrics': value }));
}

/** 0.5 of the processor, 100 requests and 2 errors a second, `rif` 4: bytes that grpc-go sends, without padding. */
const BINARY = 'CQAAAAAAAOA/MQAAAAAAAFlAOQAAAAAAAABAQg4KA3JpZhEAAAAAAAAQQA';

const EXPECTED = { cpuUtilization: 0.5, rpsFractional: 100, eps: 2, namedMetrics: new Map([['rif', 4]]) };

describe('readLoadReport', () => {
  it.each([
    ['text', 'TEXT cpu_utilization=0.5,rps_fractional=100, eps=2,named_metrics.rif=4'],
    ['text with colons', 'TEXT cpu_utilization:0.5,rps_fractional:1e2,eps:2.0,named_metrics.rif:4'],
    ['JSON', 'JSON {"cpu_utilization": 0.5, "rps_fractional": 100, "eps": "2", "named_metrics": {"rif": 4}}'],
    ['JSON in camel case', 'JSON {"cpuUtilization":0.5,"rpsFractional":100,"eps":2,"namedMetrics":{"rif":4},"x":[1]}'],
    ['binary', `BIN ${BINARY}==`],
    ['binary without padding', `BIN ${BINARY}`],
  ])('reads %s', (_name, value) => {
    expect(text(value)).toMatchObject(EXPECTED);
  });

  it('reads the binary field before the other', () => {
    const both = fields({ 'endpoint-load-metrics-bin': BINARY, 'endpoint-load-metrics': 'TEXT cpu_utilization=1' });
    expect(readLoadReport(both)).toMatchObject(EXPECTED);
  });

  it('reads every metric and map', () => {
    expect(text('TEXT mem_utilization=1,application_utilization=2,utilization.a=3,request_cost.b.c=4')).toEqual({
      cpuUtilization: 0,
      memUtilization: 1,
      applicationUtilization: 2,
      rpsFractional: 0,
      eps: 0,
      namedMetrics: new Map(),
      utilization: new Map([['a', 3]]),
      requestCost: new Map([['b.c', 4]]),
    });
  });

  it.each([
    ['no prefix', 'cpu_utilization=1'],
    ['an unknown prefix', 'YAML cpu_utilization: 1'],
    ['an unknown metric', 'TEXT cpu=1'],
    ['a metric twice', 'TEXT eps=1,eps=1'],
    ['no value', 'TEXT eps='],
    ['no number', 'TEXT eps=much'],
    ['NaN', 'TEXT eps=NaN'],
    ['infinity', 'TEXT eps=1e999'],
    ['no name', 'TEXT =1'],
    ['a map without a key', 'TEXT named_metrics.=1'],
    ['broken JSON', 'JSON {'],
    ['a JSON list', 'JSON [1]'],
    ['JSON of the wrong kind', 'JSON {"eps": true}'],
    ['a JSON map of the wrong kind', 'JSON {"named_metrics": {"a": {}}}'],
    ['no base64', 'BIN ?'],
    ['nothing in base64', 'BIN '],
    ['bytes that end too early', `BIN ${BINARY.slice(0, 16)}`],
    ['a wire type that is none', 'BIN Dw=='],
    ['a varint without end', 'BIN ////////////////'],
  ])('takes nothing from %s', (_name, value) => {
    expect(text(value)).toBeUndefined();
  });

  it('finds nothing where nothing is', () => {
    expect(readLoadReport(fields({}))).toBeUndefined();
  });
});

it('takeLoadReport hands over what it could read, to whoever wants it', () => {
  const taken: LoadReport[] = [];
  const host = { loadReports: { onReport: (report: LoadReport) => void taken.push(report) } } as unknown as Host;
  takeLoadReport(host, fields({ 'endpoint-load-metrics': 'TEXT eps=3' }));
  takeLoadReport(host, fields({ 'endpoint-load-metrics': 'TEXT eps=' }));
  takeLoadReport({} as Host, fields({ 'endpoint-load-metrics': 'TEXT eps=5' }));
  expect(taken.map(({ eps }) => eps)).toEqual([3]);
});
