/** Envoy `Cluster.OriginalDstLbConfig`: what names the host that a request is for. */
import { message, required, withDefault } from './message.ts';
import { bool, list, nonEmpty, string, uint32 } from './proto-json.ts';

const pathSegment = message({ key: required(nonEmpty()) }, { name: 'envoy.type.metadata.v3.MetadataKey.PathSegment' });

const metadataKey = message(
  { key: required(nonEmpty()), path: { ...list(pathSegment, { min: 1 }), presence: 'required' } },
  { name: 'envoy.type.metadata.v3.MetadataKey' },
);

/** Where the address comes from besides the connection itself. */
export const originalDstLbConfig = message(
  {
    use_http_header: withDefault(bool(), false),
    /** '' is `x-envoy-original-dst-host`. */
    http_header_name: withDefault(string(), ''),
    upstream_port_override: uint32({ max: 65535 }),
    metadata_key: metadataKey,
  },
  { name: 'envoy.config.cluster.v3.Cluster.OriginalDstLbConfig' },
);
