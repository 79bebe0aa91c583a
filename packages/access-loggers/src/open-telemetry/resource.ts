/** `opentelemetry.proto.resource.v1.Resource`: who has made the records. */

import type { NodeIdentity } from '@mesh/core';
import { ProtoWriter } from '../shipping/proto-writer.ts';
import { type AnyValue, type KeyValue, readKeyValues, writeKeyValues } from './any-value.ts';
import type { OpenTelemetryConfig } from './config.ts';

/** The resource as bytes; configured attributes take the place of built-in ones of their name. */
export function writeResource(config: OpenTelemetryConfig, node: NodeIdentity): Uint8Array {
  const values = new Map<string, AnyValue>();
  if (!config.disableBuiltinLabels) {
    for (const { key, value } of builtInLabels(config, node)) values.set(key, value);
  }
  for (const { key, value } of readKeyValues(config.resourceAttributes, [], () => undefined)) values.set(key, value);
  const writer = new ProtoWriter();
  writeKeyValues(
    writer,
    1,
    [...values].map(([key, value]) => ({ key, value })),
  );
  return writer.finish();
}

function builtInLabels({ commonConfig, logName }: OpenTelemetryConfig, node: NodeIdentity): KeyValue[] {
  const label = (key: string, value: string): KeyValue => ({ key, value: { kind: 'string', value } });
  return [
    label('log_name', logName || (commonConfig?.logName ?? '')),
    label('zone_name', node.zone),
    label('cluster_name', node.cluster),
    label('node_name', node.id),
  ];
}
