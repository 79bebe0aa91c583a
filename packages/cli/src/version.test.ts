import { expect, it } from 'vitest';
import { runtimeWarning, version, versionLine } from './version.ts';

const today = Date.UTC(2026, 10, 21);

it.each(['v22.23.4', 'v22.24.0', 'v24.22.1', 'v26.12.1', 'v26.13.0', 'v27.0.0', 'v28.1.0'])('%s is good', (node) => {
  expect(runtimeWarning(node, today)).toBeUndefined();
});

it.each(['v22.23.3', 'v22.9.9', 'v24.22.0', 'v26.0.0', 'v26.12.1-rc.1'.replace('26.12.1', '26.12.0')])(
  '%s lacks fixes',
  (node) => {
    expect(runtimeWarning(node, today)).toBe(
      `Node.js ${node} lacks security fixes that this proxy needs: use 22.23.4, 24.22.1, 26.12.1 or later`,
    );
  },
);

it.each(['v20.20.2', 'v18.0.0', 'v21.7.3', 'v23.11.0', 'v25.1.0'])('%s is out of support', (node) => {
  expect(runtimeWarning(node, today)).toContain(`Node.js ${node} is out of support`);
});

it('runtimeWarning knows when a line ends', () => {
  expect(runtimeWarning('v22.23.4', Date.UTC(2027, 4, 1))).toContain('out of support');
});

it('versionLine has the release as its second part, as Envoy has', () => {
  expect(versionLine('v20.20.2')).toBe(`mesh  version: mesh/${version}/Clean/RELEASE/OpenSSL/node-20.20.2`);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
});
