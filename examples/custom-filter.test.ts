import { startProxy, startUpstream, testFilter } from '@mesh/testing';
import { expect, it } from 'vitest';
import { gate } from './custom-filter.ts';

const t = testFilter(gate({ keys: { k1: 'ann' } }));

it('gate lets a known key in, and tells the service whose it is', async () => {
  const r = await t.request({ headers: { 'x-api-key': 'k1' }, upstream: { body: 'hello' } });
  expect([r.status, r.body]).toEqual([200, 'hello']);
  expect(r.upstreamRequest?.headers).toMatchObject({ 'x-key-owner': 'ann' });
  expect(r.upstreamRequest?.headers).not.toHaveProperty('x-api-key');
});

it('gate answers 401 itself, and counts', async () => {
  const r = await t.request({ headers: { 'x-api-key': 'guess' } });
  expect([r.status, r.body, r.upstreamRequest]).toEqual([401, 'unknown key\n', undefined]);
  expect(r.transcript.text).toContain('[acme.filters.http.gate] onRequestHeaders GET / end -> reply');
  expect(t.stats('http.ingress_http.gate.denied')).toBe(1);
});

it('gate counts request bytes, in however many chunks they come', async () => {
  const r = await t.request({ method: 'POST', headers: { 'x-api-key': 'k1' }, body: ['12', '345'] });
  expect(r.headers['x-request-bytes']).toBe('5');
});

it('gate does not take the word of a client, also on an open route', async () => {
  const routeConfig = { [gate.name]: { open: true } };
  const r = await t.request({ headers: { 'x-key-owner': 'ann' }, routeConfig });
  expect(r.status).toBe(200);
  expect(r.upstreamRequest?.headers).not.toHaveProperty('x-key-owner');
});

it('gate reads its config from YAML too', async () => {
  const typedConfig = { header: 'authorization', keys: { secret: 'bob' } };
  const yaml = testFilter({ name: gate.name, typedConfig }, { extensions: [gate] });
  expect((await yaml.request({ headers: { authorization: 'secret' } })).status).toBe(200);
  expect((await yaml.request()).status).toBe(401);
});

it('gate refuses a config that is wrong, and says where', () => {
  // @ts-expect-error keys is required
  expect(() => gate({})).toThrow(/keys/);
});

it('gate works in a live proxy', async () => {
  const upstream = await startUpstream({ body: 'hello' });
  const proxy = await startProxy({ filters: [gate({ keys: { k1: 'ann' } })], upstream });
  expect((await fetch(proxy.url)).status).toBe(401);
  expect(await (await fetch(proxy.url, { headers: { 'x-api-key': 'k1' } })).text()).toBe('hello');
  await proxy.close();
  await upstream.close();
});
