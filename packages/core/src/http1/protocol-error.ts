/** Every way in which an HTTP/1 message can be refused: the answer's status and Envoy's response code details. */

/** One reason for refusing a message. `status` is what a client gets; for upstream responses it is always a 502. */
export interface ProtocolError {
  readonly status: number;
  /** Envoy's `RESPONSE_CODE_DETAILS` (section 6.4 of its reference) where it has one for the case. */
  readonly details: string;
}

const error = (status: number, details: string): ProtocolError => Object.freeze({ status, details });

export const ProtocolErrors = {
  badStartLine: error(400, 'http1.codec_error'),
  badMethod: error(400, 'http1.codec_error'),
  badScheme: error(403, 'http1.invalid_scheme'),
  badTarget: error(400, 'http1.invalid_url'),
  badCharacter: error(400, 'http1.invalid_characters'),
  badLineEnd: error(400, 'http1.codec_error'),
  badFieldName: error(400, 'http1.codec_error'),
  foldedField: error(400, 'http1.codec_error'),
  badHost: error(400, 'http1.invalid_authority'),
  duplicateHost: error(400, 'http1.multiple_host_headers'),
  badContentLength: error(400, 'http1.codec_error'),
  lengthAndChunked: error(400, 'http1.content_length_and_chunked_not_allowed'),
  badTransferEncoding: error(501, 'http1.invalid_transfer_encoding'),
  chunkedHttp10: error(400, 'http1.transfer_encoding_not_allowed'),
  connectBody: error(400, 'http1.body_disallowed'),
  badConnection: error(400, 'http1.connection_header_rejected'),
  badUpgrade: error(400, 'http1.connection_header_rejected'),
  badExpectation: error(417, 'http1.unsupported_expectation'),
  underscore: error(400, 'http1.unexpected_underscore'),
  headTooLarge: error(431, 'http1.headers_too_large'),
  tooManyFields: error(431, 'http1.too_many_headers'),
  oldVersion: error(426, 'low_version'),
  badVersion: error(400, 'http1.codec_error'),
  badChunk: error(400, 'http1.codec_error'),
  chunkExtensionTooLarge: error(413, 'http1.codec_error'),
  trailersTooLarge: error(431, 'http1.trailers_too_large'),
  badTrailer: error(400, 'http1.codec_error'),
  badStatus: error(502, 'http1.codec_error'),
  unaskedUpgrade: error(502, 'http1.codec_error'),
  tooManyInterim: error(502, 'http1.codec_error'),
} as const;
