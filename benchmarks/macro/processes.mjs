/** Starts child processes, finds everything they spawned, and ends all of it by pid whatever happens. */
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, isAbsolute, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** @typedef {{ file: string, args: string[], env?: Record<string, string>, cwd?: string }} Command */
/** @typedef {{ pid: number, startedAt: string }} Member one process, told apart from a later reuse of its pid */

const OUTPUT_LIMIT = 8192;
const TERM_WAIT_MS = 1500;

/** @type {Set<Launched>} */
const live = new Set();
/** @type {Set<string>} */
const workDirs = new Set();

/** A running command together with every process below it. */
export class Launched {
  /** @param {import('node:child_process').ChildProcess} child @param {string} label */
  constructor(child, label) {
    this.child = child;
    this.label = label;
    this.output = '';
    /** @type {Map<number, string>} pid → start time, of every process ever seen in the tree */
    this.seen = new Map();
    this.failed = false;
    /** @type {Promise<void>} resolves when the root process is gone or could not be started */
    this.exited = new Promise((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', (error) => {
        this.output += String(error);
        this.failed = true;
        resolve();
      });
    });
    const keep = (/** @type {Buffer} */ chunk) => {
      this.output = (this.output + chunk.toString()).slice(-OUTPUT_LIMIT);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  get running() {
    return !this.failed && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Live processes of the tree, root first. A process whose parent died is still found if it was seen before. */
  members() {
    if (this.child.pid !== undefined)
      for (const { pid, startedAt } of treeOf(this.child.pid)) this.seen.set(pid, startedAt);
    return [...this.seen].filter(([pid, startedAt]) => statOf(pid)?.startedAt === startedAt).map(([pid]) => pid);
  }

  /** @param {NodeJS.Signals} signal */
  signal(signal) {
    for (const pid of this.members()) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ESRCH') throw error;
      }
    }
  }

  /** Ends the whole tree: SIGTERM, then SIGKILL for what is left after a while. */
  async stop() {
    this.signal('SIGTERM');
    const deadline = performance.now() + TERM_WAIT_MS;
    while (this.members().length > 0 && performance.now() < deadline) await delay(10);
    this.signal('SIGKILL');
    if (!this.failed) await this.exited;
    live.delete(this);
  }
}

/**
 * Starts a command, pinned to CPUs when `cpus` is given and `taskset` exists.
 * @param {Command} command
 * @param {{ cpus?: string | undefined, label: string }} options
 */
export function launch(command, { cpus, label }) {
  const pinned = cpus !== undefined && hasTaskset();
  const file = pinned ? 'taskset' : command.file;
  const args = pinned ? ['-c', cpus, command.file, ...command.args] : command.args;
  const child = spawn(file, args, {
    cwd: command.cwd,
    env: { ...process.env, ...command.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const launched = new Launched(child, label);
  live.add(launched);
  return launched;
}

/** @type {boolean | undefined} */
let taskset;
/** Whether processes can be pinned to a core here. */
export function hasTaskset() {
  taskset ??= which('taskset') !== undefined;
  return taskset;
}

/**
 * @param {string} name a command, or a path to one
 * @returns {string | undefined} its path if it is there and executable
 */
export function which(name) {
  const places = isAbsolute(name)
    ? [name]
    : (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, name));
  return places.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** First line that a command prints (on either stream), for version reports. @param {string} file @param {string[]} args */
export function firstLine(file, args) {
  const { stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 20_000 });
  return (
    `${stdout ?? ''}\n${stderr ?? ''}`
      .split('\n')
      .map((line) => line.trim())
      .find((line) => line !== '') ?? 'unknown'
  );
}

/** A private temporary folder that is removed when the program ends. */
export function makeWorkDir() {
  const path = mkdtempSync(join(tmpdir(), 'mesh-bench-'));
  workDirs.add(path);
  return path;
}

/** @param {string} path a folder from `makeWorkDir` */
export function removeWorkDir(path) {
  rmSync(path, { recursive: true, force: true });
  workDirs.delete(path);
}

/** Makes sure that no child and no temporary folder outlives this program: normal end, error or Ctrl-C. Call once. */
export function cleanUpOnExit() {
  process.on('exit', () => {
    for (const launched of live) launched.signal('SIGKILL');
    for (const path of workDirs) rmSync(path, { recursive: true, force: true });
  });
  process.on('SIGINT', () => process.exit(130));
  process.on('SIGTERM', () => process.exit(143));
  process.on('SIGHUP', () => process.exit(129));
}

const WRAPPERS = /^(python|pyenv|bash|sh$|dash|env$|taskset)/;
/** Whether a process is only a launcher script around the real program. @param {number} pid */
export function isWrapper(pid) {
  try {
    return WRAPPERS.test(basename(readlinkSync(`/proc/${pid}/exe`)));
  } catch {
    return false;
  }
}

/** @param {number} root @returns {Member[]} */
function treeOf(root) {
  const rootStat = statOf(root);
  if (!rootStat) return [];
  /** @type {Map<number, Member[]>} */
  const children = new Map();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = statOf(pid);
    if (!stat) continue;
    const siblings = children.get(stat.parent);
    if (siblings) siblings.push({ pid, startedAt: stat.startedAt });
    else children.set(stat.parent, [{ pid, startedAt: stat.startedAt }]);
  }
  const members = [{ pid: root, startedAt: rootStat.startedAt }];
  for (const member of members) members.push(...(children.get(member.pid) ?? []));
  return members;
}

/** @param {number} pid @returns {{ parent: number, startedAt: string } | undefined} nothing for a zombie or a missing process */
function statOf(pid) {
  const path = `/proc/${pid}/stat`;
  if (!existsSync(path)) return undefined;
  try {
    const text = readFileSync(path, 'latin1');
    // The command name is in parentheses and may itself hold spaces and parentheses.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    return { parent: Number(fields[1]), startedAt: fields[19] ?? '' };
  } catch (error) {
    const { code } = /** @type {NodeJS.ErrnoException} */ (error);
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
