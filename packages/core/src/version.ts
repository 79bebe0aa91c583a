/** The version of this proxy as the admin server tells it. It stands one folder below package.json, as the bundle does. */
import { readFileSync } from 'node:fs';

let version: string | undefined;

/** `<revision>/<version>/Clean/RELEASE/<tls library>`, the form of Envoy's version. */
export function versionText(): string {
  version ??= readVersion();
  return `mesh/${version}/Clean/RELEASE/OpenSSL`;
}

function readVersion(): string {
  const file = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
