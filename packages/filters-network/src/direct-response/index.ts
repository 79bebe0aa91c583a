/** `envoy.filters.network.direct_response`: writes fixed bytes and closes. */
import { defineNetworkFilter, MeshError } from '@mesh/core';
import { type DataSource, dataSource, message, readDataSource } from '@mesh/core/proto';

const config = message(
  { response: dataSource },
  { name: 'envoy.extensions.filters.network.direct_response.v3.Config' },
);

function bytesOf(source: DataSource): Buffer {
  const { bytes, problem } = readDataSource(source);
  if (bytes === undefined) throw new MeshError('CONFIG_INVALID', problem ?? 'no response');
  return bytes;
}

/**
 * Answers every connection with the same bytes and closes it, whatever the client sends.
 *
 * @example listener({ port: 7000, filters: [directResponse({ response: { inlineString: 'go away\n' } })] })
 */
export const directResponse = defineNetworkFilter({
  name: 'envoy.filters.network.direct_response',
  typeUrl: 'type.googleapis.com/envoy.extensions.filters.network.direct_response.v3.Config',
  config,
  terminal: true,
  create({ response: source }) {
    const bytes = source === undefined ? Buffer.alloc(0) : bytesOf(source);
    return {
      onConnection(connection) {
        connection.write(bytes);
        connection.close('flush');
      },
    };
  },
});
