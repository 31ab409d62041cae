/**
 * `@id rest` and `@^id rest` (keepalived.conf(5), conditional configuration): the offset of the rest, or undefined when
 * the line is for another configuration id. A line without condition begins at 0.
 */
export function selectedFrom(text: string, id: string): number | undefined {
  if (!text.startsWith("@")) return 0;
  const match = /^@(\^?)(\S*)\s+/.exec(text);
  if (match === null || (match[2] === id) === (match[1] === "^")) return undefined;
  return match[0].length;
}
