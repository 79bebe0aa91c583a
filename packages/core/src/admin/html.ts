/** The frame of the admin pages. Everything that is not ours goes through {@link escapeHtml}. */
import { escapeHtml } from '../stats/text.ts';

export { escapeHtml };

const STYLE = `
.home-table { font-family: sans-serif; font-size: medium; border-collapse: collapse; border-spacing: 0; }
.home-data { text-align: left; padding: 4px; }
.home-form { margin-bottom: 0; }
.button-as-link { background: none!important; border: none; padding: 0!important; font-family: sans-serif;
  font-size: medium; color: #069; text-decoration: underline; cursor: pointer; }
.gray { background-color: #dddddd; }
.vert-space { height: 4px; }
.option { padding: 4px 4px 4px 20px; text-align: right; }
`;

/** A whole page around pieces of HTML that are already safe. */
export function page(...body: readonly string[]): string {
  const head = `<head>\n  <meta charset='utf-8'>\n  <title>Mesh Admin</title>\n<style>${STYLE}</style>\n</head>\n`;
  return `<!DOCTYPE html>\n<html lang='en'>\n${head}<body>\n${body.join('')}</body>\n</html>\n`;
}
