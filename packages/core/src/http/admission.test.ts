/** What a request looks like when the first filter sees it. The expectations are the answers of Envoy 1.40. */
import { describe, expect, it } from 'vitest';
import type { HttpFilter } from '../api/http-filter.ts';
import type { TerminalStream } from '../api/http-stream.ts';
import { TestClient } from './fixtures/client.ts';

interface Seen {
  readonly fields: Readonly<Record<string, string>>;
  readonly clientIp: string;
  readonly answer: string;
}

function seen(written: object, fields: string, context = {}): Seen {
  let head: Record<string, string> = {};
  let clientIp = '';
  const terminal: HttpFilter<never, TerminalStream> = {
    onRequestHeaders(headers, stream) {
      head = Object.fromEntries([...headers.entries(), [':scheme', headers.scheme]]);
      clientIp = stream.info.clientIp;
      stream.reply(200);
    },
  };
  const client = new TestClient(written, { terminal, context });
  client.get('/', fields);
  return { fields: head, clientIp, answer: client.take() };
}

const type = (name: string) => `type.googleapis.com/envoy.extensions.http.original_ip_detection.${name}`;
const range = (prefix: string) => ({ address_prefix: prefix, prefix_len: 8 });
const internal = { internal_address_config: { cidr_ranges: [range('10.0.0.0')] } };
const xff = (more: object) => ({
  original_ip_detection_extensions: [{ name: 'x', typed_config: { '@type': type('xff.v3.XffConfig'), ...more } }],
  ...internal,
});
const custom = (more: object) => ({
  original_ip_detection_extensions: [
    {
      name: 'x',
      typed_config: { '@type': type('custom_header.v3.CustomHeaderConfig'), header_name: 'X-Ip', ...more },
    },
  ],
  ...internal,
});

describe('original_ip_detection_extensions', () => {
  const trusting = { xff_trusted_cidrs: { cidrs: [range('192.0.0.0'), range('10.0.0.0')] } };
  it.each([
    ['the last address', xff({}), '10.0.0.9, 9.9.9.9', '9.9.9.9', undefined],
    ['a hop further', xff({ xff_num_trusted_hops: 1 }), '10.0.0.9, 9.9.9.9', '10.0.0.9', undefined],
    ['the peer, of a list too short', xff({ xff_num_trusted_hops: 1 }), '10.0.0.9', '192.0.2.1', undefined],
    ['an internal client that stands alone', xff({}), '10.0.0.9', '10.0.0.9', 'true'],
    ['the last that is not trusted', xff(trusting), '9.9.9.9, 8.8.8.8, 10.0.0.9', '8.8.8.8', undefined],
    ['the first, when all are trusted', xff(trusting), '10.0.0.8, 10.0.0.9', '10.0.0.8', undefined],
    ['the peer, when junk stands in between', xff(trusting), '8.8.8.8, junk, 10.0.0.9', '192.0.2.1', undefined],
  ])('xff: %s', (_case, written, list, ip, isInternal) => {
    const { clientIp, fields } = seen(written, `x-forwarded-for: ${list}\r\n`);
    expect([clientIp, fields['x-envoy-internal']]).toEqual([ip, isInternal]);
    expect(fields['x-forwarded-for']).toBe(list);
  });

  it('xff: appends the peer when told to, and always when the peer is not trusted', () => {
    const line = 'x-forwarded-for: 9.9.9.9\r\n';
    expect(seen(xff({ skip_xff_append: false }), line).fields['x-forwarded-for']).toBe('9.9.9.9,192.0.2.1');
    const stranger = seen(xff({ xff_trusted_cidrs: { cidrs: [range('10.0.0.0')] } }), line);
    expect([stranger.fields['x-forwarded-for'], stranger.clientIp]).toEqual(['9.9.9.9,192.0.2.1', '192.0.2.1']);
  });

  it('custom header: is trusted only when told so', () => {
    const line = 'x-ip: 10.1.2.3\r\n';
    expect(seen(custom({}), line)).toMatchObject({ clientIp: '10.1.2.3' });
    expect(seen(custom({}), line).fields).not.toHaveProperty('x-envoy-internal');
    const trusted = custom({ allow_extension_to_set_address_as_trusted: true });
    expect(seen(trusted, line).fields).toHaveProperty('x-envoy-internal', 'true');
  });

  it.each([
    [{ code: 401 }, '', '401 Unauthorized'],
    [{ code: 'NotFound' }, 'x-ip: 10.1.2.3:80\r\n', '404 Not Found'],
    [{ code: 200 }, 'x-ip: junk\r\n', '403 Forbidden'],
  ])('custom header: refuses with %j', (status, line, answer) => {
    expect(seen(custom({ reject_with_status: status }), line).answer).toContain(`HTTP/1.1 ${answer}\r\n`);
    expect(seen(custom({}), line)).toMatchObject({ clientIp: '192.0.2.1' });
  });
});

describe('fields that are added on demand', () => {
  const node = { node: { id: 'nid', cluster: 'ncl' } };
  it('add_user_agent names this proxy, and leaves the client its user-agent', () => {
    const added = { 'x-envoy-downstream-service-cluster': 'ncl', 'x-envoy-downstream-service-node': 'nid' };
    expect(seen({ add_user_agent: true }, '', node).fields).toMatchObject({ ...added, 'user-agent': 'ncl' });
    expect(seen({ add_user_agent: true }, 'user-agent: me\r\n', node).fields).toMatchObject({ 'user-agent': 'me' });
  });

  it.each([
    ['is kept without use_remote_address', {}, '99'],
    ['is overwritten at the edge', { use_remote_address: true }, '80'],
    ['is kept behind a trusted hop', { use_remote_address: true, xff_num_trusted_hops: 1 }, '99'],
  ])('x-forwarded-port %s', (_case, more, port) => {
    const { fields } = seen({ append_x_forwarded_port: true, ...more }, 'x-forwarded-port: 99\r\n');
    expect(fields['x-forwarded-port']).toBe(port);
    expect(seen({ append_x_forwarded_port: true, ...more }, '').fields['x-forwarded-port']).toBe('80');
  });

  it('via goes behind what is there, in request and response', () => {
    const { fields, answer } = seen({ via: 'me' }, 'via: 1\r\nvia: 2\r\n');
    expect(fields.via).toBe('1,2, me');
    expect(answer).toContain('\r\nvia: me\r\n');
  });

  it('the scheme comes from x-forwarded-proto unless it is overwritten', () => {
    expect(seen({}, 'x-forwarded-proto: HTTPS\r\n').fields).toMatchObject({ ':scheme': 'https' });
    expect(seen({}, 'x-forwarded-proto: ftp\r\n').fields).toMatchObject({ ':scheme': 'http' });
    const written = { scheme_header_transformation: { scheme_to_overwrite: 'https' } };
    const { fields } = seen(written, 'x-forwarded-proto: http\r\n');
    expect(fields).toMatchObject({ ':scheme': 'https', 'x-forwarded-proto': 'https' });
  });
});

describe('request ids', () => {
  const edge = { use_remote_address: true, preserve_external_request_id: true };
  const sampled = 'x-request-id: a0000000-0000-9000-8000-000000000000\r\n';
  const unpacked = {
    request_id_extension: {
      typed_config: {
        '@type': 'type.googleapis.com/envoy.extensions.request_id.uuid.v3.UuidRequestIdConfig',
        pack_trace_reason: false,
      },
    },
  };
  it.each([
    ['loses its trace reason at the edge', edge, sampled, 'a0000000-0000-4000-8000-000000000000'],
    ['keeps it without pack_trace_reason', { ...edge, ...unpacked }, sampled, 'a0000000-0000-9000-8000-000000000000'],
    ['that is no UUID stays', edge, 'x-request-id: foo\r\nx-request-id: bar\r\n', 'foo,bar'],
  ])('one from outside %s', (_case, written, line, id) => {
    expect(seen(written, line).fields['x-request-id']).toBe(id);
  });

  it('an empty one is none', () => {
    expect(seen({}, 'x-request-id: \r\n').fields['x-request-id']).toHaveLength(36);
  });

  it('goes back to an internal client that forces a trace', () => {
    const force = 'x-envoy-force-trace: true\r\n';
    expect(seen(internal, `x-forwarded-for: 10.0.0.1\r\n${force}`).answer).toContain('\r\nx-request-id: ');
    expect(seen(internal, force).answer).not.toContain('x-request-id');
  });
});
