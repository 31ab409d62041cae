import { loadAddon } from "./addon.js";
import type { ProbePattern, patternError } from "./probe.js";

/** Where in the pattern, in octets of its UTF-8, and what is wrong there in PCRE2's words. */
export type PatternError = NonNullable<ReturnType<typeof patternError>>;

/**
 * patternError() of probe.ts for readers of configurations, most of which hold no pattern: the add-on is not loaded before the
 * first call.
 * @throws Error with a `code` when the add-on cannot be loaded, or is one without patterns (ERR_METHOD_NOT_IMPLEMENTED)
 */
export function checkPattern(pattern: ProbePattern): PatternError | undefined {
  const { compilePattern } = loadAddon() as { readonly compilePattern?: typeof patternError };
  if (compilePattern === undefined) {
    throw Object.assign(new Error("the add-on is of another version"), { code: "ERR_METHOD_NOT_IMPLEMENTED" });
  }
  return compilePattern(pattern);
}
