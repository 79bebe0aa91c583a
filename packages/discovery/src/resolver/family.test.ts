import { expect, it } from 'vitest';
import { askedFamily, chooseRecords, type LookupFamily } from './family.ts';

const v4 = { address: '192.0.2.1' };
const v6 = { address: '2001:db8::1' };

it.each<[LookupFamily, 0 | 4 | 6, string[], string[], string[]]>([
  ['AUTO', 0, ['2001:db8::1'], ['192.0.2.1'], ['2001:db8::1']],
  ['V4_PREFERRED', 0, ['192.0.2.1'], ['192.0.2.1'], ['2001:db8::1']],
  ['V4_ONLY', 4, ['192.0.2.1'], ['192.0.2.1'], []],
  ['V6_ONLY', 6, ['2001:db8::1'], [], ['2001:db8::1']],
  ['ALL', 0, ['192.0.2.1', '2001:db8::1'], ['192.0.2.1'], ['2001:db8::1']],
])('%s asks for family %d and chooses', (family, asked, ofBoth, ofV4, ofV6) => {
  const chosen = (records: { address: string }[]) => chooseRecords(records, family).map(({ address }) => address);
  expect(askedFamily(family)).toBe(asked);
  expect(chosen([v4, v6])).toEqual(ofBoth);
  expect(chosen([v4])).toEqual(ofV4);
  expect(chosen([v6])).toEqual(ofV6);
  expect(chosen([])).toEqual([]);
});

it('chooseRecords drops doubles and what is no address', () => {
  expect(chooseRecords([v4, v4, { address: 'evil' }], 'ALL')).toEqual([v4]);
});
