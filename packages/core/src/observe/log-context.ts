/** What formats and filters of access logs are told beside the subject: one object per type, made once. */
import type { AccessLogType } from '../api/access-log.ts';
import type { FormatContext } from '../format/operator.ts';

const TYPES: readonly AccessLogType[] = [
  'NotSet',
  'TcpUpstreamConnected',
  'TcpPeriodic',
  'TcpConnectionEnd',
  'TcpConnectionStart',
  'DownstreamStart',
  'DownstreamPeriodic',
  'DownstreamEnd',
  'UpstreamPoolReady',
  'UpstreamPeriodic',
  'UpstreamEnd',
  'DownstreamTunnelSuccessfullyEstablished',
];

const CONTEXTS = Object.fromEntries(TYPES.map((type) => [type, { accessLogType: type }])) as Readonly<
  Record<AccessLogType, FormatContext>
>;

/** The context of an entry of this type. */
export function logContext(type: AccessLogType): FormatContext {
  return CONTEXTS[type];
}
