import { integer } from "../args.js";
import type { Context } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";

/** `NAME [weight N [reverse|noreverse]]` in track_interface and track_script. */
export interface TrackDraft {
  readonly name: string;
  readonly at: SourcePosition;
  /** Undefined: what the tracked thing itself says. */
  readonly weight: number | undefined;
  readonly reverse: boolean | undefined;
}

/** @returns undefined when the entry is skipped, as in keepalived */
export function parseTrackLine(
  words: readonly [Word, ...Word[]],
  what: string,
  context: Context,
): TrackDraft | undefined {
  const { diagnostics } = context;
  const [name, ...options] = words;
  let weight: number | undefined;
  let reverse: boolean | undefined;
  for (let i = 0; i < options.length; i++) {
    const option = options[i];
    if (option === undefined) break;
    if (option.text === "weight") {
      const value = options[++i];
      if (value === undefined) {
        const message = `${what} ${name.text} has a weight without a number - ignoring it`;
        diagnostics.error("CFG_BAD_VALUE", option.at, message, "write: weight <-253..253>");
        return undefined;
      }
      weight = parseWeight(value, `${what} ${name.text}`, context);
    } else if (weight !== undefined && (option.text === "reverse" || option.text === "noreverse")) {
      reverse = option.text === "reverse";
    } else {
      const message = `unknown ${what} ${name.text} option ${option.text} - ignoring`;
      const hint = "write: NAME [weight <-253..253> [reverse]], one per line";
      diagnostics.error("CFG_UNKNOWN_KEYWORD", option.at, message, hint);
    }
  }
  return { name: name.text, at: name.at, weight, reverse };
}

/** +/-254 becomes +/-253; anything else outside is an error and undefined. */
export function parseWeight(value: Word, of: string, { diagnostics }: Context): number | undefined {
  const parsed = integer(-254, 254).parse(value.text);
  if (!parsed.ok) {
    const message = `${of} weight ${value.text} must be in [-253, 253] - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", value.at, message, "write a number in that range");
    return undefined;
  }
  if (Math.abs(parsed.value) < 254) return parsed.value;
  const clipped = Math.sign(parsed.value) * 253;
  diagnostics.warn("CFG_ADJUSTED", value.at, `${of} weight ${value.text} must be in [-253, 253]; ${clipped} is used`);
  return clipped;
}
