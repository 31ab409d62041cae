import type { Diagnostics } from "./diagnostics.js";
import { LONGEST_LINE } from "./lexer.js";
import { type Place, useOf } from "./place.js";
import { REPLACEMENT } from "./source-file.js";

/**
 * Whether the line from `place` to the offset `end` is one: not too long, and without NUL. Reports why not, and bytes
 * that are no UTF-8.
 */
export function isReadable(place: Place, end: number, diagnostics: Diagnostics): boolean {
  const { file, offset } = place;
  const length = end - offset;
  if (length * 3 > LONGEST_LINE) {
    const bytes = file.ascii || length > LONGEST_LINE ? length : Buffer.byteLength(file.text.slice(offset, end));
    if (bytes > LONGEST_LINE) {
      const message = `line too long - ignoring: a line holds at most ${LONGEST_LINE} bytes`;
      const hint = "split it; keepalived would drop its beginning and read the remainder as a line of its own";
      diagnostics.error("CFG_TEXT", useOf(place), message, hint);
      return false;
    }
  }
  if (!file.odd) return true;
  const text = file.text.slice(offset, end);
  if (text.includes("\0")) {
    diagnostics.error("CFG_TEXT", useOf(place), "the line holds a NUL byte and is ignored", "remove the byte");
    return false;
  }
  if (text.includes(REPLACEMENT)) {
    const message = "the line is not valid UTF-8; the bytes in question are replaced";
    diagnostics.warn("CFG_ENCODING", useOf(place), message, "save the file as UTF-8");
  }
  return true;
}
