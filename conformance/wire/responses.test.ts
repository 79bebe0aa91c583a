import { beforeAll, describe, expect, it } from 'vitest';
import type { LaneSettings } from './bootstrap.ts';
import { pending, type ResponseCase, responseCases } from './cases.ts';
import { groupJobs, runOnLanes } from './lanes.ts';
import { fallsSilent, runResponseCase, SILENCE_TIMEOUT_MS } from './response-run.ts';
import { responseFingerprint, responseProblems } from './response-verdict.ts';
import { seed, type Way, ways } from './splits.ts';

const ready = responseCases.filter((c) => pending.responses[c.id] === undefined);

interface Result {
  readonly problems: readonly string[];
  readonly fingerprint: string;
}
const results = new Map<string, Result>();
const key = (c: ResponseCase, way: Way) => `${way} ${c.id}`;

function settingsOf(c: ResponseCase): LaneSettings {
  const timeout = fallsSilent(c) ? { routeTimeout: `${SILENCE_TIMEOUT_MS / 1000}s` } : {};
  return { config: c.config ?? {}, shortTimers: false, ...timeout };
}

beforeAll(async () => {
  const jobs = ready.flatMap((c) => ways.map((way) => ({ c, way })));
  await runOnLanes(
    groupJobs(jobs, ({ c }) => settingsOf(c)),
    async ({ c, way }, lane) => {
      const outcome = await runResponseCase(c, way, lane);
      results.set(key(c, way), {
        problems: responseProblems(c, outcome),
        fingerprint: responseFingerprint(c, outcome),
      });
    },
  );
}, 120_000);

function result(c: ResponseCase, way: Way): Result {
  const found = results.get(key(c, way));
  if (found === undefined) throw new Error(`${key(c, way)} has not run`);
  return found;
}

describe('wire responses', () => {
  it.each(ready.map((c) => [c.id, c.why, c] as const))('%s: %s', (_id, _why, c) => {
    for (const way of ways) expect(result(c, way).problems, `sent as ${way}, seed ${seed}`).toEqual([]);
    for (const way of ways) {
      expect(result(c, way).fingerprint, `${way} against whole, seed ${seed}`).toBe(result(c, 'whole').fingerprint);
    }
  });
});

describe('wire responses that are pending', () => {
  it('are cases of the corpus', () => {
    const ids = new Set(responseCases.map((c) => c.id));
    expect(Object.keys(pending.responses).filter((id) => !ids.has(id))).toEqual([]);
  });

  it.each(Object.entries(pending.responses))('%s is refused for the reason on the list', async (_, entry) => {
    const { refusalOf } = await import('./mesh-target.ts');
    const refusal = await refusalOf(entry);
    expect(refusal).toContain(entry.setting);
    expect(refusal).toContain(entry.reason);
  });
});
