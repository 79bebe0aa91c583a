import { describe, expect, it } from 'vitest';
import type { Runtime } from '../api/runtime.ts';
import type { TraceSampling } from '../api/tracing.ts';
import { RequestHead, Seen } from '../headers/header-map.ts';
import { NO_RUNTIME } from '../runtime/layered-runtime.ts';
import { TraceDecision, type TraceDecisionOptions } from './trace-decision.ts';

function sampling(client: number, random: number, overall: number): TraceSampling {
  const of = (percent: number, runtimeKey: string) =>
    ({ numerator: percent * 100, denominator: 10_000, runtimeKey }) as const;
  return {
    client: of(client, 'tracing.client_enabled'),
    random: of(random, 'tracing.random_sampling'),
    overall: of(overall, 'tracing.global_enabled'),
  };
}

const id = (digit = '4', number = '00000000') => `${number}-0000-${digit}000-8000-000000000000`;

function head(fields: Readonly<Record<string, string>>): RequestHead {
  const made = new RequestHead();
  for (const [name, value] of Object.entries(fields)) made.fields.push(name, value);
  made.seen = Seen.envoy;
  return made;
}

function decide(
  fields: Readonly<Record<string, string>>,
  given: Partial<TraceDecisionOptions> = {},
  own?: TraceSampling,
) {
  const options = {
    sampling: sampling(100, 0, 100),
    runtime: NO_RUNTIME,
    random: () => 0.5,
    packs: true,
    byId: true,
    ...given,
  };
  const request = head({ 'x-request-id': id(), ...fields });
  const reason = new TraceDecision(options).decide(request, own);
  return [reason, request.get('x-request-id')];
}

const CLIENT = { 'x-client-trace-id': 'c' };
const FORCE = { 'x-envoy-force-trace': '1' };

/** A runtime in which some keys are percentages. */
function runtime(values: Readonly<Record<string, number>>): Runtime {
  return {
    ...NO_RUNTIME,
    enabled: (fraction, random) => {
      const percent = values[fraction.runtimeKey];
      return percent === undefined ? NO_RUNTIME.enabled(fraction, random) : random % 100 < percent;
    },
  };
}

describe('TraceDecision', () => {
  it.each<[string, Readonly<Record<string, string>>, Partial<TraceDecisionOptions>, string, string]>([
    ['nothing asks for it', {}, {}, 'none', id()],
    ['chance', {}, { sampling: sampling(0, 100, 100) }, 'sampling', id('9')],
    ['a client asks', CLIENT, {}, 'client', id('b')],
    ['a service asks', FORCE, {}, 'service', id('a')],
    ['both ask', { ...CLIENT, ...FORCE }, {}, 'client', id('b')],
    ['the client is not listened to', { ...CLIENT, ...FORCE }, { sampling: sampling(0, 0, 100) }, 'service', id('a')],
    [
      'half of the clients, this one',
      CLIENT,
      { sampling: sampling(50, 0, 100), random: () => 0.0049 },
      'client',
      id('b'),
    ],
    [
      'half of the clients, not this one',
      CLIENT,
      { sampling: sampling(50, 0, 100), random: () => 0.0051 },
      'none',
      id(),
    ],
    ['it has been decided', { 'x-request-id': id('a') }, {}, 'service', id('a')],
    ['the limit', FORCE, { sampling: sampling(100, 100, 0) }, 'none', id()],
    [
      'the limit, against an earlier decision',
      { 'x-request-id': id('9') },
      { sampling: sampling(0, 0, 0) },
      'none',
      id(),
    ],
    [
      'by the id',
      { 'x-request-id': id('4', '00001387') },
      { sampling: sampling(0, 50, 100) },
      'sampling',
      id('9', '00001387'),
    ],
    [
      'by the id, not',
      { 'x-request-id': id('4', '00001388') },
      { sampling: sampling(0, 50, 100) },
      'none',
      id('4', '00001388'),
    ],
    ['ids stay as they are', FORCE, { packs: false }, 'service', id()],
    ['ids are not read either', { 'x-request-id': id('a') }, { packs: false }, 'none', id('a')],
    ['not by ids', { 'x-request-id': 'x' }, { byId: false }, 'sampling', 'x'],
    ['an id without a number', { ...FORCE, 'x-request-id': 'x' }, {}, 'none', 'x'],
    ['runtime: chance', {}, { runtime: runtime({ 'tracing.random_sampling': 100 }) }, 'sampling', id('9')],
    ['runtime: clients', CLIENT, { runtime: runtime({ 'tracing.client_enabled': 0 }) }, 'none', id()],
    ['runtime: the limit', FORCE, { runtime: runtime({ 'tracing.global_enabled': 0 }) }, 'none', id()],
  ])('%s', (_why, fields, options, reason, requestId) => {
    expect(decide(fields, options)).toEqual([reason, requestId]);
  });

  it('goes by the shares of the route', () => {
    expect(decide({}, {}, sampling(0, 100, 100))).toEqual(['sampling', id('9')]);
  });

  it('needs an id', () => {
    const request = head(FORCE);
    const options = {
      sampling: sampling(100, 100, 100),
      runtime: NO_RUNTIME,
      random: () => 0,
      packs: true,
      byId: true,
    };
    expect(new TraceDecision(options).decide(request, undefined)).toBe('none');
    expect(request.get('x-request-id')).toBeUndefined();
  });
});
