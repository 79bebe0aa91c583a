/** What local replies are changed by: the shape of Envoy's `LocalReplyConfig` after parsing. */
import type { BodyFormatSettings } from '../format/body-format.ts';
import type { LogFilterSettings } from '../log-filter/settings.ts';
import type { HeaderAdditionSettings } from '../routing/settings.ts';

/** Envoy `LocalReplyConfig`. */
export interface LocalReplySettings {
  /** The first whose filter fits changes a reply. */
  readonly mappers: readonly ResponseMapperSettings[];
  /** Makes the body of every reply whose mapper has no format of its own. */
  readonly bodyFormat?: BodyFormatSettings;
}

/** Envoy `ResponseMapper`. */
export interface ResponseMapperSettings {
  readonly filter: LogFilterSettings;
  readonly statusCode?: number;
  readonly body?: {
    readonly filename?: string;
    readonly inlineBytes?: Uint8Array;
    readonly inlineString?: string;
    readonly environmentVariable?: string;
  };
  readonly bodyFormatOverride?: BodyFormatSettings;
  readonly headersToAdd: readonly HeaderAdditionSettings[];
}
