/** Envoy's outcomes of cluster scenarios as they were recorded. */
import { readFileSync, writeFileSync } from 'node:fs';
import { clusterTopics } from './index.ts';
import type { ClusterObservation, ClusterObservations } from './run.ts';

interface Recording {
  /** Version of the Envoy that was observed. */
  readonly envoy: string;
  readonly scenarios: Readonly<Record<string, ClusterObservation>>;
}

function file(topic: string): URL {
  return new URL(`../recorded/${topic}.json`, import.meta.url);
}

/** The recordings of all topics. */
export function readRecordedClusters(): ClusterObservations {
  const of = new Map<string, ClusterObservation>();
  let version = '';
  for (const topic of Object.keys(clusterTopics)) {
    const { envoy, scenarios } = JSON.parse(readFileSync(file(topic), 'utf8')) as Recording;
    version = envoy;
    for (const [name, observation] of Object.entries(scenarios)) of.set(name, observation);
  }
  return { version, of };
}

/** Writes the recordings anew, one step per line. */
export function writeRecordedClusters({ version, of }: ClusterObservations): void {
  for (const [topic, scenarios] of Object.entries(clusterTopics)) {
    const entries = scenarios.map(
      ({ name }) => `${JSON.stringify(name)}: ${lines(of.get(name) as ClusterObservation)}`,
    );
    const text = `{\n"envoy": ${JSON.stringify(version)},\n"scenarios": {\n${entries.join(',\n')}\n}\n}\n`;
    writeFileSync(file(topic), text);
  }
}

function lines({ steps, events }: ClusterObservation): string {
  const list = (values: readonly unknown[]) => `[\n${values.map((value) => JSON.stringify(value)).join(',\n')}\n]`;
  return `{"steps": ${list(steps)}${events === undefined ? '' : `, "events": ${list(events)}`}}`;
}
