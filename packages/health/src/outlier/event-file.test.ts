import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MeshError, openLogFile } from '@mesh/core';
import { afterEach, describe, expect, it } from 'vitest';
import { EventFile } from './event-file.ts';

const files = { open: (path: string) => openLogFile(path) };

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'mesh-events-'));
  cleanups.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe('EventFile', () => {
  it('refuses a path that cannot be opened, and makes the file before there is an event', () => {
    const path = join(folder(), 'events.log');
    new EventFile(path, files, () => {});
    expect(readFileSync(path, 'utf8')).toBe('');
    const missing = join(folder(), 'none', 'events.log');
    expect(() => new EventFile(missing, files, () => {})).toThrow(MeshError);
  });

  it('says once that the file has gone, and loses what follows', () => {
    const where = folder();
    const problems: string[] = [];
    const file = new EventFile(join(where, 'events.log'), files, (problem) => problems.push(problem));
    rmSync(where, { recursive: true });
    for (let index = 0; index < 3; index++) file.write('{}');
    expect(problems).toHaveLength(1);
    file.close();
  });
});
