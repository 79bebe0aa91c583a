/** Commands that print header fields and parts of the request target. */

import type { LogSubject } from '../../api/access-log.ts';
import type { Headers, RequestHeaders } from '../../api/headers.ts';
import { HeaderMap } from '../../headers/header-map.ts';
import { isToken } from '../../headers/validate.ts';
import type { FormatContext, Operator, OperatorSpec, OperatorTable } from '../operator.ts';
import { truncated } from '../operator.ts';

type Source = (stream: LogSubject, context: FormatContext) => Headers | undefined;

/** The request head: that of a copy, else the stream's. */
function requestHeaders(stream: LogSubject, context: FormatContext): RequestHeaders {
  return context.requestHeaders ?? stream.requestHeaders;
}

/** The response head: the one that is being made, else the stream's. */
export const responseHeaders: Source = (stream, context) => context.responseHeaders ?? stream.responseHeaders;
/** Likewise for trailers. */
export const responseTrailers: Source = (stream, context) => context.responseTrailers ?? stream.responseTrailers;

/** `NAME(X?Y):N`: header X, else Y, cut after N bytes. Of a repeated header the first line. */
function header(source: Source, withoutQuery = false): OperatorSpec {
  return {
    params: 'required',
    length: true,
    make(argument, length) {
      const [name, other] = headerNames(argument);
      // The usual form; pseudo headers of a request that never came whole are empty and count as missing.
      if (other === '' && length === undefined && !withoutQuery && name[0] !== ':' && name !== 'host' && name !== '') {
        return (stream, context) => {
          const headers = source(stream, context);
          return headers instanceof HeaderMap ? headers.value(name) : headers?.get(name);
        };
      }
      return (stream, context) => {
        const headers = source(stream, context);
        const value = fieldOf(headers, name) ?? fieldOf(headers, other);
        if (value === undefined) return undefined;
        return truncated(withoutQuery ? beforeQuery(value) : value, length);
      };
    },
  };
}

/** A request that was refused before its head was read has empty pseudo headers: they count as missing. */
function fieldOf(headers: Headers | undefined, name: string): string | undefined {
  if (name === '') return undefined;
  const value = headers?.get(name);
  return value === '' && (name[0] === ':' || name === 'host') ? undefined : value;
}

function headerNames(argument: string): [name: string, other: string] {
  const [name = '', other = '', ...more] = argument.split('?');
  if (more.length > 0) {
    throw new SyntaxError(`More than 1 alternative header specified in token: ${argument}`);
  }
  for (const each of [name, other]) {
    if (each === '' || isToken(each.startsWith(':') ? each.slice(1) : each)) continue;
    throw new SyntaxError('Invalid header configuration. Format string contains invalid characters.');
  }
  return [name.toLowerCase(), other.toLowerCase()];
}

function beforeQuery(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

const PATH_SOURCES: Readonly<Record<string, readonly string[]>> = {
  '': ['x-envoy-original-path', ':path'],
  ORIG_OR_PATH: ['x-envoy-original-path', ':path'],
  ORIG: ['x-envoy-original-path'],
  PATH: [':path'],
};

/** `PATH(WQ|NQ:ORIG|PATH|ORIG_OR_PATH):N`. */
const path: OperatorSpec = {
  params: 'optional',
  length: true,
  make(argument, length) {
    const [query = '', source = ''] = argument.split(':');
    if (!['', 'WQ', 'NQ'].includes(query)) {
      throw new SyntaxError(`Invalid PATH option: '${query}', only 'WQ'/'NQ' are allowed`);
    }
    const names = PATH_SOURCES[source];
    if (names === undefined) {
      throw new SyntaxError(`Invalid PATH option: '${source}', only 'ORIG'/'PATH'/'ORIG_OR_PATH' are allowed`);
    }
    return (stream, context) => {
      const target = firstOf(requestHeaders(stream, context), names);
      if (target === undefined) return undefined;
      return truncated(query === 'NQ' ? beforeQuery(target) : target, length);
    };
  },
};

function firstOf(headers: Headers, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = fieldOf(headers, name);
    if (value !== undefined) return value;
  }
  return undefined;
}

/** `QUERY_PARAM(X):N`: the first value of a query parameter, percent-decoded. */
const queryParam: OperatorSpec = {
  params: 'required',
  length: true,
  make: (argument, length) => (stream, context) => {
    const value = queryParameter(requestHeaders(stream, context).path, argument);
    return value === undefined ? undefined : truncated(value, length);
  },
};

