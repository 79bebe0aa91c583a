import { afterEach, describe, expect, it, vi } from 'vitest';
import { type CustomTagSettings, compileCustomTags } from './custom-tags.ts';
import { stream, type Told } from './fixture.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

type Metadata = NonNullable<CustomTagSettings['metadata']>;

function metadata(kind: Metadata['kind'], path: readonly string[] = ['k']): Omit<CustomTagSettings, 'tag'> {
  const metadataKey = { key: 'ns', path: path.map((key) => ({ key })) };
  return { metadata: { ...(kind && { kind }), metadataKey, defaultValue: 'd' } };
}

const request = (value: unknown): Told => ({ info: { metadata: new Map([['ns', { k: value }]]) } });

describe('compileCustomTags', () => {
  it.each<[string, Omit<CustomTagSettings, 'tag'>, string | undefined, Told?]>([
    ['a literal', { literal: { value: 'v' } }, 'v'],
    ['a literal in wire form', { literal: { value: 'é' } }, 'Ã©'],
    ['an environment variable', { environment: { name: 'MESH_TAG', defaultValue: 'd' } }, 'set'],
    ['its default', { environment: { name: 'MESH_NO_TAG', defaultValue: 'd' } }, 'd'],
    ['a header', { requestHeader: { name: 'X-A', defaultValue: 'd' } }, '1', { request: ['x-a', '1', 'x-a', '2'] }],
    ['a pseudo header', { requestHeader: { name: ':path', defaultValue: 'd' } }, '/p', { path: '/p' }],
    ['its default', { requestHeader: { name: 'x-none', defaultValue: 'd' } }, 'd'],
    ['a format', { value: '%REQ(x-a)%-%REQ(x-b)%' }, '1-', { request: ['x-a', '1'] }],
    ['metadata: a text in wire form', metadata({ request: {} }), 'Ã©', request('é')],
    ['metadata: true', metadata({ request: {} }), 'true', request(true)],
    ['metadata: a whole number', metadata({ request: {} }), '5', request(5)],
    ['metadata: a fraction', metadata({ request: {} }), '0.1', request(0.1)],
    ['metadata: six digits', metadata({ request: {} }), '123457', request(123456.7)],
    ['metadata: large', metadata({ request: {} }), '1.23457e+06', request(1234567)],
    ['metadata: small', metadata({ request: {} }), '1e-05', request(0.00001)],
    ['metadata: negative', metadata({ request: {} }), '-2.5', request(-2.5)],
    ['metadata: zero', metadata({ request: {} }), '0', request(0)],
    ['metadata: a map', metadata({ request: {} }), '{"a":1,"b":["x",null]}', request({ b: ['x', null], a: 1 })],
    ['metadata: below', metadata({ request: {} }, ['k', 'deep']), '1', request({ deep: 1 })],
    ['metadata: null', metadata({ request: {} }), 'd', request(null)],
    ['metadata: nothing there', metadata({ request: {} }), 'd'],
    ['metadata: of no kind', metadata(undefined), 'd', request(1)],
    [
      'metadata of the route',
      metadata({ route: {} }),
      'r',
      { rest: { route: { metadata: { ns: { k: 'r' } } } as never } },
    ],
    [
      'metadata of the host',
      metadata({ host: {} }),
      'h',
      { info: { upstreamHost: { metadata: { ns: { k: 'h' } } } as never } },
    ],
    [
      'metadata of the cluster',
      metadata({ cluster: {} }),
      'c',
      { rest: { clusters: { get: () => ({ metadata: { ns: { k: 'c' } } }) as never } } },
    ],
    [
      'metadata of the cluster, without a host',
      metadata({ cluster: {} }),
      'd',
      {
        info: { upstreamHost: undefined },
        rest: { clusters: { get: () => ({ metadata: { ns: { k: 'c' } } }) as never } },
      },
    ],
  ])('%s', (_what, settings, expected, told = {}) => {
    vi.stubEnv('MESH_TAG', 'set');
    const [tag] = compileCustomTags([{ tag: 't', ...settings }]);
    expect(tag?.name).toBe('t');
    const value = tag?.value(stream({ ...told, info: { metadata: new Map(), ...told.info } }));
    expect(value).toBe(expected);
  });

  it('takes the first of two with one name', () => {
    const tags = compileCustomTags([
      { tag: 'a', literal: { value: '1' } },
      { tag: 'a', literal: { value: '2' } },
    ]);
    expect(tags.map(({ value }) => value(stream()))).toEqual(['1']);
  });

  it('refuses a format with an unknown command', () => {
    expect(() => compileCustomTags([{ tag: 'a', value: '%FOO%' }])).toThrow('FOO');
  });
});
