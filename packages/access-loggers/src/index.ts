/** Access loggers for Mesh: file, stdout, stderr, gRPC access log service, OpenTelemetry. */
export { fileAccessLog } from './file/index.ts';
export { httpGrpcAccessLog, tcpGrpcAccessLog } from './grpc/index.ts';
export { openTelemetryAccessLog } from './open-telemetry/index.ts';
export { stderrAccessLog } from './stderr/index.ts';
export { stdoutAccessLog } from './stdout/index.ts';
