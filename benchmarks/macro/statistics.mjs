/** Medians and same-round ratios of samples. */

/** @param {readonly number[]} values @returns {number} NaN for an empty list */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** @typedef {{ median: number, min: number, max: number, count: number }} Spread */

/** @param {readonly number[]} values @returns {Spread} */
export function spread(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), count: values.length };
}

/**
 * Valid samples of one target in one scenario.
 * @param {readonly import('./measure.mjs').Sample[]} samples @param {string} scenario @param {string} target
 */
export function valid(samples, scenario, target) {
  return samples.filter((each) => each.scenario === scenario && each.target === target && each.invalid === undefined);
}

/**
 * CPU per request of one target divided by that of another, round by round: what slows a whole round down cancels out.
 * @param {readonly import('./measure.mjs').Sample[]} samples @param {string} scenario @param {string} target @param {string} peer
 * @returns {Spread | undefined} nothing when no round has both
 */
export function ratio(samples, scenario, target, peer) {
  const peers = new Map(
    valid(samples, scenario, peer).map((each) => [each.round, each.cpuMicrosPerRequest ?? Number.NaN]),
  );
  const ratios = valid(samples, scenario, target).flatMap((each) => {
    const other = peers.get(each.round);
    return other === undefined ? [] : [(each.cpuMicrosPerRequest ?? Number.NaN) / other];
  });
  return ratios.length > 0 ? spread(ratios) : undefined;
}

/**
 * The target with the lowest median CPU per request.
 * @param {readonly import('./measure.mjs').Sample[]} samples @param {string} scenario @param {readonly string[]} names
 * @returns {string | undefined}
 */
export function cheapest(samples, scenario, names) {
  const ranked = names
    .map((name) => ({
      name,
      cost: median(valid(samples, scenario, name).map((each) => each.cpuMicrosPerRequest ?? Number.NaN)),
    }))
    .filter(({ cost }) => !Number.isNaN(cost))
    .sort((a, b) => a.cost - b.cost);
  return ranked[0]?.name;
}
