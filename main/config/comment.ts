/** A line without its comment and outer blanks: `text` from `start` to `end` of what was given. */
export interface Stripped {
  readonly start: number;
  readonly end: number;
  /** Offset of a `"` that has no partner, or -1. */
  readonly quote: number;
  /** Offset of a `#` or `!` with a backslash before it, or -1: it begins a comment all the same. */
  readonly escaped: number;
}

/** keepalived.conf(5): `#` and `!` begin a comment outside double quotes. Single quotes protect nothing. */
export function stripLine(text: string, start: number, end: number): Stripped {
  let quote = -1;
  let escaped = -1;
  let stop = end;
  for (let i = start; i < end; i++) {
    const code = text.charCodeAt(i);
    if (code === 34) quote = quote === -1 ? i : -1;
    else if (quote === -1 && (code === 35 || code === 33)) {
      // keepalived's passes disagree about `\#`; those of VRRP and checkers see a comment.
      if (i > start && text.charCodeAt(i - 1) === 92) escaped = i;
      stop = escaped === -1 ? i : i - 1;
      break;
    }
  }
  let first = start;
  while (first < stop && isBlank(text.charCodeAt(first))) first++;
  while (stop > first && isBlank(text.charCodeAt(stop - 1))) stop--;
  return { start: first, end: stop, quote, escaped };
}

/** The same for text of its own. */
export function withoutComment(text: string): string {
  const { start, end } = stripLine(text, 0, text.length);
  return text.slice(start, end);
}

/** Space, tab, vertical tab, form feed, carriage return. */
export const isBlank = (code: number): boolean => code === 32 || code === 9 || (code >= 11 && code <= 13);
