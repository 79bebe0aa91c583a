/** Prometheus' own parser and linter, as a program that is built where there is Go. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';

/** What the parser says of a text. */
export interface Verdict {
  /** Types by name. */
  readonly families: Readonly<Record<string, string>>;
  readonly series: number;
  readonly errors: readonly string[];
  /** How often the linter said what. */
  readonly lint: Readonly<Record<string, number>>;
}

/** Time for a first build, with its downloads. */
const BUILD_MS = 120_000;

/** The program; a reason when it cannot be built here. */
export function checkerOrReason(): { readonly program: string } | { readonly reason: string } {
  const folder = join(os.tmpdir(), `mesh-prometheus-check-${process.getuid?.() ?? 0}`);
  const program = join(folder, 'check');
  try {
    mkdirSync(folder, { recursive: true });
    cpSync(join(import.meta.dirname, 'check'), folder, { recursive: true, force: true });
    // Several test files may build at once, and run what the others have built.
    const built = `${program}-${process.pid}`;
    execFileSync('go', ['build', '-o', built, '.'], { cwd: folder, timeout: BUILD_MS, stdio: 'pipe' });
    renameSync(built, program);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { reason: code === 'ENOENT' ? 'there is no `go`' : message.split('\n').slice(0, 3).join(' ') };
  }
  return existsSync(program) ? { program } : { reason: 'nothing was built' };
}

/** Reads `text` as Prometheus would. */
export function check(program: string, text: string | Uint8Array): Verdict {
  const { stdout, stderr, status } = spawnSync(program, { input: text, encoding: 'utf8', maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`the checker failed: ${stderr}`);
  return JSON.parse(stdout) as Verdict;
}
