/** What formats and filters of access logs are told beside the subject: one object per type, made once. */
import type { AccessLogType } from '../api/access-log.ts';
import type { FormatContext } from '../format/operator.ts';
import { LOG_TYPES } from '../log-filter/settings.ts';

const CONTEXTS = Object.fromEntries(LOG_TYPES.map((type) => [type, { accessLogType: type }])) as Readonly<
  Record<AccessLogType, FormatContext>
>;

/** The context of an entry of this type. */
export function logContext(type: AccessLogType): FormatContext {
  return CONTEXTS[type];
}
