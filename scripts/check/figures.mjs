/**
 * Sizes and leftovers of the sources. Sizes are only printed, to be looked at; a note for later or a switched-off test
 * fails the check.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { root } from '../workspace.mjs';

const FOLDERS = ['packages', 'examples', 'conformance', 'benchmarks', 'scripts'];
const IGNORED = new Set(['node_modules', 'dist', 'results']);
const LONG_FILE_LINES = 400;
const LEFTOVER = /\b(?:TODO|FIXME|XXX|HACK)\b/;
const SWITCHED_OFF = /\b(?:it|test|describe|suite|bench)(?:\.\w+)*\.(?:skip|only|todo|fails)\b/;

/** One section of `check`. */
export async function figures() {
  const files = FOLDERS.flatMap((folder) => sources(join(root, folder))).map((path) => measure(path));
  const product = files.filter(({ path }) => /^packages\/[^/]+\/src\//.test(path) && !path.includes('.test.'));
  const problems = files.flatMap(({ problems: found }) => found);
  const lines = [...sizes(product), ...hints(files), ...problems];
  return { ok: problems.length === 0, output: lines.join('\n') };
}

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (IGNORED.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.(?:ts|mjs|js)$/.test(entry.name) ? [path] : [];
  });
}

function measure(file) {
  const text = readFileSync(file, 'utf8');
  const path = relative(root, file);
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = { path, lines: text.split('\n').length - 1, functions: [], anys: 0, problems: [] };
  const comments = new Map();
  visit(source, source, found, comments);
  found.commentLines = 0;
  for (const [pos, end] of comments) {
    const first = lineOf(source, pos);
    found.commentLines += lineOf(source, end) - first + 1;
    if (LEFTOVER.test(text.slice(pos, end))) found.problems.push(`${path}:${first}: a note for later in a comment`);
  }
  if (path.includes('.test.')) found.problems.push(...switchedOff(path, text));
  return found;
}

function switchedOff(path, text) {
  const lines = text.split('\n');
  return lines.flatMap((line, at) => (SWITCHED_OFF.test(line) ? [`${path}:${at + 1}: a switched-off test`] : []));
}

function visit(node, source, found, comments) {
  const text = source.text;
  for (const { pos, end } of ts.getLeadingCommentRanges(text, node.pos) ?? []) comments.set(pos, end);
  for (const { pos, end } of ts.getTrailingCommentRanges(text, node.end) ?? []) comments.set(pos, end);
  if (node.kind === ts.SyntaxKind.AnyKeyword) found.anys++;
  if (ts.isFunctionLike(node) && node.body !== undefined) {
    found.functions.push(lineOf(source, node.end) - lineOf(source, node.getStart()) + 1);
  }
  for (const child of node.getChildren(source)) visit(child, source, found, comments);
}

function lineOf(source, pos) {
  return source.getLineAndCharacterOfPosition(pos).line + 1;
}

function sizes(files) {
  const total = sum(files, 'lines');
  const anys = sum(files, 'anys');
  const functions = files.flatMap((file) => file.functions);
  const lengths = files.map(({ lines }) => lines);
  return [
    `product sources: ${files.length} files, ${total} lines, ${percent(sum(files, 'commentLines'), total)} comments`,
    `lines per file: median ${quantile(lengths, 0.5)}, p90 ${quantile(lengths, 0.9)}`,
    `lines per function: median ${quantile(functions, 0.5)}, p90 ${quantile(functions, 0.9)}`,
    `any: ${anys} (${((anys / total) * 1000).toFixed(2)} per 1000 lines)`,
  ];
}

function hints(files) {
  const long = files.filter(({ lines }) => lines > LONG_FILE_LINES).sort((a, b) => b.lines - a.lines);
  return long.map(({ path, lines }) => `longer than ${LONG_FILE_LINES} lines: ${path} (${lines})`);
}

function sum(items, key) {
  return items.reduce((total, item) => total + item[key], 0);
}

function percent(part, whole) {
  return `${Math.round((100 * part) / whole)} %`;
}

function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
