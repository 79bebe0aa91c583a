/** The `grpc-timeout` field: at most eight digits and a unit. */

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1 };
/** How many make a millisecond. */
const PER_MS: Readonly<Record<string, number>> = { u: 1000, n: 1_000_000 };
const MAX_VALUE = 99_999_999;

/** Milliseconds, rounded up as Envoy does; `undefined` for a value that is none. */
export function parseGrpcTimeout(value: string | undefined): number | undefined {
  const parts = value === undefined ? null : /^(\d{1,8})([HMSmun])$/.exec(value);
  if (parts === null) return undefined;
  const count = Number(parts[1]);
  const unit = parts[2] as string;
  return Math.ceil((count * (UNIT_MS[unit] ?? 1)) / (PER_MS[unit] ?? 1));
}

/** The field's value for a duration: the finest unit of milliseconds and above in which it has eight digits. */
export function formatGrpcTimeout(timeoutMs: number): string {
  let value = Math.max(0, Math.round(timeoutMs));
  let unit = 0;
  while (value > MAX_VALUE && unit < UNITS.length - 1) {
    value = Math.floor(value / (UNITS[unit] as Unit).factor);
    unit++;
  }
  return `${Math.min(value, MAX_VALUE)}${(UNITS[unit] as Unit).name}`;
}

interface Unit {
  readonly name: string;
  /** How many make one of the next unit. */
  readonly factor: number;
}

const UNITS: readonly Unit[] = [
  { name: 'm', factor: 1000 },
  { name: 'S', factor: 60 },
  { name: 'M', factor: 60 },
  { name: 'H', factor: 1 },
];
