/** Access loggers for Mesh: file, stdout, stderr, gRPC access log service, OpenTelemetry. */
export {};
