import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { filesystemStats, StatsStore } from '../stats/index.ts';
import { SharedLogFiles } from './log-files.ts';

let dir: string;
let file: string;
beforeEach(() => {
  dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-files-'));
  file = path.join(dir, 'a.log');
});
afterEach(() => fs.rmSync(dir, { recursive: true, force: true }));

const clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  schedule(callback: () => void, delayMs: number) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

function counted(flushIntervalMs = 10_000) {
  const scope = new StatsStore().scope('');
  const metrics = { ...filesystemStats(scope.scope('filesystem.')), dropped: scope.counter('access_logs.dropped') };
  const files = new SharedLogFiles({ clock, flushIntervalMs, metrics });
  const values = () => Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]));
  return { files, values };
}

describe('SharedLogFiles', () => {
  it('opens a path once, however many write to it; the last one to leave closes it', async () => {
    const { files } = counted();
    const [one, two] = [files.open(file), files.open(file)];
    one.write('1\n', false);
    await one.close();
    await one.close();
    two.writeWire('2\n');
    await two.close();
    expect(fs.readFileSync(file, 'utf8')).toBe('1\n2\n');
  });

  it('takes text and wire form: UTF-8 either way', async () => {
    const { files } = counted();
    const log = files.open(file);
    log.write('é\n', false);
    log.writeWire(Buffer.from('ü\n').toString('latin1'));
    await log.close();
    expect(fs.readFileSync(file, 'utf8')).toBe('é\nü\n');
  });

  it('counts as Envoy does', async () => {
    const { files, values } = counted(5);
    const log = files.open(file);
    log.writeWire('12345\n');
    log.writeWire('67890\n');
    expect(values()).toMatchObject({ write_buffered: 2, write_total_buffered: 12, write_completed: 0 });
    await vi.waitFor(() =>
      expect(values()).toEqual({
        write_buffered: 2,
        write_completed: 1,
        write_failed: 0,
        write_total_buffered: 0,
        flushed_by_timer: 1,
        reopen_failed: 0,
        dropped: 0,
      }),
    );
    await log.close();
  });

  it.each([
    ['a folder that is not there', () => path.join(dir, 'no', 'a.log'), 'No such file or directory'],
    ['a folder', () => dir, 'Is a directory'],
    ['a file in the place of a folder', () => path.join('/dev/null', 'a.log'), 'Not a directory'],
  ])('says in Envoy’s words why it cannot open %s', (_, at, reason) => {
    const { files } = counted();
    expect(() => files.open(at())).toThrow(`unable to open file '${at()}': ${reason}`);
  });

  it('a full disk costs the lines and is counted', async () => {
    const { files, values } = counted();
    const log = files.open('/dev/full');
    for (let line = 0; line < 3; line++) log.write('lost\n', true);
    await vi.waitFor(() => expect(values()).toMatchObject({ dropped: 3, write_completed: 0, write_total_buffered: 0 }));
    expect(values().write_failed).toBeGreaterThan(0);
    expect(log.dropped).toBe(3);
    await log.close();
  });

  it('a pipe that nobody empties costs a bounded buffer, counted lines, and no wait', async () => {
    execFileSync('mkfifo', [file]);
    const reader = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK);
    const { files, values } = counted();
    const log = files.open(file);
    const line = `${'x'.repeat(999)}\n`;
    for (let index = 0; index < 3000; index++) log.writeWire(line);
    expect(values().dropped).toBeGreaterThan(1000);
    expect(values().write_total_buffered).toBeLessThanOrEqual(1_048_576);
    await log.close();
    expect(values().write_total_buffered).toBe(0);
    fs.closeSync(reader);
  });

  it('reopens all; what cannot be opened goes on with the old file and is counted', async () => {
    const { files, values } = counted();
    const other = path.join(dir, 'sub', 'b.log');
    fs.mkdirSync(path.dirname(other));
    const [a, b] = [files.open(file), files.open(other)];
    fs.renameSync(file, `${file}.1`);
    fs.rmSync(path.dirname(other), { recursive: true });
    await expect(files.reopen()).rejects.toThrow(`unable to open file '${other}': No such file or directory`);
    a.write('new\n', true);
    b.write('nowhere\n', true);
    await files.close();
    expect(fs.readFileSync(file, 'utf8')).toBe('new\n');
    expect(values()).toMatchObject({ reopen_failed: 1, dropped: 0 });
  });

  it.each(['a socket', 'a pipe'])('/dev/stdout may be %s', async (kind) => {
    const script = path.join(dir, 'child.mts');
    const from = path.join(import.meta.dirname, 'log-files.ts');
    fs.writeFileSync(
      script,
      `import { SharedLogFiles } from ${JSON.stringify(from)};
       import { systemClock } from ${JSON.stringify(path.join(import.meta.dirname, 'clock.ts'))};
       const files = new SharedLogFiles({ clock: systemClock });
       const log = files.open('/dev/stdout');
       log.writeWire('one\\n');
       log.write('two\\n', true);
       await files.reopen();
       log.writeWire('three\\n');
       await files.close();`,
    );
    const args = ['--conditions=@mesh/source', '--import', 'tsx', script];
    let text = '';
    if (kind === 'a pipe') text = execFileSync(process.execPath, args, { encoding: 'utf8' });
    else {
      const server = net.createServer({ pauseOnConnect: true }, (socket) => {
        spawn(process.execPath, args, { stdio: ['ignore', socket, 'inherit'] });
        socket.destroy();
      });
      server.listen(path.join(dir, 'out.sock'));
      await once(server, 'listening');
      const client = net.connect(path.join(dir, 'out.sock'));
      client.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      await once(client, 'end');
      client.destroy();
      server.close();
    }
    expect(text).toBe('one\ntwo\nthree\n');
  });
});
