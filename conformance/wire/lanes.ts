/**
 * Lanes: each is a listener with a cluster and an upstream of its own, used by one case at a time, so that many cases
 * run side by side on one proxy and no request can be taken for another case's.
 */
import { bootstrap, type LaneSettings } from './bootstrap.ts';
import { startTarget, type Target } from './target.ts';
import { Upstream } from './upstream.ts';

export interface Lane {
  readonly port: number;
  readonly upstream: Upstream;
}

/** Jobs that need the same settings. */
export interface Group<Job> {
  readonly settings: LaneSettings;
  readonly jobs: readonly Job[];
}

const LANES_PER_GROUP = 12;

/** Sorts jobs by the settings that they need. */
export function groupJobs<Job>(jobs: readonly Job[], settingsOf: (job: Job) => LaneSettings): Group<Job>[] {
  const groups = new Map<string, { settings: LaneSettings; jobs: Job[] }>();
  for (const job of jobs) {
    const settings = settingsOf(job);
    const key = JSON.stringify(settings);
    const group = groups.get(key) ?? { settings, jobs: [] };
    group.jobs.push(job);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Runs every job of every group on some lane of the group. `run` must leave its lane clean. */
export async function runOnLanes<Job>(
  groups: readonly Group<Job>[],
  run: (job: Job, lane: Lane, target: Target) => Promise<void>,
): Promise<void> {
  const laneGroups = groups.flatMap((group) =>
    Array.from({ length: Math.min(LANES_PER_GROUP, group.jobs.length) }, () => group),
  );
  const upstreams = await Promise.all(laneGroups.map(() => Upstream.listen()));
  const target = await startTarget(
    bootstrap(
      laneGroups.map((group, i) => ({
        ...group.settings,
        name: `lane${i}`,
        upstreamPort: (upstreams[i] as Upstream).port,
      })),
    ),
  );
  const queues = new Map(groups.map((group) => [group, [...group.jobs]]));
  try {
    await Promise.all(
      laneGroups.map(async (group, i) => {
        const lane = { port: target.port(`lane${i}`), upstream: upstreams[i] as Upstream };
        const queue = queues.get(group) as Job[];
        for (let job = queue.shift(); job !== undefined; job = queue.shift()) await run(job, lane, target);
      }),
    );
  } finally {
    await target.close();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  }
}
