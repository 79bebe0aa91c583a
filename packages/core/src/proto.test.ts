import { describe, expect, it } from 'vitest';
import { defineHttpFilter } from './define/index.ts';
import { duration, fields, message, nonEmpty, required, withDefault } from './proto.ts';

describe('@mesh/core/proto', () => {
  const config = message(
    { stat_prefix: required(nonEmpty()), max_wait: withDefault(duration(), 1000) },
    { name: 'acme.gate.v1.Gate', known: fields('mode shards', 'not built yet') },
  );
  const gate = defineHttpFilter({ name: 'acme.gate', config, create: () => ({}) });

  it('makes schemas for both doors', () => {
    expect(gate({ statPrefix: 'a' }).config).toEqual({ statPrefix: 'a', maxWaitMs: 1000 });
    expect(gate({ statPrefix: 'a', maxWait: '0.5s' }).config).toEqual({ statPrefix: 'a', maxWaitMs: 500 });
  });

  it('tells what is wrong in code', () => {
    // @ts-expect-error stat_prefix is required, mode is not built
    expect(() => gate({ mode: 1 })).toThrow(
      'invalid config for acme.gate:\n  mode: known to Envoy, not supported here: not built yet\n  stat_prefix: is required',
    );
  });
});
