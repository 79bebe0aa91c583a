import { describe, expect, it } from 'vitest';
import { FilterPlan, type PlannedFilter } from './filter-plan.ts';
import { hooks } from './fixture.ts';

const planned = (name: string, filter: Parameters<typeof hooks>[0], newState?: () => unknown): PlannedFilter => ({
  name,
  definitionName: name,
  filter: hooks(filter),
  newState,
});
const names = (steps: readonly { readonly name: string }[]) => steps.map(({ name }) => name);

describe('FilterPlan', () => {
  const chain = [
    planned('a', { onRequestHeaders() {}, onResponseHeaders() {} }),
    planned('b', { onRequestData() {}, onComplete() {} }, () => 'state of b'),
    planned('c', { onRequestHeaders() {}, onRequestData() {}, onResponseHeaders() {} }, () => 'state of c'),
  ];

  it('lists in each phase only the filters that have its hook, responses in reverse', () => {
    const plan = new FilterPlan(chain);
    expect(names(plan.request.head)).toEqual(['a', 'c']);
    expect(names(plan.request.data)).toEqual(['b', 'c']);
    expect(names(plan.request.trailers)).toEqual([]);
    expect(names(plan.response.head)).toEqual(['c', 'a']);
    expect(names(plan.response.data)).toEqual([]);
    expect(names(plan.complete)).toEqual(['b']);
  });

  it('gives state slots to those that have state', () => {
    const plan = new FilterPlan(chain);
    expect(plan.newStates.map((make) => make())).toEqual(['state of b', 'state of c']);
    expect(plan.request.head.map(({ slot }) => slot)).toEqual([-1, 1]);
  });

  it('numbers filters by their place in the direction', () => {
    const plan = new FilterPlan(chain);
    expect(plan.request.head.map(({ order }) => order)).toEqual([0, 2]);
    expect(plan.response.head.map(({ order }) => order)).toEqual([0, 2]);
  });

  it('leaves out disabled filters and keeps the slots of the others', () => {
    const plan = new FilterPlan(chain, (index) => index === 1);
    expect(names(plan.request.data)).toEqual(['c']);
    expect(names(plan.complete)).toEqual([]);
    expect(plan.request.data[0]?.slot).toBe(1);
  });

  it.each([
    ['a filter that may keep them', {}, true, true],
    ['one that only looks', { onlyLooks: true }, false, false],
  ])('chunks are copied for %s', (_what, more, request, response) => {
    const looks = planned('looks', { onRequestData() {}, onResponseData() {}, ...more });
    const plan = new FilterPlan([looks, planned('end', { onRequestData() {} })]);
    expect([plan.request.keepsChunks, plan.response.keepsChunks]).toEqual([request, response]);
  });

  it('chunks are not copied for the end of the chain', () => {
    const plan = new FilterPlan([planned('end', { onRequestData() {} })]);
    expect([plan.request.keepsChunks, plan.response.keepsChunks]).toEqual([false, false]);
  });

  it('calls hooks with their own object', () => {
    class Counter {
      calls = 0;
      onRequestHeaders(): void {
        this.calls++;
      }
    }
    const counter = new Counter();
    const plan = new FilterPlan([planned('counter', counter)]);
    plan.request.head[0]?.run(undefined, {} as never, undefined, true);
    expect(counter.calls).toBe(1);
  });
});
