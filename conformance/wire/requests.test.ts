import { beforeAll, describe, expect, it } from 'vitest';
import { pending, type RequestCase, requestCases } from './cases.ts';
import { groupJobs, runOnLanes } from './lanes.ts';
import { runRequestCase } from './request-run.ts';
import { requestFingerprint, requestProblems } from './request-verdict.ts';
import { seed, type Way, ways } from './splits.ts';

const ready = requestCases.filter((c) => pending.requests[c.id] === undefined);

interface Result {
  readonly problems: readonly string[];
  readonly fingerprint: string;
}
const results = new Map<string, Result>();
const key = (c: RequestCase, way: Way) => `${way} ${c.id}`;

beforeAll(async () => {
  const jobs = ready.flatMap((c) => ways.map((way) => ({ c, way })));
  const groups = groupJobs(jobs, ({ c }) => ({ config: c.config ?? {}, shortTimers: c.needs_timeout ?? false }));
  await runOnLanes(groups, async ({ c, way }, lane) => {
    const outcome = await runRequestCase(c, way, lane);
    results.set(key(c, way), {
      problems: requestProblems(c, outcome),
      fingerprint: requestFingerprint(c, outcome),
    });
  });
}, 120_000);

function result(c: RequestCase, way: Way): Result {
  const found = results.get(key(c, way));
  if (found === undefined) throw new Error(`${key(c, way)} has not run`);
  return found;
}

describe('wire requests', () => {
  it.each(ready.map((c) => [c.id, c.why, c] as const))('%s: %s', (_id, _why, c) => {
    for (const way of ways) expect(result(c, way).problems, `sent as ${way}, seed ${seed}`).toEqual([]);
    for (const way of ways) {
      expect(result(c, way).fingerprint, `${way} against whole, seed ${seed}`).toBe(result(c, 'whole').fingerprint);
    }
  });
});

describe('wire requests that are pending', () => {
  it('are cases of the corpus', () => {
    const ids = new Set(requestCases.map((c) => c.id));
    expect(Object.keys(pending.requests).filter((id) => !ids.has(id))).toEqual([]);
  });

  it.each(Object.entries(pending.requests))('%s is refused for the reason on the list', async (_, entry) => {
    const { refusalOf } = await import('./mesh-target.ts');
    const refusal = await refusalOf(entry);
    expect(refusal).toContain(entry.setting);
    expect(refusal).toContain(entry.reason);
  });
});
