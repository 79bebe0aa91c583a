/** Errors and response flags: who is to blame and what may be done about it are fields, never text to be parsed. */

/** Stable codes of {@link MeshError}. */
export type MeshErrorCode =
  | 'CONFIG_INVALID'
  | 'DUPLICATE_EXTENSION'
  | 'LISTEN_FAILED'
  | 'NOT_STARTED'
  | 'CLOSED'
  | 'NOT_FOUND'
  | 'STATIC_RESOURCE'
  | 'HTTP_PROTOCOL';

/** Thrown by the control side (compose, start, close). The data path returns flags and does not throw. */
export class MeshError extends Error {
  readonly code: MeshErrorCode;
  readonly source: 'downstream' | 'upstream' | 'internal';
  constructor(
    code: MeshErrorCode,
    message: string,
    options: { source?: 'downstream' | 'upstream' | 'internal'; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'MeshError';
    this.code = code;
    this.source = options.source ?? 'internal';
  }
}

/** Envoy's response flags as bits; `flagString` prints them in Envoy's order. */
export const ResponseFlag = {
  LH: 1 << 0,
  UH: 1 << 1,
  UT: 1 << 2,
  LR: 1 << 3,
  UR: 1 << 4,
  UF: 1 << 5,
  UC: 1 << 6,
  UO: 1 << 7,
  NR: 1 << 8,
  DI: 1 << 9,
  FI: 1 << 10,
  RL: 1 << 11,
  UAEX: 1 << 12,
  RLSE: 1 << 13,
  DC: 1 << 14,
  URX: 1 << 15,
  SI: 1 << 16,
  IH: 1 << 17,
  DPE: 1 << 18,
  UMSDR: 1 << 19,
  RFCF: 1 << 20,
  NFCF: 1 << 21,
  DT: 1 << 22,
  UPE: 1 << 23,
  NC: 1 << 24,
  OM: 1 << 25,
  DF: 1 << 26,
  DO: 1 << 27,
  DR: 1 << 28,
  UDO: 1 << 29,
} as const;

const FLAG_NAMES = Object.keys(ResponseFlag);

/** `UF,URX`, or `-` when no flag is set (`%RESPONSE_FLAGS%`). */
export function flagString(flags: number): string {
  if (flags === 0) return '-';
  // Envoy prints flags in the order in which they were set, and the retry limit is met before the last failure is told.
  const first = (flags & ResponseFlag.URX) !== 0 ? ['URX'] : [];
  return [...first, ...FLAG_NAMES.filter((name, bit) => (flags & (1 << bit)) !== 0 && name !== 'URX')].join(',');
}

/** What was thrown, for a log: the stack of an error, and of anything else what it says of itself, if it can. */
export function errorText(error: unknown): string {
  try {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  } catch {
    return 'something that cannot be printed was thrown';
  }
}
