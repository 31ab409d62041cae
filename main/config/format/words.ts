/** Keywords whose text keepalived reads with single quotes and escapes: blanks and quotes mean something else there. */
const SCRIPT = /^(?:script|(?!vrrp_script$|track_script$)\w+_script|notify\w*|quorum_(?:up|down)|misc_path|regex)$/;
const WORD = /"[^"]*"|[^ \t"]+/g;

/** Single quotes or backslashes outside double quotes: letters for most keywords, not for all. */
export const hasEscapes = (text: string): boolean => /['\\]/.test(text) && /['\\]/.test(text.replace(/"[^"]*"/g, ""));

/**
 * The words of a statement with one blank between them. The text of scripts stays as it is, and so does everything
 * from the first `$` on: only substitution tells whether the blanks there stand inside quotes.
 */
export function canonicalWords(text: string): string {
  const words: string[] = [];
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (word.includes("$")) return [...words, text.slice(index)].join(" ");
    if (words.length === 0 && (SCRIPT.test(word.replaceAll('"', "")) || hasEscapes(text))) {
      return keywordAndText(word, text);
    }
    words.push(word);
  }
  return words.join(" ");
}

/** Without a blank after the keyword a script's own rules join the two: nothing may come between them. */
function keywordAndText(keyword: string, text: string): string {
  const rest = text.slice(keyword.length);
  const given = rest.replace(/^[ \t]+/, "");
  return given === rest ? text : `${keyword} ${given}`;
}
