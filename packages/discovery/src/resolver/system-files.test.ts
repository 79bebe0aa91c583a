import { describe, expect, it } from 'vitest';
import { candidates, parseHosts, parseResolvConf } from './system-files.ts';

describe('parseHosts', () => {
  const file = parseHosts(
    '127.0.0.1 localhost\n::1 localhost\n10.0.0.1  Db db.local # main\nnonsense db\n10.0.0.2 db\n',
  );

  it.each([
    ['db', ['10.0.0.1', '10.0.0.2']],
    ['DB.local.', ['10.0.0.1']],
    ['main', undefined],
    ['localhost', ['127.0.0.1', '::1']],
    ['app.localhost', ['127.0.0.1', '::1']],
    ['other', undefined],
  ])('of %s', (name, addresses) => {
    expect(file.of(name)).toEqual(addresses);
  });
});

describe('parseResolvConf', () => {
  it.each([
    ['', [], 1],
    ['nameserver 10.0.0.1\nsearch a.example b.example.\noptions ndots:5 timeout:1', ['a.example', 'b.example'], 5],
    ['search a.example\ndomain b.example', ['b.example'], 1],
    ['search a b c d e f g', ['a', 'b', 'c', 'd', 'e', 'f'], 1],
    ['options ndots:99\n; search x\n# search y', [], 15],
  ])('reads %j', (text, search, ndots) => {
    expect(parseResolvConf(text)).toEqual({ search, ndots });
  });
});

it('candidates leaves out names that would be too long', () => {
  const long = `${'a'.repeat(60)}.`.repeat(4).slice(0, -1);
  expect(candidates(long, { search: ['example.com'], ndots: 1 })).toEqual([long]);
});
