import { describe, expect, it } from 'vitest';
import { expectRoute, type explain } from './explain.ts';
import { CONFIG, counting } from './fixture.ts';

describe('expectRoute', () => {
  const of = (request: string, options: Parameters<typeof explain>[2] = {}) =>
    expectRoute(CONFIG, request, { extensions: [counting], ...options });

  it('toReach passes, and gives the explanation', async () => {
    const expected = {
      path: '/u/1',
      host: 'inner',
      route: 'users',
      headers: { 'x-team': 'users', 'x-secret': undefined },
    };
    const seen = await of('http://api.test/users/1', { headers: { 'x-secret': '1' } }).toReach('users', expected);
    expect(seen.route?.name).toBe('users');
  });

  it.each([
    ['http://api.test/users', 'users-v2', {}, 'cluster: expected "users-v2", got "users"'],
    ['http://api.test/users', 'users', { path: '/x' }, 'path: expected "/x", got "/u"'],
    ['http://api.test/users', 'users', { headers: { 'x-team': 'a' } }, 'header x-team: expected "a", got "users"'],
    ['http://api.test/users', 'users', { route: 'v2' }, 'route: expected "v2", got "users"'],
    ['http://api.test/none', 'users', {}, 'outcome: expected "forward", got "no_route"'],
  ])('toReach(%s) fails with the difference and the whole explanation', async (url, name, expected, message) => {
    const failing = of(url).toReach(name, expected);
    await expect(failing).rejects.toThrow(message);
    await expect(failing).rejects.toThrow('virtual host    api: exact "api.test"');
  });

  it('toRedirect compares location and status', async () => {
    await of('http://api.test/old').toRedirect('http://api.test/new', 302);
    await expect(of('http://api.test/old').toRedirect('http://api.test/x')).rejects.toThrow('header location');
    await expect(of('http://api.test/old').toRedirect('http://api.test/new', 301)).rejects.toThrow('status');
  });

  it('toAnswer compares status and body of what the proxy answers itself', async () => {
    await of('http://api.test/health').toAnswer(200, 'ok');
    await of('http://api.test/none').toAnswer(404);
    await of('http://api.test/by-header').toAnswer(503);
    await expect(of('http://api.test/health').toAnswer(200, 'no')).rejects.toThrow('body: expected "no", got "ok"');
    await expect(of('http://api.test/users').toAnswer(200)).rejects.toThrow('status: expected 200, got "forwarded"');
  });
});
