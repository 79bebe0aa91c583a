import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runtimeStats, StatsStore } from '../stats/index.ts';
import { LayeredRuntime, NO_RUNTIME, type RuntimeLayerSettings } from './layered-runtime.ts';

function runtime(layers: readonly RuntimeLayerSettings[], serviceCluster = 'front') {
  const metrics = runtimeStats(new StatsStore().scope('runtime.'));
  const problems: string[] = [];
  const onError = (message: string) => problems.push(message);
  return { runtime: new LayeredRuntime({ layers, serviceCluster, metrics, onError }), metrics, problems };
}

const statics = (staticLayer: Readonly<Record<string, unknown>>, name = 'static') => ({ name, staticLayer });
const admin: RuntimeLayerSettings = { name: 'admin', adminLayer: {} };
const share = (numerator: number, denominator: 100 | 10_000 | 1_000_000 = 100, runtimeKey = 'k') => ({
  numerator,
  denominator,
  runtimeKey,
});

// What Envoy 1.40 makes of a value for a share whose default is never: the smallest random values that are in and out.
const values: readonly (readonly [text: string, lowestOut: number | 'always' | 'default', why: string])[] = [
  ['0', 0, 'none'],
  ['1', 1, 'a percentage, whatever the denominator of the default'],
  ['100', 'always', 'all'],
  ['101', 'always', 'more than all'],
  ['-1', 'default', 'no share'],
  ['99.9', 99, 'cut to a whole number'],
  ['1e2', 'always', 'an exponent'],
  ['0x64', 'always', 'hexadecimal'],
  [' 100', 'always', 'spaces before'],
  ['100 ', 'default', 'not behind'],
  ['abc', 'default', 'text'],
  ['true', 'default', 'a boolean'],
  ['1e300', 'default', 'beyond 64 bits'],
  ['{"numerator":100}', 'always', 'a fraction of 100'],
  ['{"numerator":200}', 'always', 'more than all'],
  ['{"numerator":3,"denominator":"MILLION"}', 3, 'a fraction of a million'],
  ['{}', 0, 'an empty fraction'],
  ['{"denominator":"TEN_THOUSAND"}', 0, 'a fraction without numerator'],
  ['{"numerator":"100"}', 0, 'text for a number counts as none'],
  ['{"numerator":null}', 0, 'and so does null'],
  ['{"numerator":100} ', 'always', 'spaces behind'],
  [' {"numerator":100}', 'default', 'not before'],
  ['{"numerator":-1}', 'default', 'a negative number'],
  ['[]', 'default', 'a list'],
  ['null', 'default', 'null'],
  ['{"numerator":100,"x":1}', 'default', 'an unknown field'],
  ['{"numerator":100,"denominator":1}', 'default', 'a number for an enum'],
  ['{"numerator":100,"denominator":"constructor"}', 'default', 'an unknown enum value'],
  ['{numerator: 100}', 'default', 'no JSON'],
];

describe('LayeredRuntime.enabled', () => {
  it.each(values)('LayeredRuntime.enabled with %j: lowest random value out is %j: %s', (text, lowestOut) => {
    const { runtime: asked } = runtime([admin]);
    asked.override(new Map([['k', text]]));
    const isIn = (random: number) => asked.enabled(share(7, 1_000_000), random);
    if (lowestOut === 'always') expect([isIn(0), isIn(99), isIn(999_999)]).toEqual([true, true, true]);
    else {
      const bound = lowestOut === 'default' ? 7 : lowestOut;
      expect([isIn(Math.max(0, bound - 1)), isIn(bound)]).toEqual([bound > 0, false]);
    }
  });

  it('LayeredRuntime.enabled without a key or its value takes the configured share', () => {
    const { runtime: asked } = runtime([statics({ '': 100, other: 100 })]);
    expect([asked.enabled(share(5), 104), asked.enabled(share(5), 105)]).toEqual([true, false]);
    expect(asked.enabled(share(5, 100, ''), 105)).toBe(false);
  });

  it('NO_RUNTIME always answers with the fallback', () => {
    expect([NO_RUNTIME.enabled(share(5), 4), NO_RUNTIME.enabled(share(5), 5)]).toEqual([true, false]);
    expect([NO_RUNTIME.get('k'), NO_RUNTIME.integer('k', 3), NO_RUNTIME.boolean('k', true)]).toEqual([
      undefined,
      3,
      true,
    ]);
  });
});

