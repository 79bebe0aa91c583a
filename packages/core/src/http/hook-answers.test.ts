/** Every answer of every hook, at once and as a promise, on the last part and before it. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { HttpStream } from '../api/http-stream.ts';
import { HOLD, STOP } from './answers.ts';
import { hooks, type Message, type Rig, rig, turn } from './fixture.ts';

type Part = 'Headers' | 'Data' | 'Trailers';
type Answer = 'nothing' | 'reply' | 'bytes' | 'HOLD' | 'STOP';

interface Case {
  readonly direction: 'Request' | 'Response';
  readonly part: Part;
  readonly answer: Answer;
  readonly promise: boolean;
  readonly end: boolean;
}

const cases: Case[] = [];
for (const direction of ['Request', 'Response'] as const) {
  for (const part of ['Headers', 'Data', 'Trailers'] as const) {
    for (const answer of ['nothing', 'reply', 'bytes', 'HOLD', 'STOP'] as const) {
      for (const promise of [false, true]) {
        for (const end of [false, true]) {
          if (answer === 'bytes' && part !== 'Data') continue;
          if (part === 'Trailers' && !end) continue;
          cases.push({ direction, part, answer, promise, end });
        }
      }
    }
  }
}

/** A filter that gives the answer to the first part of its kind and lets everything else pass. */
function filterOf({ direction, part, answer, promise }: Case): HttpFilter<never, never> {
  let answered = false;
  const hook = (_part: unknown, stream: HttpStream) => {
    if (answered) return;
    answered = true;
    const now = () => {
      if (answer === 'reply') return stream.reply(418, 'teapot');
      if (answer === 'bytes') return Buffer.from('XX');
      return { nothing: undefined, HOLD, STOP }[answer];
    };
    return promise ? Promise.resolve().then(now) : now();
  };
  return hooks({ [`on${direction}Data`]: () => undefined, [`on${direction}${part}`]: hook });
}

/** Plays the parts up to and including the one that gets the answer, or the rest. */
function play(r: Rig, { direction, part, end }: Case, from: number, to: number): void {
  const steps: (() => void)[] = [];
  const request = direction === 'Request';
  const head = (last: boolean) => (request ? r.sendHead(last) : r.respondHead(200, last));
  const data = (text: string, last: boolean) => (request ? r.sendData(text, last) : r.respondData(text, last));
  if (part === 'Headers') steps.push(() => head(end));
  if (part === 'Headers' && !end)
    steps.push(
      () => data('ab', false),
      () => data('cd', true),
    );
  if (part === 'Data')
    steps.push(
      () => head(false),
      () => data('ab', end),
    );
  if (part === 'Data' && !end) steps.push(() => data('cd', true));
  if (part === 'Trailers') {
    steps.push(
      () => head(false),
      () => data('abcd', false),
      () => (request ? r.sendTrailers() : r.respondTrailers()),
    );
  }
  for (const step of steps.slice(from, to)) step();
}

const asked = { Headers: 1, Data: 2, Trailers: 3 } as const;

function expectedBody({ part, answer, end }: Case): string {
  if (part === 'Headers' && end) return '';
  if (part === 'Data') return `${answer === 'bytes' ? 'XX' : 'ab'}${end ? '' : 'cd'}`;
  return 'abcd';
}

/** The message arrives whole and in order, whatever the filter did with it on the way. */
function expectWhole(message: Message, one: Case): void {
  expect(message.head).toBeDefined();
  expect(message.body).toBe(expectedBody(one));
  expect(message.ended).toBe(true);
  expect(message.trailers?.get('x-end')).toBe(one.part === 'Trailers' ? '1' : undefined);
}

function expectReplied(r: Rig, { direction, part }: Case): void {
  if (direction === 'Response' && part !== 'Headers') {
    expect(r.wasReset).toBe(true);
    expect(r.response.ended).toBe(false);
    return;
  }
  expect([r.status, r.response.body, r.response.ended]).toEqual([418, 'teapot', true]);
  expect(r.wasReset).toBe(false);
  const passed = direction === 'Response' || part !== 'Headers';
  expect(r.request.head !== undefined).toBe(passed);
}

describe.each(cases)('on$direction$part answering $answer, promise $promise, end $end', (one) => {
  const { direction, part, answer, promise, end } = one;
  const parks = answer === 'STOP' || (answer === 'HOLD' && (end || part === 'Trailers'));

  it(answer === 'reply' ? 'is answered by the filter' : 'delivers the message whole and in order', async () => {
    const r = rig({ f: filterOf(one) });
    if (direction === 'Response') r.sendHead(true);
    const message = direction === 'Request' ? r.request : r.response;
    const pauses = () => (direction === 'Request' ? r.clientPauses : r.upstreamPauses);

    play(r, one, 0, asked[part]);
    const waits = promise || parks;
    if (!r.stream.finished) expect(pauses() > 0).toBe(waits);
    if (waits) expect(message.ended).toBe(false);
    // What comes while the filter is parked waits behind it.
    play(r, one, asked[part], Number.POSITIVE_INFINITY);
    await turn();
    if (answer === 'reply') {
      expectReplied(r, one);
      return;
    }
    if (parks) {
      expect(message.ended).toBe(false);
      if (direction === 'Request') r.stream.resumeRequest();
      else r.stream.resumeResponse();
    }
    expectWhole(message, one);
    if (direction === 'Request') expect(pauses()).toBe(0);
    expect(r.stream.over).toBe(direction === 'Response');
    expect(r.logs).toEqual([]);
  });
});
