import { describe, expect, it } from 'vitest';
import { stream } from '../format/fixture.ts';
import { compileRouteTracing } from './route-tracing.ts';

const tracing = { customTags: [], operation: '', upstreamOperation: '' };

describe('compileRouteTracing', () => {
  it('has nothing where the route says nothing', () => {
    expect(compileRouteTracing({})).toBeUndefined();
  });

  it.each([
    ['op', true, 'op', true],
    ['op', false, 'op', false],
    ['é', true, 'Ã©', true],
    ['a\r\nx: y', true, 'a\r\nx: y', false],
  ])('decorator %j, %s', (operation, propagate, wire, told) => {
    const compiled = compileRouteTracing({ decorator: { operation, propagate } });
    expect(compiled?.decorator).toEqual({ operation: wire, propagate: told });
    expect(compiled?.sampling).toBeUndefined();
  });

  it('takes everything for what is not said', () => {
    const randomSampling = { numerator: 5, denominator: 'MILLION' } as const;
    expect(compileRouteTracing({ tracing: { ...tracing, randomSampling } })?.sampling).toEqual({
      client: { numerator: 100, denominator: 100, runtimeKey: 'tracing.client_enabled' },
      random: { numerator: 5, denominator: 1_000_000, runtimeKey: 'tracing.random_sampling' },
      overall: { numerator: 100, denominator: 100, runtimeKey: 'tracing.global_enabled' },
    });
  });

  it('names spans by formats', () => {
    const compiled = compileRouteTracing({ tracing: { ...tracing, operation: '%REQ(:METHOD)%' } });
    expect(compiled?.operation?.(stream())).toBe('GET');
    expect(compiled?.upstreamOperation).toBeUndefined();
  });
});