function queryParameter(target: string, wanted: string): string | undefined {
  const start = target.indexOf('?');
  if (start < 0) return undefined;
  for (const pair of target.slice(start + 1).split('&')) {
    const equals = pair.indexOf('=');
    if (percentDecode(equals < 0 ? pair : pair.slice(0, equals)) === wanted) {
      return equals < 0 ? '' : percentDecode(pair.slice(equals + 1));
    }
  }
  return undefined;
}

/** Escapes that are none stay as they are. */
function percentDecode(text: string): string {
  return text.replace(/%([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** `QUERY_PARAMS(ORIG|DECODED):N`: the whole query. Envoy prints the same for both. */
const queryParams: OperatorSpec = {
  params: 'optional',
  length: true,
  make(argument, length) {
    if (!['', 'ORIG', 'DECODED'].includes(argument)) {
      throw new SyntaxError(`Invalid QUERY_PARAMS option: '${argument}', only 'ORIG'/'DECODED' are allowed`);
    }
    return (stream, context) => {
      const { path: target } = requestHeaders(stream, context);
      const start = target.indexOf('?');
      return start < 0 ? undefined : truncated(target.slice(start + 1), length);
    };
  },
};

const HOST_SOURCES: Readonly<Record<string, readonly string[]>> = {
  '': ['x-envoy-original-host', ':authority'],
  ORIG_OR_HOST: ['x-envoy-original-host', ':authority'],
  ORIG: ['x-envoy-original-host'],
  HOST: [':authority'],
};

/** `REQUESTED_SERVER_NAME(SNI_ONLY|SNI_FIRST|HOST_FIRST:ORIG|HOST|ORIG_OR_HOST)`. */
const requestedServerName: OperatorSpec = {
  params: 'optional',
  length: true,
  make(argument, length) {
    const [order = '', source = ''] = argument.split(':');
    if (!['', 'SNI_ONLY', 'SNI_FIRST', 'HOST_FIRST'].includes(order)) {
      const allowed = "'SNI_ONLY'/'SNI_FIRST'/'HOST_FIRST'";
      throw new SyntaxError(`Invalid REQUESTED_SERVER_NAME option: '${order}', only ${allowed} are allowed`);
    }
    const names = HOST_SOURCES[source];
    if (names === undefined) {
      const allowed = "'ORIG_OR_HOST'/'HOST'/'ORIG'";
      throw new SyntaxError(`Invalid REQUESTED_SERVER_NAME option: '${source}', only ${allowed} are allowed`);
    }
    const sni: Operator = ({ connection }) => connection.serverName || undefined;
    const host: Operator = (stream, context) => firstOf(requestHeaders(stream, context), names);
    const [first, second] = order === 'HOST_FIRST' ? [host, sni] : order === 'SNI_FIRST' ? [sni, host] : [sni, sni];
    return (stream, context) => {
      const name = first(stream, context) ?? second(stream, context);
      return typeof name === 'string' ? truncated(name, length) : undefined;
    };
  },
};

function byteSize(headers: Headers | undefined, pseudo: readonly string[]): number {
  let size = 0;
  headers?.forEach((name, value) => {
    size += name.length + value.length;
  });
  for (const name of pseudo) size += name.length + (headers?.get(name)?.length ?? -name.length);
  return size;
}

const REQUEST_PSEUDO = [':authority', ':path', ':method', ':scheme'];
const requestHeadersBytes: Operator = (stream, context) => byteSize(requestHeaders(stream, context), REQUEST_PSEUDO);
const responseHeadersBytes: Operator = (stream, context) => byteSize(responseHeaders(stream, context), [':status']);
const responseTrailersBytes: Operator = (stream, context) => byteSize(responseTrailers(stream, context), []);

export const headerOperators: OperatorTable = {
  REQ: header(requestHeaders),
  REQUEST_HEADER: header(requestHeaders),
  STREAM_INFO_REQ: header(requestHeaders),
  RESP: header(responseHeaders),
  RESPONSE_HEADER: header(responseHeaders),
  TRAILER: header(responseTrailers),
  RESPONSE_TRAILER: header(responseTrailers),
  PATH: path,
  QUERY_PARAM: queryParam,
  QUERY_PARAMS: queryParams,
  REQUESTED_SERVER_NAME: requestedServerName,
  REQUEST_HEADERS_BYTES: { params: 'none', length: false, make: () => requestHeadersBytes },
  RESPONSE_HEADERS_BYTES: { params: 'none', length: false, make: () => responseHeadersBytes },
  RESPONSE_TRAILERS_BYTES: { params: 'none', length: false, make: () => responseTrailersBytes },
};

/** Of the extension `envoy.formatter.req_without_query`. */
export const reqWithoutQuery: OperatorTable = { REQ_WITHOUT_QUERY: header(requestHeaders, true) };
