export { AttemptLog, type UpstreamLogs, upstreamLogs } from './attempt-log.ts';
export { upstreamLogFields } from './config.ts';
