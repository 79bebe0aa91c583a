/**
 * A filter chain, compiled once per config into one array of steps per phase. A filter without a hook is not in that
 * phase's array, so it costs nothing there.
 */
import type { HttpFilter } from '../api/http-filter.ts';
import type { TerminalStream } from '../api/http-stream.ts';

/** Any hook; parts differ by phase. */
export type Hook = (part: never, stream: TerminalStream, state: never, end: boolean) => unknown;

/** One hook of one filter. All steps share this shape, so call sites stay monomorphic. */
export class Step {
  private readonly hook: (part: unknown, stream: TerminalStream, state: unknown, end: boolean) => unknown;
  private readonly filter: object;
  /** Index of the filter's state in the stream, -1 when it has none. */
  readonly slot: number;
  /** Position in the direction's order of filters: configuration order for requests, reverse for responses. */
  readonly order: number;
  readonly name: string;
  /** See `HttpFilter.onlyLooks`. */
  readonly onlyLooks: boolean;
  constructor(hook: Hook, filter: object, slot: number, order: number, name: string) {
    this.hook = hook as Step['hook'];
    this.filter = filter;
    this.slot = slot;
    this.order = order;
    this.name = name;
    this.onlyLooks = (filter as HttpFilter).onlyLooks === true;
  }

  /** Calls the hook as a method of its filter. */
  run(part: unknown, stream: TerminalStream, state: unknown, end: boolean): unknown {
    return this.hook.call(this.filter, part, stream, state, end);
  }
}

/** One filter, ready to be put into a plan. */
export interface PlannedFilter {
  readonly name: string;
  readonly filter: HttpFilter<never, never>;
  readonly newState: (() => unknown) | undefined;
  /** Name of the definition, for per-route config. */
  readonly definitionName: string;
}

/** The steps of one direction. */
export interface DirectionPlan {
  readonly head: readonly Step[];
  readonly data: readonly Step[];
  readonly trailers: readonly Step[];
  /** Some data hook may read a chunk after it has returned. */
  readonly keepsChunks: boolean;
}

export class FilterPlan {
  readonly request: DirectionPlan;
  readonly response: DirectionPlan;
  readonly complete: readonly Step[];
  readonly newStates: readonly (() => unknown)[];
  readonly names: readonly string[];
  /** Definition name → index in the chain, where per-route config is looked up. */
  readonly routeSlots: ReadonlyMap<string, number>;

  /**
   * `disabled` switches filters off by index. Plans of one chain share their state slots, so a stream may be given
   * another one of them once its route is known. `slotOf` tells where a filter's per-route config is looked up.
   */
  constructor(
    filters: readonly PlannedFilter[],
    disabled: (index: number) => boolean = () => false,
    slotOf: (index: number) => number = (index) => index,
  ) {
    const newStates: (() => unknown)[] = [];
    const slots = filters.map(({ newState }) => (newState === undefined ? -1 : newStates.push(newState) - 1));
    const last = filters.length - 1;
    const steps = (hook: keyof HttpFilter, reverse: boolean): Step[] => {
      const found: Step[] = [];
      for (let i = 0; i <= last; i++) {
        const index = reverse ? last - i : i;
        if (disabled(index)) continue;
        const planned = filters[index] as PlannedFilter;
        const run = planned.filter[hook] as Hook | undefined;
        if (run !== undefined) found.push(new Step(run, planned.filter, slots[index] as number, i, planned.name));
      }
      return found;
    };
    this.newStates = newStates;
    this.names = filters.map(({ name }) => name);
    this.routeSlots = new Map(filters.map(({ definitionName }, index) => [definitionName, slotOf(index)]));
    const requestData = steps('onRequestData', false);
    // What the end of the chain gets it takes over, or copies itself.
    const keeping = ({ onlyLooks, order }: Step) => !onlyLooks && order !== last;
    this.request = {
      head: steps('onRequestHeaders', false),
      data: requestData,
      trailers: steps('onRequestTrailers', false),
      keepsChunks: requestData.length > 1 && requestData.some(keeping),
    };
    const responseData = steps('onResponseData', true);
    this.response = {
      head: steps('onResponseHeaders', true),
      data: responseData,
      trailers: steps('onResponseTrailers', true),
      keepsChunks: responseData.some(({ onlyLooks }) => !onlyLooks),
    };
    this.complete = filters.flatMap(({ name, filter }, index) => {
      const hook = filter.onComplete as ((stream: TerminalStream, state: never) => void) | undefined;
      if (hook === undefined || disabled(index)) return [];
      const withoutPart: Hook = (_part, stream, state) => hook.call(filter, stream, state);
      return [new Step(withoutPart, filter, slots[index] as number, index, name)];
    });
  }
}
