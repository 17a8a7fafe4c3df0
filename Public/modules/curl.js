// The command that asks the same from a terminal.

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/** curl reads `;` and `,` in a file name as its own signs unless the name stands in double quotes. */
function fileField(name) {
  const escaped = name.replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return quoted(/[;,"\\]/.test(name) ? `image=@"${escaped}"` : `image=@${name}`);
}

/** `--form-string` sends a phrase as it is, even one that begins with `@` or `<`. */
export function curlCommand({ url, fileName, expressions, threshold, withKey }) {
  const lines = [`curl ${quoted(url)}`, `-F ${fileField(fileName)}`];
  for (const expression of expressions) lines.push(`--form-string ${quoted(`expression=${expression}`)}`);
  lines.push("-F format=png,coco_rle");
  if (threshold !== 0.5) lines.push(`-F threshold=${threshold}`);
  if (withKey) lines.push(`-H "Authorization: Bearer $API_KEY"`);
  return lines.join(" \\\n  ");
}
