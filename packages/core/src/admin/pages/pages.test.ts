import { describe, expect, it } from 'vitest';
import { cluster, FakeProxy, start } from '../fixture.ts';

const EVIL = `<img src=x onerror="alert('1')">`;

/** Every name in it is HTML. */
class Evil extends FakeProxy {
  override context() {
    const context = super.context();
    const dumped = {
      config: {
        name: EVIL,
        virtual_hosts: [
          {
            name: EVIL,
            domains: ['a', EVIL],
            routes: [
              { name: 'r', match: { prefix: '/a' }, route: { cluster: 'c' } },
              { match: { path: EVIL }, directResponse: { status: 200 }, decorator: { operation: EVIL } },
              { match: {} },
            ],
          },
        ],
      },
      lastUpdated: new Date(0),
    };
    this.store.scope('').textReadout('text').set(EVIL);
    return {
      ...context,
      clusters: () => [{ ...cluster(EVIL), hosts: [{ ...cluster('').hosts[0]!, hostname: EVIL }] }],
      listeners: () => [{ name: EVIL, address: { path: EVIL } }],
      configDump: (options: { readonly endpoints: boolean }) => ({
        ...context.configDump(options),
        routes: { static: [dumped], dynamic: [] },
      }),
    };
  }
}

async function page(path: string) {
  const { get } = await start({}, new Evil());
  return get(path);
}

describe('pages', () => {
  it.each(['/clusters?format=html', '/listeners?format=html', '/routes', '/stats?format=html'])(
    '%s escapes what is not ours, and needs nothing but itself',
    async (path) => {
      const { body, headers } = await page(path);
      expect(headers.get('content-type')).toBe('text/html; charset=UTF-8');
      expect(headers.get('content-security-policy')).toMatch(/^default-src 'none'; style-src 'unsafe-inline';/);
      expect(body).not.toContain('<img');
      expect(body).toContain('&lt;img src=x onerror=');
      expect(body).not.toMatch(/<script|https?:|<link/);
      expect(body.match(/<table/g)?.length ?? 0).toBe(body.match(/<\/table>/g)?.length ?? 0);
    },
  );

  it('/routes shows match and action of every route', async () => {
    const { body } = await page('/routes');
    expect(body).toContain('<td>r</td><td>prefix: &quot;/a&quot;</td><td>route: cluster: &quot;c&quot;</td>');
    expect(body).toContain('<td>directResponse: status: 200</td>');
    expect(body).toContain("<td class='bad'>none</td>");
  });

  it('/stats remembers what was asked for, and active-html asks again', async () => {
    const { body } = await page(`/stats?format=html&filter=${encodeURIComponent(`text|"><img`)}&usedonly&type=Gauges`);
    expect(body).toContain("<input type='text' name='filter' value='text|&quot;&gt;&lt;img'>");
    expect(body).toContain("<input type='checkbox' name='usedonly' checked>");
    expect(body).toContain("<option value='Gauges' selected>");
    expect(body).not.toContain('http-equiv');
    expect((await page('/stats?format=active-html')).body).toContain("<meta http-equiv='refresh' content='5'>");
  });

  it('/ links to the pages, and to commands that nothing can be said to', async () => {
    const { body } = await page('/');
    for (const href of ['/routes', '/stats?format=html', '/clusters?format=html', 'certs', 'server_info']) {
      expect(body).toContain(`href='${href}'`);
    }
  });
});
