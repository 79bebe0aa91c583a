import { expect, it } from 'vitest';
import { systemLookup } from './index.ts';
import { errorCode } from './lookup.ts';

it.each([false, true])('systemLookup knows localhost (withTtl %s)', async (withTtl) => {
  const records = await systemLookup('localhost', { family: 'V4_ONLY', withTtl });
  expect(records).toEqual([{ address: '127.0.0.1' }]);
});

it('systemLookup joins calls for the same name', async () => {
  const query = { family: 'V4_ONLY', withTtl: false } as const;
  const answers = await Promise.all(Array.from({ length: 20 }, () => systemLookup('localhost', query)));
  expect(new Set(answers).size).toBe(1);
});

it('errorCode tells the code, or the text where there is none', () => {
  expect(errorCode(Object.assign(new Error('x'), { code: 'EAI_AGAIN' }))).toBe('EAI_AGAIN');
  expect(errorCode(new Error('broken'))).toBe('Error: broken');
});
