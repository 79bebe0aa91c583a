/** Each fault again: what client, access log, statistics and trace show of it is what the catalogue says, and what Envoy shows. */
import { readFileSync } from 'node:fs';
import { ResponseFlag } from '@mesh/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { absentFlags, faults, flags } from './flags.ts';
import { page, shownBy } from './markdown.ts';
import { type Observation, playAll } from './play.ts';
import { differences, readRecording } from './recorded.ts';
import { envoyVersion, startEnvoy, startMesh } from './targets.ts';

const HOW = 'node --conditions=@mesh/source --import tsx conformance/faults/record.mjs';
const recording = readRecording();
const shared = faults.filter(({ onlyHere }) => onlyHere === undefined);

/** On a busy machine something may be late once. */
async function again(name: string, seen: Observation, start: typeof startMesh): Promise<Observation> {
  const fault = faults.find((each) => each.name === name);
  return fault === undefined ? seen : ((await playAll([fault], start)).get(name) ?? seen);
}

/** New statistics may come; those that are told must be there. */
function told(seen: Observation, expected: Observation | undefined): Observation {
  const names = Object.keys(expected?.stats ?? {});
  return { ...seen, stats: Object.fromEntries(names.map((name) => [name, seen.stats[name] ?? 0])) };
}

describe('faults', () => {
  let seen: ReadonlyMap<string, Observation>;
  beforeAll(async () => {
    seen = await playAll(faults, startMesh);
  }, 30_000);

  it.each(faults.map(({ name }) => name))('%s shows what the catalogue says', async (name) => {
    const expected = recording.mesh[name];
    let mine = told(seen.get(name) as Observation, expected);
    if (JSON.stringify(mine) !== JSON.stringify(expected)) mine = told(await again(name, mine, startMesh), expected);
    expect(mine).toEqual(expected);
  });

  it.each(flags.flatMap(({ flag, faults: all }) => all.map(({ name }) => [name, flag] as const)))(
    '%s bears the flag %s',
    (name, flag) => {
      const lines = (seen.get(name) as Observation).log;
      expect(lines).toHaveLength(1);
      expect((lines[0] as string).split(' ')[1]?.split(',')).toContain(flag);
    },
  );

  it.each(shared.map((fault) => [fault.name, fault] as const))('%s is what Envoy shows', (name, fault) => {
    const [mesh, envoy] = [recording.mesh[name], recording.envoy[name]] as [Observation, Observation];
    expect(differences(fault, mesh, envoy)).toEqual([]);
  });
});

const version = envoyVersion();
describe.skipIf(version !== recording.version)(
  `faults in Envoy ${recording.version} (found: ${version ?? 'none'})`,
  () => {
    it('are as they were recorded', async () => {
      const seen = await playAll(shared, startEnvoy);
      for (const { name } of shared) {
        const expected = recording.envoy[name] as Observation;
        let theirs = told(seen.get(name) as Observation, expected);
        if (JSON.stringify(theirs) !== JSON.stringify(expected))
          theirs = told(await again(name, theirs, startEnvoy), expected);
        expect([name, theirs]).toEqual([name, expected]);
      }
    }, 60_000);
  },
);

describe('the fault catalogue', () => {
  it('has every response flag, either with a fault or with the reason why there is none', () => {
    const known = [...flags, ...absentFlags].map(({ flag }) => flag);
    expect(known.toSorted()).toEqual(Object.keys(ResponseFlag).toSorted());
    expect(flags.filter((entry) => entry.faults.length === 0)).toEqual([]);
  });

  it.each(flags.map((entry) => [entry.flag, entry] as const))(
    '%s names a command that shows what has moved',
    (_flag, entry) => {
      const moved = entry.faults.map(({ name }) => recording.mesh[name]?.stats ?? {});
      const shown = entry.look.flatMap(({ run }) => moved.flatMap((stats) => shownBy(run, stats)));
      expect(shown.length).toBeGreaterThan(0);
    },
  );

  it(`is what conformance/faults/record.mjs writes (${HOW})`, () => {
    const written = readFileSync(new URL('../../docs/operations/faults.md', import.meta.url), 'utf8');
    expect(written).toBe(page(recording));
  });
});
