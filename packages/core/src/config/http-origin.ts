/** Where the connection manager finds the client's address: `original_ip_detection_extensions`. */
import { STATUS_CODES } from 'node:http';
import { cidrRange, headerName } from './common.ts';
import { message, required, withDefault } from './message.ts';
import { bool, type LeafInfo, list, uint32 } from './proto-json.ts';
import { protoType } from './schema-type.ts';
import { typedExtension } from './typed-extension.ts';

const extensions = 'envoy.extensions.http.original_ip_detection';

const xffConfig = message(
  {
    xff_num_trusted_hops: withDefault(uint32(), 0),
    xff_trusted_cidrs: message({ cidrs: list(cidrRange) }, { name: `${extensions}.xff.v3.XffTrustedCidrs` }),
    skip_xff_append: withDefault(bool(), true),
  },
  {
    name: `${extensions}.xff.v3.XffConfig`,
    check({ xffNumTrustedHops = 0, xffTrustedCidrs }, report) {
      if (xffNumTrustedHops === 0 || xffTrustedCidrs === undefined) return;
      const message = 'Cannot set both xff_num_trusted_hops and xff_trusted_cidrs';
      report({ path: ['xff_trusted_cidrs'], at: 'key', message });
    },
  },
);

const STATUS_NUMBERS: ReadonlyMap<unknown, number> = new Map(
  Object.entries(STATUS_CODES).map(([code, phrase]) => [(phrase ?? '').replace(/[^A-Za-z]/g, ''), Number(code)]),
);
const statusNumber = uint32({ min: 100, max: 599 });

/** Envoy `type.v3.StatusCode`: a number, or a name such as `NotFound`. */
const statusCode = protoType<number, LeafInfo, number | string>({
  kind: 'leaf',
  json: { type: ['integer', 'string'] },
  parse: (value, report, child) => STATUS_NUMBERS.get(value) ?? statusNumber.info.parse(value, report, child),
});

/** Envoy `type.v3.HttpStatus`. */
const httpStatus = message({ code: required(statusCode) }, { name: 'envoy.type.v3.HttpStatus' });

const customHeaderConfig = message(
  {
    header_name: required(headerName()),
    allow_extension_to_set_address_as_trusted: withDefault(bool(), false),
    reject_with_status: httpStatus,
  },
  { name: `${extensions}.custom_header.v3.CustomHeaderConfig` },
);

/** Canonical name, which tells the two apart in the parsed config. */
export const xffDetectionName = 'envoy.http.original_ip_detection.xff';
const headerDetectionName = 'envoy.http.original_ip_detection.custom_header';

/** One entry of `original_ip_detection_extensions`. */
export const originalIpDetection = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: xffDetectionName, schema: xffConfig as never },
  { name: headerDetectionName, schema: customHeaderConfig as never },
]);

/** What {@link originalIpDetection} holds for the two kinds. */
export type XffConfig = ReturnType<(typeof xffConfig)['parse']>;
export type CustomHeaderConfig = ReturnType<(typeof customHeaderConfig)['parse']>;
