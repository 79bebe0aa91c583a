import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raw, start } from '../fixture.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mesh-profiles-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function profiled(profilePath = join(folder, 'p.prof')) {
  const { call, port } = await start({ profilePath });
  const post = async (path: string): Promise<readonly [number, string]> => {
    const { status, body } = await call('POST', path);
    return [status, body];
  };
  return { post, call, port, profilePath };
}

describe('/cpuprofiler', () => {
  it('writes a CPU profile beside profile_path when it is stopped', async () => {
    const { post, profilePath } = await profiled();
    expect(await post('/cpuprofiler?enable=y')).toEqual([200, 'OK\n']);
    expect(await post('/cpuprofiler?enable=y')).toEqual([200, 'OK\n']);
    expect(await post('/cpuprofiler?enable=n')).toEqual([200, 'OK\n']);
    expect(await post('/cpuprofiler?enable=n')).toEqual([200, 'OK\n']);
    const profile = JSON.parse(await readFile(`${profilePath}.cpuprofile`, 'utf8'));
    expect(Object.keys(profile)).toEqual(expect.arrayContaining(['nodes', 'samples', 'startTime']));
  });

  it('tells how it is used, and that a file cannot be written', async () => {
    const { post } = await profiled(join(folder, 'missing', 'x'));
    expect(await post('/cpuprofiler')).toEqual([400, '?enable=<y|n>\n']);
    expect(await post('/cpuprofiler?enable=maybe')).toEqual([400, '?enable=<y|n>\n']);
    expect(await post('/cpuprofiler?enable=y')).toEqual([500, 'failure to start the profiler']);
    expect(await post('/heapprofiler?enable=y')).toEqual([500, 'Fail to start the heap profiler']);
    // It has not stayed half started.
    expect(await post('/allocprofiler?enable=y')).toEqual([200, 'OK\n']);
  });
});

describe('/heapprofiler and /allocprofiler', () => {
  it('are never on at the same time as another', async () => {
    const { post, call, profilePath } = await profiled();
    expect(await post('/heapprofiler?enable=n')).toEqual([400, 'Fail to stop heap profiler: not started']);
    expect(await post('/heapprofiler?enable=y')).toEqual([200, 'Starting heap profiler']);
    expect(await post('/heapprofiler?enable=y')).toEqual([400, 'Fail to start heap profiler: already started']);
    for (const path of ['/cpuprofiler?enable=y', '/cpuprofiler?enable=n', '/allocprofiler?enable=y']) {
      expect(await post(path)).toEqual([400, 'another profiler is running: heap\n']);
    }
    expect((await call('GET', '/heap_dump')).status).toBe(400);
    const file = `${profilePath}.heapprofile`;
    expect(await post('/heapprofiler?enable=n')).toEqual([200, `Heap profiler stopped and data written to ${file}.`]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toHaveProperty('head');
  });

  it('hands a profile of allocations over when it stops', async () => {
    const { post, call } = await profiled();
    expect(await post('/allocprofiler?enable=n')).toEqual([400, 'Allocation profiler is not started']);
    expect(await post('/allocprofiler?enable=y')).toEqual([200, 'OK\n']);
    expect(await post('/allocprofiler?enable=y')).toEqual([400, 'Allocation profiler has already started']);
    const { headers, body } = await call('POST', '/allocprofiler?enable=n');
    expect(headers.get('content-disposition')).toBe('attachment; filename=mesh.heapprofile');
    expect(JSON.parse(body)).toHaveProperty('head');
  });
});

describe('/heap_dump', () => {
  it('is kept from foreign pages, which could read keys out of it', async () => {
    const { port } = await profiled();
    const bytes = 'GET /heap_dump HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n';
    expect(await raw({ host: '127.0.0.1', port }, bytes)).toMatch(/^HTTP\/1\.1 403 /);
  });
});
