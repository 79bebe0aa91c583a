/** Conditions on values in the JSON model: dynamic metadata and filter state. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import type { ValueMatcherSettings } from '../routing/settings.ts';
import { notAnIp, stringMatcher } from './common.ts';
import { type Fields, type MessageInfo, message, required, withDefault } from './message.ts';
import { bool, double, list, nonEmpty, uint32 } from './proto-json.ts';
import type { ProtoType } from './schema-type.ts';

/** Envoy `DoubleMatcher`; `range` is [start, end). */
const doubleMatcher = message(
  {
    range: message(
      { start: withDefault(double(), 0), end: withDefault(double(), 0) },
      { name: 'envoy.type.v3.DoubleRange' },
    ),
    exact: double(),
  },
  {
    name: 'envoy.type.matcher.v3.DoubleMatcher',
    oneofs: [{ fields: ['range', 'exact'], required: true }],
  },
);

/** Getters, because the last two lead back to the message. */
const valueFields: Fields = {
  null_match: message({}, { name: 'envoy.type.matcher.v3.ValueMatcher.NullMatch' }),
  double_match: doubleMatcher,
  string_match: stringMatcher,
  bool_match: bool(),
  present_match: bool(),
  get list_match(): z.ZodType {
    return listMatcher;
  },
  get or_match(): z.ZodType {
    return orMatcher;
  },
};

/** Envoy `ValueMatcher`. `present_match: false` matches nothing, as in Envoy. */
const valueMatcher = message(valueFields, {
  name: 'envoy.type.matcher.v3.ValueMatcher',
  oneofs: [
    {
      fields: ['null_match', 'double_match', 'string_match', 'bool_match', 'present_match', 'list_match', 'or_match'],
      required: true,
    },
  ],
}) as unknown as ProtoType<ValueMatcherSettings, MessageInfo>;

const listMatcher = message({ one_of: required(valueMatcher) }, { name: 'envoy.type.matcher.v3.ListMatcher' });

const orMatcher = message(
  { value_matchers: required(list(valueMatcher, { min: 2 }).schema) },
  { name: 'envoy.type.matcher.v3.OrMatcher' },
);

/** Envoy `MetadataMatcher`: a value below the namespace `filter` of the stream's dynamic metadata. */
export const metadataMatcher = message(
  {
    filter: required(nonEmpty()),
    path: required(
      list(message({ key: required(nonEmpty()) }, { name: 'envoy.type.matcher.v3.MetadataMatcher.PathSegment' }), {
        min: 1,
      }).schema,
    ),
    value: required(valueMatcher),
    invert: withDefault(bool(), false),
  },
  { name: 'envoy.type.matcher.v3.MetadataMatcher' },
);

const addressMatcher = message(
  {
    ranges: list(
      message(
        { address_prefix: required(nonEmpty()), prefix_len: withDefault(uint32({ max: 128 }), 0) },
        {
          name: 'xds.core.v3.CidrRange',
          check({ addressPrefix, prefixLen = 0 }, report) {
            const problem = notAnIp(addressPrefix);
            if (problem !== undefined) report({ path: ['address_prefix'], message: problem });
            else if (isIP(addressPrefix ?? '') === 4 && prefixLen > 32) {
              report({ path: ['prefix_len'], message: `expected at most 32 for an IPv4 range, got ${prefixLen}` });
            }
          },
        },
      ),
    ),
    invert_match: withDefault(bool(), false),
  },
  { name: 'envoy.type.matcher.v3.AddressMatcher' },
);

/** Envoy `FilterStateMatcher`. */
export const filterStateMatcher = message(
  { key: required(nonEmpty()), string_match: stringMatcher, address_match: addressMatcher },
  {
    name: 'envoy.type.matcher.v3.FilterStateMatcher',
    oneofs: [{ fields: ['string_match', 'address_match'], required: true }],
  },
);
