/** Where this proxy's lines differ from Envoy's on purpose: what stands in their place, and why. */

interface Difference {
  readonly scenario: string;
  readonly envoy: string | RegExp;
  readonly here: string;
  readonly why: string;
}

const DIFFERENCES: readonly Difference[] = [];

/** The recorded lines as they are expected here. */
export function differences(scenario: string, lines: readonly string[]): string[] {
  const own = DIFFERENCES.filter((each) => each.scenario === scenario);
  return lines.map((line) => own.reduce((text, { envoy, here }) => text.replace(envoy, here), line));
}
