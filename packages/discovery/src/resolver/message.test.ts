import { encode } from 'dns-packet';
import { describe, expect, it } from 'vitest';
import { type Question, questionBytes, readReply } from './message.ts';

const question: Question = { name: 'a.example', type: 'A', id: 0x1234 };
const asked = { name: 'A.Example', type: 'A', class: 'IN' } as const;
const record = { name: 'a.example', type: 'A', ttl: 60, data: '192.0.2.1' } as const;
const answer = (change: object = {}): Uint8Array =>
  encode({ type: 'response', id: 0x1234, flags: 0, questions: [asked], answers: [record], ...change });

describe('readReply', () => {
  it('takes the answer to its question, whatever the case of the name', () => {
    const records = [{ address: '192.0.2.1', ttlS: 60 }];
    expect(readReply(answer(), question)).toEqual({ kind: 'addresses', records });
  });

  it.each([
    ['another id', answer({ id: 0x1235 })],
    ['another name', answer({ questions: [{ ...asked, name: 'b.example' }] })],
    ['another type', answer({ questions: [{ ...asked, type: 'AAAA' }] })],
    ['two questions', answer({ questions: [asked, asked] })],
    ['no question', answer({ questions: [] })],
    ['a question', answer({ type: 'query' })],
    ['noise', Buffer.from('noise')],
    ['nothing', Buffer.alloc(0)],
    ['half an answer', answer().slice(0, 40)],
    ['a name that points to itself', Buffer.from('123480000001000000000000c00c00010001', 'hex')],
  ])('takes no message with %s for an answer', (_title, bytes) => {
    expect(readReply(bytes, question)).toBeUndefined();
  });

  it('leaves out records of names that nobody asked for', () => {
    const stray = { ...record, name: 'evil.example', data: '203.0.113.1' };
    expect(readReply(answer({ answers: [stray, record] }), question)).toMatchObject({
      records: [{ address: '192.0.2.1' }],
    });
    expect(readReply(answer({ answers: [stray] }), question)).toEqual({ kind: 'none' });
  });

  it('tells the name where a chain of aliases leaves the answer', () => {
    const alias = { name: 'a.example', type: 'CNAME', ttl: 7, data: 'far.example' };
    expect(readReply(answer({ answers: [alias] }), question)).toEqual({ kind: 'alias', name: 'far.example', ttlS: 7 });
  });

  it.each([
    [2, 'SERVFAIL'],
    [5, 'REFUSED'],
  ])('response code %i is the refusal %s, with or without the question', (flags, code) => {
    for (const questions of [[asked], []]) {
      expect(readReply(answer({ flags, questions, answers: [] }), question)).toEqual({ kind: 'refused', code });
    }
  });

  it('counts a TTL with the highest bit as none', () => {
    const reply = readReply(answer({ answers: [{ ...record, ttl: 0x8000_0000 }] }), question);
    expect(reply).toMatchObject({ records: [{ ttlS: 0 }] });
  });
});

it('questionBytes says how much a datagram may hold', () => {
  const bytes = Buffer.from(questionBytes(question, 1232));
  expect(bytes.readUInt16BE(0)).toBe(0x1234);
  // The OPT record: root name, type 41, size in the place of the class.
  expect(bytes.includes(Buffer.from([0, 0, 41, 1232 >> 8, 1232 & 255]))).toBe(true);
});
