/** `envoy.access_loggers.http_grpc` and `envoy.access_loggers.tcp_grpc`: entries go to an access log service (ALS). */
import { compileCustomTags, defineAccessLog } from '@mesh/core';
import type { CommonExtras } from './common-entry.ts';
import { type CommonGrpcConfig, httpGrpcConfig, tcpGrpcConfig } from './config.ts';
import { httpEntry, type LoggedHeaders } from './http-entry.ts';
import { serviceLogger } from './service-logger.ts';
import { tcpEntry } from './tcp-entry.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.access_loggers.grpc.v3';

function extrasOf({ customTags, filterStateObjectsToLog }: CommonGrpcConfig): CommonExtras {
  return { filterStateKeys: filterStateObjectsToLog, tags: compileCustomTags(customTags) };
}

function lowerCase(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}

/** Sends entries about exchanges as `http_logs`. */
export const httpGrpcAccessLog = defineAccessLog({
  name: 'envoy.access_loggers.http_grpc',
  typeUrl: `${TYPE}.HttpGrpcAccessLogConfig`,
  config: httpGrpcConfig,
  create(config, context) {
    const { logger, release } = serviceLogger(config.commonConfig, 'http', context);
    const extras = extrasOf(config.commonConfig);
    const logged: LoggedHeaders = {
      request: lowerCase(config.additionalRequestHeadersToLog),
      response: lowerCase(config.additionalResponseHeadersToLog),
      trailers: lowerCase(config.additionalResponseTrailersToLog),
    };
    return { log: (subject, type) => logger.log(() => httpEntry(subject, type, extras, logged)), close: release };
  },
});

/** Sends entries about connections as `tcp_logs`. */
export const tcpGrpcAccessLog = defineAccessLog({
  name: 'envoy.access_loggers.tcp_grpc',
  typeUrl: `${TYPE}.TcpGrpcAccessLogConfig`,
  config: tcpGrpcConfig,
  create({ commonConfig }, context) {
    const { logger, release } = serviceLogger(commonConfig, 'tcp', context);
    const extras = extrasOf(commonConfig);
    return { log: (subject, type) => logger.log(() => tcpEntry(subject, type, extras)), close: release };
  },
});
