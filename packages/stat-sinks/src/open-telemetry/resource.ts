/** Attributes of the resource that metrics are of: this proxy. */
import { versionText } from '@mesh/core';
import { mapOf, message, string, type TypedExtension, typedExtension } from '@mesh/core/proto';

const DETECTORS = 'envoy.tracers.opentelemetry.resource_detectors';
const TYPES = 'envoy.extensions.tracers.opentelemetry.resource_detectors.v3';

/** The variable that OpenTelemetry has for it. */
const VARIABLE = 'OTEL_RESOURCE_ATTRIBUTES';

/** An entry of `resource_detectors`. */
export const resourceDetector = typedExtension('envoy.config.core.v3.TypedExtensionConfig', [
  { name: `${DETECTORS}.environment`, schema: message({}, { name: `${TYPES}.EnvironmentResourceDetectorConfig` }) },
  {
    name: `${DETECTORS}.static_config`,
    schema: message({ attributes: mapOf(string()) }, { name: `${TYPES}.StaticConfigResourceDetectorConfig` }),
  },
  {
    name: `${DETECTORS}.dynatrace`,
    schema: undefined,
    type: `${TYPES}.DynatraceResourceDetectorConfig`,
    reason: 'files of Dynatrace are not read',
  },
]);

/**
 * What is known of the proxy, then what the detectors find; a later one overrides.
 * @throws Error in Envoy's words when the environment is not in order.
 */
export function resourceAttributes(
  detectors: readonly TypedExtension[],
  environment: Readonly<Record<string, string | undefined>> = process.env,
): ReadonlyMap<string, string> {
  const attributes = new Map([
    ['telemetry.sdk.name', 'mesh'],
    ['telemetry.sdk.language', 'nodejs'],
    ['telemetry.sdk.version', versionText()],
  ]);
  for (const { name, config } of detectors) {
    const found =
      name === `${DETECTORS}.environment`
        ? fromEnvironment(environment[VARIABLE] ?? '')
        : Object.entries((config as { readonly attributes?: Readonly<Record<string, string>> }).attributes ?? {});
    for (const [key, value] of found) attributes.set(key, value);
  }
  return attributes;
}

function fromEnvironment(text: string): [key: string, value: string][] {
  if (text === '') return [];
  return text.split(',').map((pair) => {
    const [key = '', value, ...rest] = pair.split('=');
    if (value !== undefined && rest.length === 0) return [key, value];
    throw new Error(
      `The OpenTelemetry environment resource detector is configured but the '${VARIABLE}' environment variable has an invalid format.`,
    );
  });
}
