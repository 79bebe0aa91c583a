/** One header that configuration adds: its name, its value (which may be a format), and what happens to the old one. */
import type { Headers } from '../api/headers.ts';
import type { HttpStream } from '../api/http-stream.ts';
import type { Format } from '../format/format.ts';
import { compileHeaderFormat, legalValue } from '../format/header-format.ts';
import { type FormatContext, NO_CONTEXT } from '../format/operator.ts';
import { checkField } from '../headers/validate.ts';
import type { HeaderAdditionSettings } from './settings.ts';

type AppendAction = NonNullable<HeaderAdditionSettings['appendAction']>;

/** A compiled `HeaderValueOption`. */
export class HeaderAddition {
  readonly name: string;
  readonly action: AppendAction;
  readonly isLiteral: boolean;
  /** An empty literal that is not to be kept adds nothing. */
  readonly isNothing: boolean;
  /** Appending makes the one line longer instead of adding another. */
  private readonly joins: boolean;
  private readonly text: string;
  private readonly value: Format;
  private readonly keepEmpty: boolean;

  /**
   * @throws TypeError for a name or value that is no legal field, SyntaxError for a value that is no format
   */
  constructor(settings: HeaderAdditionSettings) {
    const { key, value } = settings.header;
    this.value = compileHeaderFormat(value);
    this.isLiteral = this.value.isLiteral;
    // A literal does not look at the stream.
    this.text = this.isLiteral ? this.value.format(undefined as unknown as HttpStream) : '';
    this.name = HeaderAddition.nameOf(key, this.text);
    this.action = appendActionOf(settings);
    this.joins = JOINED.has(this.name);
    this.keepEmpty = settings.keepEmptyValue;
    this.isNothing = this.isLiteral && this.text === '' && !this.keepEmpty;
  }

  /** The lower-case form of a name that may be changed. @throws TypeError for other names. */
  static nameOf(written: string, value = ''): string {
    const name = written.toLowerCase();
    if (name.startsWith(':') || name === 'host') throw new TypeError(':-prefixed or host headers may not be modified');
    return checkField(name, value);
  }

  get overwrites(): boolean {
    return this.action === 'OVERWRITE_IF_EXISTS' || this.action === 'OVERWRITE_IF_EXISTS_OR_ADD';
  }

  /** Whether it depends on the head having the header. */
  get isConditional(): boolean {
    return this.action === 'OVERWRITE_IF_EXISTS' || this.action === 'ADD_IF_ABSENT';
  }

  /** The value for this exchange; `undefined` when nothing is to be added. */
  valueFor(headers: Headers, stream: HttpStream, context: FormatContext = NO_CONTEXT): string | undefined {
    if (this.isConditional && headers.has(this.name) !== this.overwrites) return undefined;
    if (this.isLiteral) return this.text;
    const value = legalValue(this.value.format(stream, context));
    return value === '' && !this.keepEmpty ? undefined : value;
  }

  /** Writes the header, without asking whether it is to be written. */
  put(headers: Headers, value: string = this.text): void {
    if (this.overwrites) headers.set(this.name, value);
    else if (this.joins && headers.has(this.name)) {
      headers.set(this.name, `${headers.getAll(this.name).join(',')},${value}`);
    } else headers.append(this.name, value);
  }
}

/** Headers of which Envoy keeps a single line; other names get one more line (`set-cookie`, names of the user's own). */
const JOINED: ReadonlySet<string> = new Set(
  `accept accept-encoding access-control-allow-headers access-control-allow-origin access-control-expose-headers
  access-control-request-headers access-control-request-method age authorization cache-control content-encoding
  content-type etag expect expires grpc-accept-encoding grpc-message grpc-status grpc-timeout if-match
  if-modified-since if-none-match if-range last-modified location origin pragma proxy-status referer te user-agent vary
  via x-client-trace-id x-envoy-attempt-count x-envoy-decorator-operation x-envoy-degraded x-envoy-external-address
  x-envoy-internal x-envoy-original-host x-envoy-original-path x-envoy-ratelimited x-envoy-upstream-rq-timeout-ms
  x-envoy-upstream-service-time x-forwarded-client-cert x-forwarded-for x-forwarded-host x-forwarded-port
  x-forwarded-proto x-request-id`.split(/\s+/),
);

/** The deprecated `append` comes with the first action only, and then says what to do. */
function appendActionOf({ append, appendAction = 'APPEND_IF_EXISTS_OR_ADD' }: HeaderAdditionSettings): AppendAction {
  return append === false ? 'OVERWRITE_IF_EXISTS_OR_ADD' : appendAction;
}
