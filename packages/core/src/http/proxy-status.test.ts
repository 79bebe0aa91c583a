import { describe, expect, it } from 'vitest';
import { ResponseFlag } from '../errors.ts';
import { ResponseHead } from '../headers/header-map.ts';
import { addProxyStatus } from './proxy-status.ts';
import type { ProxyStatusPolicy } from './settings.ts';
import type { Stream } from './stream.ts';

const POLICY: ProxyStatusPolicy = { proxyName: 'p', details: true, responseFlags: true, recommendedStatus: false };

function answer(flags: number, policy: Partial<ProxyStatusPolicy> = {}, present?: string): ResponseHead {
  const head = new ResponseHead();
  head.status = 404;
  if (present !== undefined) head.append('proxy-status', present);
  addProxyStatus(head, { flags, details: 'why' } as Stream, { ...POLICY, ...policy });
  return head;
}

describe('addProxyStatus', () => {
  it.each([
    ['NR', ResponseFlag.NR, 'destination_not_found'],
    ['NC', ResponseFlag.NC, 'destination_unavailable'],
    ['UF', ResponseFlag.UF, 'connection_refused'],
    ['UH', ResponseFlag.UH, 'destination_unavailable'],
    ['UT', ResponseFlag.UT, 'http_response_timeout'],
    ['SI', ResponseFlag.SI, 'http_response_timeout'],
    ['UPE', ResponseFlag.UPE, 'http_protocol_error'],
    ['DPE', ResponseFlag.DPE, 'http_request_error'],
  ])('%s', (name, flag, error) => {
    expect(answer(flag).get('proxy-status')).toBe(`p; error=${error}; details="why; ${name}"`);
  });

  it.each([
    [{ responseFlags: false }, 'p; error=destination_not_found; details="why"'],
    [{ details: false }, 'p; error=destination_not_found'],
    [{ proxyName: 'edge' }, 'edge; error=destination_not_found; details="why; NR"'],
  ])('with %j', (policy, expected) => {
    expect(answer(ResponseFlag.NR, policy).get('proxy-status')).toBe(expected);
  });

  it('says nothing of an exchange that went well, and appends to what the upstream said', () => {
    expect(answer(0).has('proxy-status')).toBe(false);
    expect(answer(ResponseFlag.NR, { details: false }, 'up').get('proxy-status')).toBe(
      'up, p; error=destination_not_found',
    );
  });

  it('takes the recommended status only when told to', () => {
    expect(answer(ResponseFlag.NR).status).toBe(404);
    expect(answer(ResponseFlag.NR, { recommendedStatus: true }).status).toBe(500);
    expect(answer(ResponseFlag.UF, { recommendedStatus: true }).status).toBe(502);
  });
});
