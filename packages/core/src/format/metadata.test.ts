import { describe, expect, it } from 'vitest';
import { stream } from './fixture.ts';
import { compileFormat } from './format.ts';
import { compileJsonFormat } from './json-format.ts';
import { textOfWire } from './value.ts';

const data = {
  k: { y: [1.5, 'a', null, true], x: 1, b: '"q/é\n' },
  n: 12345678901234,
  s: 'string',
  b: true,
  z: null,
  e: {},
  f: 1e30,
};

/** Texts and JSON as Envoy 1.40 prints them for the same metadata. */
const rows: readonly (readonly [argument: string, text: string, json: string])[] = [
  ['r:k', '{"b":"\\"q/é\\n","x":1,"y":[1.5,"a",null,true]}', '{"b":"\\"q/é\\n","x":1,"y":[1.5,"a",null,true]}'],
  ['r:k:y', '[1.5,"a",null,true]', '[1.5,"a",null,true]'],
  ['r:n', '12345678901234', '12345678901234'],
  ['r:s', 'string', '"string"'],
  ['r:b', 'true', 'true'],
  ['r:z', '-', 'null'],
  ['r:e', '{}', '{}'],
  ['r:f', '1e+30', '1e+30'],
  ['r:k:x:y', '-', 'null'],
  ['r:none', '-', 'null'],
  ['r:toString', '-', 'null'],
  ['q', '-', 'null'],
];

const told = stream({
  rest: { route: { name: '', metadata: { r: data } } as never },
  info: { metadata: new Map([['r', data]]) },
});

describe.each(['METADATA(ROUTE:', 'METADATA(DYNAMIC:', 'DYNAMIC_METADATA('])('%%%s…)%%', (command) => {
  it.each(rows)('%s → %s', (argument, text, json) => {
    expect(textOfWire(compileFormat(`%${command}${argument})%`, { missing: '-' }).format(told))).toBe(text);
    expect(textOfWire(compileJsonFormat({ v: `%${command}${argument})%` }).format(told))).toBe(`{"v":${json}}\n`);
  });

  it.each<readonly [string, string, string]>([
    ['r:n', '123', '12345678901234'],
    ['r:s', 'str', '"str"'],
    ['r:k', '{"b', '{"b":"\\"q/é\\n","x":1,"y":[1.5,"a",null,true]}'],
  ])('%s cut to three bytes → %s; in JSON only texts are cut', (argument, text, json) => {
    expect(compileFormat(`%${command}${argument}):3%`).format(told)).toBe(text);
    expect(textOfWire(compileJsonFormat({ v: `%${command}${argument}):3%` }).format(told))).toBe(`{"v":${json}}\n`);
  });
});

describe('metadata of others', () => {
  it('of the upstream host and its cluster', () => {
    const upstreamHost = { address: 'a', ip: 'a', port: 1, hostname: '', metadata: { 'envoy.lb': { k: 'host' } } };
    const clusters = { get: (name: string) => (name === 'up' ? { metadata: { c: { k: 'cluster' } } } : undefined) };
    const exchange = stream({ info: { upstreamHost: upstreamHost as never }, rest: { clusters: clusters as never } });
    const text = '%UPSTREAM_METADATA(envoy.lb:k)% %CLUSTER_METADATA(c:k)% %METADATA(CLUSTER:c)%';
    expect(compileFormat(text).format(exchange)).toBe('host cluster {"k":"cluster"}');
  });

  it.each(['VIRTUAL_HOST', 'LISTENER', 'LISTENER_FILTER_CHAIN'])('%s has none here', (type) => {
    expect(compileFormat(`%METADATA(${type}:a)%`, { missing: '-' }).format(told)).toBe('-');
  });
});

describe('%FILTER_STATE%', () => {
  const state = new Map<string, unknown>([
    ['text', 'abc'],
    ['number', 5],
    ['object', { b: 1, a: 'x' }],
    ['call', () => 1],
  ]);
  const exchange = stream({ info: { filterState: state } });

  it.each<readonly [string, string]>([
    ['text:PLAIN', 'abc'],
    ['text', 'abc'],
    ['number:PLAIN', '5'],
    ['object:PLAIN', '-'],
    ['object:TYPED', '{"a":"x","b":1}'],
    ['object:FIELD:a', 'x'],
    ['object:FIELD:none', '-'],
    ['call', '-'],
    ['call:PLAIN', '-'],
    ['object:FIELD:b', '1'],
    ['none', '-'],
  ])('(%s) → %s', (argument, expected) => {
    expect(compileFormat(`%FILTER_STATE(${argument})%`, { missing: '-' }).format(exchange)).toBe(expected);
  });

  it('does not follow circles for ever', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    const text = compileFormat('%FILTER_STATE(loop):20%').format(
      stream({ info: { filterState: new Map([['loop', loop]]) } }),
    );
    expect(text).toBe('{"self":{"self":{"se');
  });
});
