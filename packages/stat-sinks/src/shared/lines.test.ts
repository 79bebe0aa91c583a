import { describe, expect, it } from 'vitest';
import { counter, gauge, histogram } from './fixture.ts';
import { type LineOptions, StatsdLines } from './lines.ts';

const lines = (options: Partial<LineOptions> = {}) =>
  new StatsdLines({ prefix: '', tags: 'none', scaleToMs: false, ...options });

const name = 'cluster.a.upstream_rq_200';
const tags = { 'envoy.response_code': '200', 'envoy.cluster_name': 'a' };
const tagged = counter(name, 3, 'cluster.upstream_rq', tags);

describe('StatsdLines', () => {
  it.each([
    ['none', 'envoy.cluster.a.upstream_rq_200:3|c'],
    ['dog', 'envoy.cluster.upstream_rq:3|c|#envoy.response_code:200,envoy.cluster_name:a'],
    ['graphite', 'envoy.cluster.upstream_rq;envoy.response_code=200;envoy.cluster_name=a:3|c'],
  ] as const)('writes a counter with tags %s', (style, line) => {
    expect(lines({ tags: style }).counter(tagged, 3)).toBe(line);
  });

  it.each(['none', 'dog', 'graphite'] as const)('writes a metric without tags the same with tags %s', (style) => {
    expect(lines({ tags: style }).gauge(gauge('server.live', 1), 1)).toBe('envoy.server.live:1|g');
  });

  it.each([
    ['pre', 'pre.server.live:1|g'],
    ['pre.', 'pre..server.live:1|g'],
  ])('puts the prefix %s in front as it is', (prefix, line) => {
    expect(lines({ prefix }).gauge(gauge('server.live', 1), 1)).toBe(line);
  });

  it.each([
    ['ms', false, 12, '12|ms'],
    ['none', false, 12, '12|ms'],
    ['bytes', true, 1200, '1200|ms'],
    ['us', false, 1500, '1500|ms'],
    ['us', true, 1500, '1.5|ms'],
    ['ms', true, 1500, '1500|ms'],
    ['percent', false, 500_000, '0.5|h'],
  ] as const)('writes samples in %s, scaled %s', (unit, scaleToMs, value, end) => {
    expect(lines({ scaleToMs }).sample(histogram('h', { unit }), value)).toBe(`envoy.h:${end}`);
  });

  it('keeps names and tags from beginning a line', () => {
    const odd = counter('a\nb:1|c', 1, 'a', { t: 'x\r\ny' });
    expect(lines().counter(odd, 1)).not.toContain('\n');
    expect(lines({ tags: 'dog' }).counter(odd, 1)).toBe('envoy.a:1|c|#t:x__y');
  });
});
