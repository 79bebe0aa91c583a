import { describe, expect, it } from 'vitest';
import type { DirectResponseAction } from '../api/route.ts';
import { parsed } from './fixtures/parsed.ts';
import { request } from './fixtures/settings.ts';
import { fakeStream } from './fixtures/stream.ts';

const head = request('/a b?q', 'h.test', ['y', '1']);
const stream = fakeStream({ requestHeaders: head });

function actionOf(direct_response: object): DirectResponseAction {
  return parsed([{ match: { prefix: '/' }, direct_response }]).route(head, stream)?.action as DirectResponseAction;
}

describe('compileDirectResponse', () => {
  it('holds status and body', () => {
    const body = { inline_bytes: Buffer.from('ü').toString('base64') };
    expect(actionOf({ status: 418, body })).toEqual({ kind: 'direct_response', status: 418, body: 'ü' });
    expect(actionOf({ status: 204 }).body).toBe('');
  });

  it.each([
    [200, undefined],
    [201, 'http://h.test/a%20b?q'],
    [299, undefined],
    [300, 'http://h.test/a%20b?q'],
    [399, 'http://h.test/a%20b?q'],
    [400, undefined],
  ])('location of status %i is %s, as in Envoy 1.40', (status, expected) => {
    expect(actionOf({ status }).location?.(head, stream)).toBe(expected);
  });

  // Compared with Envoy 1.40: there is no response code yet, and text has no content type of its own.
  it.each([
    [{ text_format_source: { inline_string: '[%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%REQ(x)%]' } }, '[ü|0|-]', ''],
    [{ json_format: { b: '%LOCAL_REPLY_BODY%' } }, '{"b":"ü"}\n', 'application/json'],
    [{ text_format: '', content_type: 'text/x' }, '', 'text/x'],
  ])('body_format %j makes %j', (body_format, body, contentType) => {
    const action = actionOf({ status: 418, body: { inline_string: 'ü' }, body_format });
    expect(action.format?.(stream)).toEqual({ body, contentType });
  });
});