describe('LayeredRuntime', () => {
  it('LayeredRuntime reads a static layer: nested maps become dotted keys, numbers print as in Envoy', () => {
    const layer = {
      a: { b: 5, c: { d: 'x' } },
      f: { numerator: 5 },
      e: {},
      t: true,
      big: 12345678901,
      half: 1.5,
      neg: -3,
    };
    const { runtime: asked, metrics } = runtime([statics({ ...layer, small: 0.000012345678 })]);
    const found = Object.fromEntries(asked.snapshot().entries.map(({ key, finalValue }) => [key, finalValue]));
    expect(found).toEqual({
      'a.b': '5',
      'a.c.d': 'x',
      big: '1.23457e+10',
      e: '{}',
      f: '{"numerator":5}',
      half: '1.5',
      neg: '-3',
      small: '1.23457e-05',
      t: 'true',
    });
    expect(metrics.num_keys.value).toBe(9);
    expect([
      asked.integer('big', 0),
      asked.integer('half', 0),
      asked.integer('neg', 9),
      asked.integer('a.c.d', 9),
    ]).toEqual([12345678901, 1, 9, 9]);
    expect(asked.enabled(share(0, 100, 'f'), 4)).toBe(true);
  });

  it.each([
    ['true', true],
    ['False', false],
    ['1', true],
    ['0', false],
    ['yes', undefined],
    ['1.5', undefined],
  ])('LayeredRuntime.boolean of %j is %j', (text, expected) => {
    const { runtime: asked } = runtime([statics({ k: text })]);
    expect([asked.boolean('k', true), asked.boolean('k', false)]).toEqual([expected ?? true, expected ?? false]);
  });

  it.each([[null], [[1]], [{ b: null }]])('LayeredRuntime refuses the static value %j', (given) => {
    expect(() => runtime([statics({ a: given })])).toThrow('Invalid runtime entry value for a');
  });

  it('LayeredRuntime.override changes the admin layer, wherever it stands', () => {
    const { runtime: asked, metrics } = runtime([statics({ k: 1, m: 1 }), admin, statics({ m: 3 }, 'last')]);
    asked.override(
      new Map([
        ['k', '2'],
        ['m', '2'],
      ]),
    );
    expect(asked.snapshot()).toEqual({
      layers: ['static', 'admin', 'last'],
      entries: [
        { key: 'k', layerValues: ['1', '2', ''], finalValue: '2' },
        { key: 'm', layerValues: ['1', '2', '3'], finalValue: '3' },
      ],
    });
    expect([metrics.admin_overrides_active.value, metrics.load_success.value]).toEqual([1, 2]);
    asked.override(
      new Map([
        ['k', ''],
        ['m', ''],
      ]),
    );
    expect([asked.get('k'), metrics.admin_overrides_active.value]).toEqual(['1', 0]);
    expect(asked.hasAdminLayer).toBe(true);
  });

  it('LayeredRuntime.override does nothing without an admin layer', () => {
    const { runtime: asked } = runtime([statics({})]);
    asked.override(new Map([['k', '1']]));
    expect([asked.hasAdminLayer, asked.get('k')]).toEqual([false, undefined]);
  });
});

describe('LayeredRuntime disk layers', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'runtime-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const write = (path: string, text: string) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const disk = (subdirectory: string, appendServiceCluster = false): RuntimeLayerSettings => ({
    name: `disk ${subdirectory}`,
    diskLayer: { symlinkRoot: join(root, 'current'), subdirectory, appendServiceCluster },
  });

  it('LayeredRuntime reads files below subdirectory and service cluster', () => {
    write('current/envoy/health/min', '# a comment\n\n5 \n');
    write('current/envoy/two', 'a\nb\n#c\n');
    write('current/envoy/empty', '# nothing\n');
    write('current/over/front/two', '7');
    const { runtime: asked, metrics, problems } = runtime([disk('envoy'), disk('over', true), disk('absent')]);
    expect(asked.snapshot()).toEqual({
      layers: ['disk envoy', 'disk over'],
      entries: [
        { key: 'empty', layerValues: ['', ''], finalValue: '' },
        { key: 'health.min', layerValues: ['5', ''], finalValue: '5' },
        { key: 'two', layerValues: ['a\nb', '7'], finalValue: '7' },
      ],
    });
    expect([metrics.override_dir_exists.value, metrics.num_layers.value, problems]).toEqual([1, 2, []]);
  });

  it('LayeredRuntime keeps the other layers when a tree is too deep', () => {
    write(`current/envoy/${'d/'.repeat(17)}f`, '1');
    const { runtime: asked, metrics, problems } = runtime([statics({ k: 1 }), disk('envoy')]);
    expect(asked.get('k')).toBe('1');
    expect([metrics.load_error.value, metrics.load_success.value, metrics.num_layers.value]).toEqual([1, 0, 1]);
    expect(problems).toEqual([
      'error loading runtime values for layer disk envoy from disk: Walk recursion depth exceeded 16',
    ]);
  });

  it('LayeredRuntime reads again when another directory is moved to the root', async () => {
    write('v1/envoy/k', '1');
    write('v2/envoy/k', '2');
    symlinkSync('v1', join(root, 'current'));
    const { runtime: asked, metrics } = runtime([disk('envoy')]);
    asked.start();
    expect([asked.get('k'), metrics.load_success.value]).toEqual(['1', 2]);
    symlinkSync('v2', join(root, 'next'));
    renameSync(join(root, 'next'), join(root, 'current'));
    await vi.waitFor(() => expect(asked.get('k')).toBe('2'));
    asked.close();
  });

  it('LayeredRuntime.start refuses a root that cannot be watched', () => {
    const layer = {
      name: 'd',
      diskLayer: { symlinkRoot: join(root, 'no', 'current'), subdirectory: '', appendServiceCluster: false },
    };
    const { runtime: asked } = runtime([layer]);
    expect(() => asked.start()).toThrow(
      `unable to add filesystem watch for file ${root}/no/current: No such file or directory`,
    );
  });
});
