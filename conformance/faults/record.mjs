/** Plays all faults, here and against a real Envoy if there is one, and writes `recorded.jsonl` and the catalogue anew. */
import { writeFileSync } from 'node:fs';
import { faults } from './flags.ts';
import { page } from './markdown.ts';
import { playAll } from './play.ts';
import { differences, readRecording, writeRecording } from './recorded.ts';
import { envoyVersion, startEnvoy, startMesh } from './targets.ts';

const version = envoyVersion();
const shared = faults.filter(({ onlyHere }) => onlyHere === undefined);
const mesh = Object.fromEntries(await playAll(faults, startMesh));
const envoy = version === undefined ? readRecording().envoy : Object.fromEntries(await playAll(shared, startEnvoy));

// What differs is played once more, alone: on a busy machine something may be late.
for (const fault of shared) {
  if (envoy[fault.name] !== undefined && differences(fault, mesh[fault.name], envoy[fault.name]).length === 0) continue;
  Object.assign(mesh, Object.fromEntries(await playAll([fault], startMesh)));
  if (version !== undefined) Object.assign(envoy, Object.fromEntries(await playAll([fault], startEnvoy)));
}

const recording = { version: version ?? readRecording().version, mesh, envoy };
writeRecording(recording);
writeFileSync(new URL('../../docs/operations/faults.md', import.meta.url), page(recording));
for (const fault of shared) {
  const there = envoy[fault.name];
  if (there !== undefined) for (const line of differences(fault, mesh[fault.name], there)) console.log(line);
}
