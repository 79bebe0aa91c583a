/** Envoy's `local_reply_config`: changes status, body and head of the replies that this proxy makes itself. */
import type { HttpStream } from '../api/http-stream.ts';
import { type BodyFormat, compileBodyFormat } from '../format/body-format.ts';
import type { FormatContext } from '../format/operator.ts';
import type { ResponseHead } from '../headers/header-map.ts';
import { compileLogFilter, type LogFilter } from '../log-filter/compile.ts';
import { HeaderMutations } from '../routing/header-mutations.ts';
import type { LocalReplySettings, ResponseMapperSettings } from './local-reply-settings.ts';

/** A reply on its way through the mapper. */
export interface MappedReply {
  readonly status: number;
  readonly body: Uint8Array | undefined;
  /** Of the body, unless the head has another one. */
  readonly contentType: string;
}

/** Reads a configured body or format: the whole file, or what the configuration itself holds. */
export type ReadSource = (source: NonNullable<ResponseMapperSettings['body']>) => Uint8Array;

/** A compiled `LocalReplyConfig`, shared by all exchanges of a connection manager. */
export class LocalReplyMapper {
  private readonly mappers: readonly ResponseMapper[];
  private readonly bodyFormat: BodyFormat | undefined;

  /** @throws SyntaxError or TypeError for settings that the configuration schema should have refused. */
  constructor(settings: LocalReplySettings, readSource: ReadSource) {
    this.mappers = settings.mappers.map((each) => new ResponseMapper(each, readSource));
    this.bodyFormat = settings.bodyFormat && bodyFormat(settings.bodyFormat, readSource);
  }

  /**
   * What the reply becomes. `head` has what the maker of the reply set, without `content-length` and without a default
   * `content-type`; the mapper adds its headers to it.
   */
  map(stream: HttpStream, status: number, body: Uint8Array | undefined, head: ResponseHead): MappedReply {
    const context = { responseHeaders: head, responseCode: status };
    const mapper = this.find(stream, context);
    mapper?.headers.applyIn(head, stream, context);
    const mapped = { status: mapper?.status ?? status, body: mapper?.body ?? body, contentType: 'text/plain' };
    head.status = mapped.status;
    const format = mapper?.format ?? this.bodyFormat;
    return format === undefined ? mapped : formatted(format, mapped, stream, head);
  }

  private find(stream: HttpStream, context: FormatContext): ResponseMapper | undefined {
    for (const mapper of this.mappers) if (mapper.applies(stream, context)) return mapper;
    return undefined;
  }
}

function formatted(format: BodyFormat, reply: MappedReply, stream: HttpStream, head: ResponseHead): MappedReply {
  const { status, body } = reply;
  const context: FormatContext = {
    responseHeaders: head,
    responseCode: status,
    localReplyBody: body === undefined ? '' : Buffer.from(body).toString('latin1'),
  };
  const text = format.format(stream, context);
  return { status, body: Buffer.from(text, 'latin1'), contentType: format.contentType };
}

function bodyFormat(settings: NonNullable<LocalReplySettings['bodyFormat']>, readSource: ReadSource): BodyFormat {
  return compileBodyFormat(settings, (source) => Buffer.from(readSource(source)).toString());
}

/** One mapper: the replies that it is for, and what becomes of them. */
class ResponseMapper {
  readonly applies: LogFilter;
  readonly status: number | undefined;
  readonly body: Uint8Array | undefined;
  readonly format: BodyFormat | undefined;
  readonly headers: HeaderMutations;

  constructor(settings: ResponseMapperSettings, readSource: ReadSource) {
    this.applies = compileLogFilter(settings.filter);
    this.status = settings.statusCode;
    this.body = settings.body && readSource(settings.body);
    this.format = settings.bodyFormatOverride && bodyFormat(settings.bodyFormatOverride, readSource);
    this.headers = new HeaderMutations(settings.headersToAdd, []);
  }
}
