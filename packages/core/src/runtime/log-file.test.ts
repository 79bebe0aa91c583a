import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openLogFile } from './log-file.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-log-'));
  file = path.join(dir, 'app.log');
});
afterEach(() => fs.rmSync(dir, { recursive: true }));

const content = (): string => fs.readFileSync(file, 'utf8');

it('openLogFile appends, and writes urgent lines at once', async () => {
  fs.writeFileSync(file, 'old\n');
  const log = openLogFile(file);
  log.write('calm\n', false);
  log.write('urgent\n', true);
  await vi.waitFor(() => expect(content()).toBe('old\ncalm\nurgent\n'));
  await log.close();
});

it('openLogFile writes the others after the interval', async () => {
  const log = openLogFile(file, { flushIntervalMs: 5 });
  log.write('calm\n', false);
  await vi.waitFor(() => expect(content()).toBe('calm\n'));
  await log.close();
});

it('close writes all that is buffered, in order', async () => {
  const log = openLogFile(file);
  const lines = Array.from({ length: 5000 }, (_, index) => `line ${index}\n`);
  for (const [index, line] of lines.entries()) log.write(line, index % 1000 === 0);
  await log.close();
  expect(content()).toBe(lines.join(''));
  expect(log.dropped).toBe(0);
});

it('reopen follows a rotated file and loses no line', async () => {
  const log = openLogFile(file);
  log.write('before\n', true);
  fs.renameSync(file, `${file}.1`);
  await log.reopen();
  log.write('after\n', true);
  await log.close();
  expect(fs.readFileSync(`${file}.1`, 'utf8')).toBe('before\n');
  expect(content()).toBe('after\n');
});

it('reopen keeps the old file when the path cannot be opened', async () => {
  const log = openLogFile(file);
  fs.renameSync(dir, `${dir}-away`);
  await expect(log.reopen()).rejects.toThrow('ENOENT');
  log.write('still here\n', true);
  await log.close();
  fs.renameSync(`${dir}-away`, dir);
  expect(content()).toBe('still here\n');
});

it('openLogFile throws when the path cannot be opened', () => {
  expect(() => openLogFile(path.join(dir, 'none', 'app.log'))).toThrow('ENOENT');
});

it('a pipe that nobody empties costs a bounded buffer and counted lines, and does not hold up close', async () => {
  execFileSync('mkfifo', [file]);
  const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const log = openLogFile(file);
  const line = `${'x'.repeat(999)}\n`;
  for (let index = 0; index < 3000; index++) log.write(line, true);
  expect(log.dropped).toBeGreaterThan(1000);
  const before = log.dropped;
  await log.close();
  expect(log.dropped).toBeGreaterThan(before);
  fs.closeSync(reader);
});

it('close goes on with what a pipe took in part only', async () => {
  execFileSync('mkfifo', [file]);
  const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
  const log = openLogFile(file);
  const text = `${'x'.repeat(99_999)}\n`;
  log.write(text, true);
  const closed = log.close();
  // The pipe holds 64 KiB: they are taken before the log hears that no more went in.
  const parts = [read(reader, 65_536)];
  await closed;
  parts.push(read(reader, text.length - (parts[0] as string).length));
  fs.closeSync(reader);
  expect([parts.join('').length, log.dropped]).toEqual([text.length, 0]);
});

/** Reads at least `length` bytes, of a pipe that is being written to. */
function read(pipe: number, length: number): string {
  const bytes = Buffer.alloc(100_000);
  const untilMs = Date.now() + 5000;
  let text = '';
  while (text.length < length && Date.now() < untilMs) {
    try {
      text += bytes.toString('latin1', 0, fs.readSync(pipe, bytes));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
  return text;
}
