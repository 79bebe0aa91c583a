/** What a route says about tracing. */
import type { RouteTracing, SpanName, TraceSampling } from '../api/tracing.ts';
import { type CustomTagSettings, compileCustomTags } from '../format/custom-tags.ts';
import { compileFormat } from '../format/format.ts';
import { wireText } from '../regex/wire-text.ts';

/** Envoy `Decorator` and `Tracing` of a route, after parsing. */
export interface RouteTracingSettings {
  readonly decorator?: { readonly operation: string; readonly propagate: boolean };
  readonly tracing?: {
    readonly clientSampling?: FractionSettings;
    readonly randomSampling?: FractionSettings;
    readonly overallSampling?: FractionSettings;
    readonly customTags: readonly CustomTagSettings[];
    readonly operation: string;
    readonly upstreamOperation: string;
  };
}

interface FractionSettings {
  readonly numerator: number;
  readonly denominator: 'HUNDRED' | 'TEN_THOUSAND' | 'MILLION';
}

const DENOMINATORS = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** `undefined` when the route says nothing. @throws SyntaxError for a bad format. */
export function compileRouteTracing({ decorator, tracing }: RouteTracingSettings): RouteTracing | undefined {
  if (decorator === undefined && tracing === undefined) return undefined;
  return {
    decorator: decorator && compileDecorator(decorator),
    sampling: tracing && sampling(tracing),
    tags: compileCustomTags(tracing?.customTags ?? []),
    operation: spanName(tracing?.operation),
    upstreamOperation: spanName(tracing?.upstreamOperation),
  };
}

/** What can stand in a header field. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

function compileDecorator({ operation, propagate }: NonNullable<RouteTracingSettings['decorator']>) {
  const wire = wireText(operation);
  return { operation: wire, propagate: propagate && FIELD_VALUE.test(wire) };
}

function sampling(settings: NonNullable<RouteTracingSettings['tracing']>): TraceSampling {
  return {
    client: fraction(settings.clientSampling, 'tracing.client_enabled'),
    random: fraction(settings.randomSampling, 'tracing.random_sampling'),
    overall: fraction(settings.overallSampling, 'tracing.global_enabled'),
  };
}

function fraction(given: FractionSettings | undefined, runtimeKey: string): TraceSampling['random'] {
  const { numerator, denominator } = given ?? { numerator: 100, denominator: 'HUNDRED' };
  return { numerator, denominator: DENOMINATORS[denominator], runtimeKey };
}

function spanName(format = ''): SpanName | undefined {
  if (format === '') return undefined;
  const compiled = compileFormat(format);
  return (subject) => compiled.format(subject);
}
