/** Hostile bytes: noise, and cases of the wire corpus with a few things changed. */
import fc from 'fast-check';
import { requestCases } from '../wire/cases.ts';

/** Cases small enough to be mutated by the thousand. */
const CORPUS = requestCases.map((c) => c.raw).filter((raw) => raw.length > 0 && raw.length < 2000);

const SPECIAL = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ';',
  ',',
  '\x7f',
  '\x80',
  '\xff',
  '0',
  '0\r\n\r\n',
  'Host: x\r\n',
  'Content-Length: 1\r\n',
  'Transfer-Encoding: chunked\r\n',
];

type Edit = (text: string) => string;

const position = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
const at = (text: string, where: number) => Math.floor(where * (text.length + 1));

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(position, fc.constantFrom(...SPECIAL)).map(
    ([where, what]): Edit =>
      (text) => {
        const i = at(text, where);
        return text.slice(0, i) + what + text.slice(i);
      },
  ),
  fc.tuple(position, fc.integer({ min: 0, max: 255 })).map(
    ([where, code]): Edit =>
      (text) => {
        const i = at(text, where);
        return text.slice(0, i) + String.fromCharCode(code) + text.slice(i + 1);
      },
  ),
  fc.tuple(position, fc.integer({ min: 1, max: 20 })).map(
    ([where, count]): Edit =>
      (text) => {
        const i = at(text, where);
        return text.slice(0, i) + text.slice(i + count);
      },
  ),
  fc.tuple(position, position, fc.integer({ min: 1, max: 60 })).map(
    ([from, to, count]): Edit =>
      (text) => {
        const copied = text.slice(at(text, from), at(text, from) + count);
        const i = at(text, to);
        return text.slice(0, i) + copied + text.slice(i);
      },
  ),
  fc.tuple(position, fc.constantFrom(...CORPUS)).map(
    ([where, other]): Edit =>
      (text) => {
        return text.slice(0, at(text, where)) + other.slice(at(other, where));
      },
  ),
);

const mutated = fc
  .tuple(fc.constantFrom(...CORPUS), fc.array(edit, { maxLength: 4 }))
  .map(([raw, edits]) => edits.reduce((text, change) => change(text), raw));

const noise = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** Latin-1 text: mostly mutated requests, sometimes noise. */
export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 9, arbitrary: mutated },
  { weight: 1, arbitrary: noise },
);

/** Sizes of the pieces in which a text is sent, used in turn. */
export const sizes: fc.Arbitrary<number[]> = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });
