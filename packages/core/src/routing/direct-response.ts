/** Answers that the configuration itself holds, compiled. */
import type { RequestHeaders } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { DirectResponseAction } from '../api/route.ts';
import { type BodyFormatSettings, compileBodyFormat } from '../format/body-format.ts';
import { textOfWire } from '../format/value.ts';
import type { DirectResponseSettings } from './action-settings.ts';
import { legalTarget } from './legal-target.ts';
import type { BodySource } from './settings.ts';
import { wireText } from './text.ts';

/** Compiles a direct response; its body is read now. */
export function compileDirectResponse(
  settings: DirectResponseSettings,
  read: (source: BodySource) => string,
): DirectResponseAction {
  const { status, bodyFormat } = settings;
  const body = settings.body === undefined ? '' : read(settings.body);
  const located = status === 201 || (status >= 300 && status < 400);
  return {
    kind: 'direct_response',
    status,
    body,
    ...(bodyFormat && { format: formatter(bodyFormat, body, read) }),
    ...(located && { location: ownUrl }),
  };
}

/** The body stands for `%LOCAL_REPLY_BODY%`; there is no response code yet, as in Envoy. */
function formatter(
  settings: BodyFormatSettings,
  body: string,
  read: (source: BodySource) => string,
): NonNullable<DirectResponseAction['format']> {
  const format = compileBodyFormat(settings, read);
  const context = { localReplyBody: wireText(body) };
  return (stream: HttpStream) => ({
    body: textOfWire(format.format(stream, context)),
    contentType: format.ownContentType ? format.contentType : '',
  });
}

/** Envoy's answer to where such a response leads: to the request itself. */
function ownUrl(headers: RequestHeaders): string {
  return legalTarget(`${headers.scheme}://${headers.authority}${headers.path}`);
}
