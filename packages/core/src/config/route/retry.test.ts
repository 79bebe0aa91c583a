import { describe, expect, it } from 'vitest';
import { retryPolicy } from './retry.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.retry.priority.previous_priorities.v3.PreviousPrioritiesConfig';

function parse(retry_priority: object) {
  return retryPolicy.safeParse({ retry_on: '5xx', retry_priority });
}

describe('retry_priority', () => {
  it('takes previous_priorities', () => {
    const typed_config = { '@type': TYPE, update_frequency: 2 };
    expect(parse({ name: 'any', typed_config }).data?.retryPriority).toEqual({
      name: 'envoy.retry_priorities.previous_priorities',
      config: { updateFrequency: 2 },
    });
  });

  it.each([
    ['no frequency', { name: 'any', typed_config: { '@type': TYPE } }, 'is required'],
    ['a frequency of 0', { name: 'any', typed_config: { '@type': TYPE, update_frequency: 0 } }, 'got 0'],
    ['no config', { name: 'envoy.retry_priorities.previous_priorities' }, 'is required'],
    ['another extension', { name: 'acme' }, "Didn't find a registered implementation for 'acme'"],
  ])('refuses %s', (_what, given, problem) => {
    expect(
      parse(given)
        .error?.issues.map(({ message }) => message)
        .join('\n'),
    ).toContain(problem);
  });
});
