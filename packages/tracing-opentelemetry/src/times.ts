/** Unix microseconds as OpenTelemetry's pair of seconds and nanoseconds: plain numbers would be taken for uptime. */
import type { HrTime } from '@opentelemetry/api';

export function hrTime(us: number): HrTime {
  const seconds = Math.floor(us / 1_000_000);
  return [seconds, Math.round((us - seconds * 1_000_000) * 1000)];
}
