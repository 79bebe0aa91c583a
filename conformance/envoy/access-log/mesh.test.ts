/** The lines of this proxy beside Envoy's. */
import { beforeAll, describe, expect, it } from 'vitest';
import { differences } from './differences.ts';
import { readRecordedLogs } from './recorded.ts';
import { type LogLines, runLogs } from './run.ts';
import { scenarios } from './scenarios.ts';
import { startMeshLogs } from './targets.ts';

const recorded = readRecordedLogs();
let seen: LogLines;
beforeAll(async () => {
  seen = await runLogs(scenarios, startMeshLogs);
}, 60_000);

describe('access logs', () => {
  it.each(scenarios)(
    '$name: $why',
    async ({ name }) => {
      const lines = differences(name, recorded.of.get(name) ?? []);
      try {
        expect(seen.get(name)).toEqual(lines);
      } catch {
        // Timers of a busy machine may be late: once more, alone.
        const again = await runLogs(
          scenarios.filter((each) => each.name === name),
          startMeshLogs,
        );
        expect(again.get(name)).toEqual(lines);
      }
    },
    30_000,
  );
});
