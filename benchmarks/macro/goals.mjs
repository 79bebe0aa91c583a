/** What Mesh has set itself, and whether a run reached it. */
import { cheapest, ratio } from './statistics.mjs';
import { PACKAGED_PEERS } from './targets.mjs';

/**
 * @typedef {object} Goal
 * @property {string} scenario
 * @property {string} target
 * @property {string} peer a target, or `best packaged peer`
 * @property {number} limit highest median of the same-round CPU ratios
 *
 * @typedef {object} Outcome
 * @property {Goal} goal
 * @property {string} peer the target that was compared with
 * @property {import('./statistics.mjs').Spread | undefined} measured
 * @property {'reached' | 'missed' | 'not measured'} verdict
 */

const BEST_PEER = 'best packaged peer';

/** @type {readonly Goal[]} */
export const goals = [
  { scenario: 'tiny', target: 'mesh', peer: 'nginx', limit: 1.5 },
  { scenario: 'tiny', target: 'mesh', peer: 'floor', limit: 1.2 },
  { scenario: 'tiny', target: 'mesh', peer: 'envoy', limit: 1 },
  { scenario: 'tiny', target: 'mesh', peer: 'undici', limit: 0.6 },
  { scenario: 'tiny', target: 'mesh', peer: BEST_PEER, limit: 0.4 },
  { scenario: 'tiny', target: 'mesh', peer: 'mesh-before', limit: 1.05 },
  { scenario: 'download-1m', target: 'mesh', peer: 'nginx', limit: 1.3 },
  { scenario: 'upload-1m', target: 'mesh', peer: 'nginx', limit: 1.3 },
  { scenario: 'h2-h1', target: 'mesh', peer: 'node-http2', limit: 0.6 },
  { scenario: 'tcp-1m', target: 'mesh', peer: 'nginx', limit: 1.2 },
  { scenario: 'six-filters', target: 'mesh-code-six', peer: 'mesh-code', limit: 1.03 },
  { scenario: 'observed', target: 'mesh-observed', peer: 'mesh', limit: 1.15 },
  { scenario: 'observed', target: 'mesh-traced', peer: 'mesh', limit: 1.4 },
];

/** @param {readonly import('./measure.mjs').Sample[]} samples @returns {Outcome[]} */
export function judge(samples) {
  return goals.map((goal) => {
    const peer = goal.peer === BEST_PEER ? cheapest(samples, goal.scenario, PACKAGED_PEERS) : goal.peer;
    const measured = peer === undefined ? undefined : ratio(samples, goal.scenario, goal.target, peer);
    if (!measured) return { goal, peer: peer ?? goal.peer, measured, verdict: 'not measured' };
    return { goal, peer: peer ?? goal.peer, measured, verdict: measured.median <= goal.limit ? 'reached' : 'missed' };
  });
}
