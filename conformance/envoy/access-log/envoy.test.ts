/** The recorded lines beside a real Envoy, where one of the recorded version is installed. */
import { beforeAll, describe, expect, it } from 'vitest';
import { startEnvoyCluster } from '../clusters/targets.ts';
import { envoyVersion } from '../envoy-target.ts';
import { readRecordedLogs, writeRecordedLogs } from './recorded.ts';
import { type LogLines, runLogs } from './run.ts';
import { scenarios } from './scenarios.ts';

const updating = process.env.CONFORMANCE_UPDATE === '1';
const version = envoyVersion();
const recorded = updating ? undefined : readRecordedLogs();
const comparable = version !== undefined && (updating || version === recorded?.version);

describe.runIf(comparable)(`Envoy ${version}`, () => {
  let seen: LogLines;
  beforeAll(async () => {
    seen = await runLogs(scenarios, startEnvoyCluster);
    if (updating) writeRecordedLogs(version as string, seen);
  }, 60_000);

  it.each(scenarios)(
    '$name logs as recorded',
    async ({ name }) => {
      if (updating) return;
      const lines = recorded?.of.get(name);
      try {
        expect(seen.get(name)).toEqual(lines);
      } catch {
        // Timers of a busy machine may be late: once more, alone.
        const again = await runLogs(
          scenarios.filter((each) => each.name === name),
          startEnvoyCluster,
        );
        expect(again.get(name)).toEqual(lines);
      }
    },
    30_000,
  );
});
