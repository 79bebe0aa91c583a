import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { type LogStream, streamSink } from './log-stream.ts';

class SlowStream extends EventEmitter implements LogStream {
  writableLength = 0;
  readonly written: string[] = [];
  write(text: string): boolean {
    this.written.push(text);
    this.writableLength += text.length;
    return false;
  }
}

const line = `${'x'.repeat(1023)}\n`;

it('streamSink drops and counts what a slow reader does not take, and tells it later', () => {
  const stream = new SlowStream();
  const sink = streamSink(stream);
  for (let index = 0; index < 1030; index++) sink.write(line, true);
  expect(stream.written).toHaveLength(1024);
  expect(sink.dropped).toBe(6);
  stream.writableLength = 0;
  sink.write('again\n', true);
  expect(stream.written.slice(1024)).toEqual(['(6 lines were dropped here: the reader was too slow)\n', 'again\n']);
});

it('streamSink survives a reader that is gone, also after close', async () => {
  const stream = new SlowStream();
  const sink = streamSink(stream);
  expect(streamSink(stream)).toBe(sink);
  stream.emit('error', new Error('EPIPE'));
  sink.write(line, true);
  expect(stream.written).toEqual([]);
  expect(sink.dropped).toBe(1);
  await sink.close();
  expect(() => stream.emit('error', new Error('EPIPE'))).not.toThrow();
});
