/** Versions: ours, and that of the runtime. */
import { createRequire } from 'node:module';

/** The version of this package. */
export const version: string = (createRequire(import.meta.url)('../package.json') as { version: string }).version;

/** In the form of Envoy's `--version`, where the second part is the release; the runtime follows. */
export function versionLine(nodeVersion: string): string {
  return `mesh  version: mesh/${version}/Clean/RELEASE/OpenSSL/node-${nodeVersion.replace(/^v/, '')}`;
}

/** First releases of the supported lines without known holes in the code that a proxy stands on, and their last days. */
const LINES = [
  { major: 22, minor: 23, patch: 4, endsMs: Date.UTC(2027, 3, 30) },
  { major: 24, minor: 22, patch: 1, endsMs: Date.UTC(2028, 3, 30) },
  { major: 26, minor: 12, patch: 1, endsMs: Date.UTC(2029, 3, 30) },
] as const;

const NEWEST = 26;

const ADVICE = `use ${LINES.map(({ major, minor, patch }) => `${major}.${minor}.${patch}`).join(', ')} or later`;

/** The warning for a runtime that is out of support or lacks security fixes; undefined for a good one. */
export function runtimeWarning(nodeVersion: string, nowMs: number): string | undefined {
  const [major = 0, minor = 0, patch = 0] = nodeVersion
    .replace(/^v/, '')
    .split('.')
    .map((part) => Number.parseInt(part, 10));
  const line = LINES.find((known) => known.major === major);
  // What is newer than this table is taken to be good.
  if (major > NEWEST) return undefined;
  if (line === undefined || nowMs > line.endsMs)
    return `Node.js ${nodeVersion} is out of support and gets no security fixes: ${ADVICE}`;
  if (minor > line.minor || (minor === line.minor && patch >= line.patch)) return undefined;
  return `Node.js ${nodeVersion} lacks security fixes that this proxy needs: ${ADVICE}`;
}
