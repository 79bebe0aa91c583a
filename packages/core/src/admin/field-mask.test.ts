import { describe, expect, it } from 'vitest';
import { applyMask, isMaskOf, parseFieldMask, shapeOf } from './field-mask.ts';

const shape = shapeOf({
  name: 'leaf',
  node: shapeOf({ id: 'leaf', locality: shapeOf({ zone: 'leaf' }) }),
  open: 'unknown',
});

describe('isMaskOf', () => {
  it.each(['', 'name', 'node', 'node.locality.zone', 'name,node.id', 'open.whatever.there', ',name,'])(
    'takes %o',
    (mask) => {
      expect(isMaskOf(parseFieldMask(mask), shape)).toBe(true);
    },
  );

  it.each(['x', 'name.x', 'node.x', 'name,x', 'node.', '.', 'toString', 'node.constructor'])('refuses %o', (mask) => {
    expect(isMaskOf(parseFieldMask(mask), shape)).toBe(false);
  });
});

describe('applyMask', () => {
  const message = { '@type': 't', name: 'n', loadAssignment: { clusterName: 'c', policy: {} }, list: [{ a: 1 }] };

  it.each([
    ['', message],
    ['name', { '@type': 't', name: 'n' }],
    ['load_assignment', { '@type': 't', loadAssignment: { clusterName: 'c', policy: {} } }],
    ['load_assignment.cluster_name', { '@type': 't', loadAssignment: { clusterName: 'c' } }],
    ['load_assignment.policy,load_assignment', { '@type': 't', loadAssignment: { clusterName: 'c', policy: {} } }],
    ['load_assignment.nothing', { '@type': 't', loadAssignment: {} }],
    ['list', { '@type': 't', list: [{ a: 1 }] }],
  ])('keeps %o', (mask, kept) => {
    expect(applyMask(parseFieldMask(mask), message)).toEqual(kept);
  });
});
