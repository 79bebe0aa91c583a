import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../api/clock.ts';
import { createLogger, type LoggerOptions, withLevels } from './log.ts';
import { compileLogFormat } from './log-format.ts';

/** Time that stands still until `advance` runs what is due. */
class ManualClock implements Clock {
  #now = 0;
  #due: { at: number; callback: () => void }[] = [];
  nowMs = (): number => this.#now;
  wallMs = (): number => new Date(2026, 10, 21, 4, 5, 6, 7).getTime() + this.#now;
  schedule = (callback: () => void, delayMs: number): (() => void) => {
    const entry = { at: this.#now + delayMs, callback };
    this.#due.push(entry);
    return () => {
      this.#due = this.#due.filter((other) => other !== entry);
    };
  };
  advance(ms: number): void {
    this.#now += ms;
    const due = this.#due.filter(({ at }) => at <= this.#now);
    this.#due = this.#due.filter(({ at }) => at > this.#now);
    for (const { callback } of due) callback();
  }
}

function collect(options: LoggerOptions = {}) {
  const lines: string[] = [];
  const urgent: boolean[] = [];
  const clock = new ManualClock();
  const logger = createLogger({
    format: '%l %n %v',
    clock,
    write(line, now) {
      lines.push(line);
      urgent.push(now);
    },
    ...options,
  });
  return { logger, lines, urgent, clock };
}

describe('createLogger', () => {
  it('writes one line per entry in the default format of Envoy', () => {
    const { logger, lines } = collect({ format: '[%Y-%m-%d %T.%e][%t][%l][%n] [%g:%#] %v' });
    logger.log('info', 'main', 'starting');
    expect(lines).toEqual([`[2026-11-21 04:05:06.007][${process.pid}][info][main] starting\n`]);
  });

  it('drops what is below the level, and everything when off', () => {
    const { logger, lines } = collect({ level: 'warning' });
    logger.log('info', 'main', 'a');
    logger.log('warning', 'main', 'b');
    logger.setAll('off');
    logger.log('critical', 'main', 'c');
    logger.log('critical', 'unheard-of', 'd');
    expect(lines).toEqual(['warning main b\n']);
  });

  it('lets the level of a component win over the common one', () => {
    const { logger, lines } = collect({ level: 'error', componentLevels: { upstream: 'debug' } });
    logger.log('debug', 'upstream', 'a');
    logger.log('debug', 'http', 'b');
    expect(lines).toEqual(['debug upstream a\n']);
    expect(logger.enabled('debug', 'upstream')).toBe(true);
    expect(logger.enabled('debug', 'http')).toBe(false);
  });

  it('changes levels while it runs and refuses names it does not know', () => {
    const { logger, lines } = collect();
    expect(logger.set('http', 'trace')).toBe(true);
    expect(logger.set('htpp', 'trace')).toBe(false);
    logger.log('trace', 'http', 'a');
    expect(lines).toEqual(['trace http a\n']);
    expect(logger.levels()).toContainEqual(['http', 'trace']);
    expect(logger.levels()).toContainEqual(['router', 'info']);
  });

  it('cannot be made to forge a second line', () => {
    const { logger, lines } = collect();
    logger.log('info', 'main', 'a\n[critical] b\r\x1b[31m\u2028\0');
    expect(lines).toEqual(['info main a\\n[critical] b\\r\\x1b[31m\\x2028\\x00\n']);
  });

  it('never throws, whatever the writer does', () => {
    const { logger } = collect({
      write() {
        throw new Error('disk full');
      },
    });
    expect(() => logger.log('error', 'main', 'a')).not.toThrow();
  });

  it('refuses levels that do not exist', () => {
    expect(() => collect({ level: 'loud' as 'info' })).toThrow("invalid log level 'loud'; levels are trace,");
    expect(() => collect({ componentLevels: { http: 'loud' as 'info' } })).toThrow("invalid log level 'loud'");
  });

  it('writes to a file, and follows it after a rotation', async () => {
    const dir = fs.mkdtempSync(path.join(os.tmpdir(), 'mesh-log-'));
    const file = path.join(dir, 'app.log');
    const logger = createLogger({ path: file, format: '%l %v' });
    logger.log('warning', 'main', 'a');
    fs.renameSync(file, `${file}.1`);
    await logger.reopen();
    logger.log('info', 'main', 'b');
    await logger.close();
    expect(fs.readFileSync(`${file}.1`, 'utf8')).toBe('warning a\n');
    expect(fs.readFileSync(file, 'utf8')).toBe('info b\n');
    fs.rmSync(dir, { recursive: true });
  });

  it('tells the writer which lines are urgent', () => {
    const { logger, urgent } = collect();
    logger.log('info', 'main', 'a');
    logger.log('warning', 'main', 'b');
    expect(urgent).toEqual([false, true]);
  });
});

describe('repeated lines', () => {
  const failure = 'filter acme.filters.http.gate failed: TypeError: bad value of some length';

  it('are cut at the limit and told once, after the second', () => {
    const { logger, lines, clock } = collect({ repeatsPerSecond: 3 });
    for (let index = 0; index < 10; index++) logger.log('error', 'filter', `${failure} ${index}`);
    expect(lines).toHaveLength(3);
    clock.advance(1000);
    expect(lines).toHaveLength(4);
    expect(lines[3]).toBe(`error filter suppressed 7 more lines like this within 1 s: ${failure.slice(0, 48)}\n`);
    clock.advance(5000);
    expect(lines).toHaveLength(4);
  });

  it('flow again in the next second', () => {
    const { logger, lines, clock } = collect({ repeatsPerSecond: 1 });
    logger.log('error', 'filter', failure);
    clock.advance(1000);
    logger.log('error', 'filter', failure);
    expect(lines).toHaveLength(2);
  });

  it('do not silence other lines or levels below warning', () => {
    const { logger, lines } = collect({ repeatsPerSecond: 1 });
    for (let index = 0; index < 5; index++) logger.log('error', 'filter', failure);
    logger.log('error', 'filter', 'filter other failed: x');
    logger.log('warning', 'filter', failure);
    for (let index = 0; index < 5; index++) logger.log('info', 'filter', failure);
    expect(lines).toHaveLength(3 + 5);
  });

  it('are bounded even when every line differs', () => {
    const { logger, lines, clock } = collect({ repeatsPerSecond: 2 });
    for (let index = 0; index < 10_000; index++) logger.log('error', 'filter', `${index} went wrong`);
    expect(lines).toHaveLength(64 + 2);
    clock.advance(1000);
    expect(lines.at(-1)).toContain('suppressed 9934 more lines');
  });
});

describe('withLevels', () => {
  it('filters for a logger that has no levels', () => {
    const seen: string[] = [];
    const logger = withLevels({ log: (level, component, message) => seen.push(`${level} ${component} ${message}`) });
    logger.log('debug', 'http', 'a');
    logger.set('http', 'debug');
    logger.log('debug', 'http', 'b');
    expect(seen).toEqual(['debug http b']);
  });

  it('leaves a logger with levels as it is', () => {
    const { logger } = collect();
    expect(withLevels(logger)).toBe(logger);
  });
});

describe('compileLogFormat', () => {
  const entry = {
    timeMs: new Date(2026, 0, 2, 13, 4, 5, 60).getTime(),
    level: 'warning' as const,
    component: 'http',
    message: 'a"b\nc',
  };
  it.each([
    ['%Y-%m-%d %H:%M:%S.%e', '2026-01-02 13:04:05.060'],
    ['%T.%f|%F', '13:04:05.060000|060000000'],
    ['%a %A %b %B %I %p', 'Fri Friday Jan January 01 PM'],
    ['%L %l %n', 'W warning http'],
    ['%v', 'a"b\\nc'],
    ['%j', 'a\\"b\\nc'],
    ['%%v 100%%', '%v 100%'],
    ['%8n|%-8n|%=8n|%2n', '    http|http    |  http  |http'],
    ['plain', 'plain'],
    ['[%g:%#] %n', 'http'],
  ])('%s', (pattern, line) => {
    expect(compileLogFormat(pattern)(entry)).toBe(`${line}\n`);
  });

  it.each([
    ['%Q', '%Q: there is no such flag'],
    ['%v %', '%: there is no such flag'],
    ['%s', '%s: places in the source are not recorded'],
    ['%constructor %v', '%c: there is no such flag'],
  ])('refuses %s', (pattern, message) => {
    expect(() => compileLogFormat(pattern)).toThrow(message);
  });
});
