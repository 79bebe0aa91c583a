/** Filters whose hooks run with the exchange's span as the active one, for tracers that know such a thing. */
import type { HttpFilter } from '../api/http-filter.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import type { Tracer } from '../api/tracer.ts';
import type { Hook, PlannedFilter } from './filter-plan.ts';

const HOOKS = [
  'onRequestHeaders',
  'onRequestData',
  'onRequestTrailers',
  'onResponseHeaders',
  'onResponseData',
  'onResponseTrailers',
] as const satisfies readonly (keyof HttpFilter)[];

/** Its connections outlive the exchange, and would keep its span with them. */
const ROUTER = 'envoy.filters.http.router';

/** The same filter, each hook of it within the span of its exchange where there is one. */
export function withActiveSpan(planned: PlannedFilter, tracer: Tracer | undefined): PlannedFilter {
  if (tracer?.within === undefined || planned.definitionName === ROUTER) return planned;
  const { filter } = planned;
  const hooks: Record<string, unknown> = { onlyLooks: filter.onlyLooks };
  for (const name of HOOKS) {
    const hook = filter[name] as Hook | undefined;
    if (hook !== undefined) hooks[name] = hookWithin(hook, filter, tracer as WithinTracer);
  }
  const end = filter.onComplete as ((stream: TerminalStream, state: never) => void) | undefined;
  if (end !== undefined) {
    const run = hookWithin((_part, stream, state) => end.call(filter, stream, state), filter, tracer as WithinTracer);
    hooks.onComplete = (stream: TerminalStream, state: never) => run(undefined as never, stream, state, true);
  }
  return { ...planned, filter: hooks as HttpFilter<never, never> };
}

type WithinTracer = Tracer & { within: NonNullable<Tracer['within']> };

function hookWithin(hook: Hook, filter: object, tracer: WithinTracer): Hook {
  return (part, stream, state, end) => {
    const { span } = stream;
    if (span === undefined) return hook.call(filter, part, stream, state, end);
    return tracer.within(span, () => hook.call(filter, part, stream, state, end));
  };
}
