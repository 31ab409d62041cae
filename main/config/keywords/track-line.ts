import { integer } from "../args.js";
import { type Context, contextAt } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import type { OptionTable } from "../option-words.js";
import { didYouMean } from "../suggest.js";

/** `NAME [weight N [reverse|noreverse]]` in the track_* blocks. */
export interface TrackDraft {
  readonly name: string;
  readonly at: SourcePosition;
  /** Undefined: what the tracked thing itself says. */
  readonly weight: number | undefined;
  readonly reverse: boolean | undefined;
}

/** How each kind of tracker takes its words: they differ in keepalived. */
export interface TrackKind {
  readonly block: string;
  readonly what: string;
  /** Largest weight either way. */
  readonly most: 253 | 254;
  /** `clip`: 254 becomes 253. */
  readonly clips: boolean;
  readonly noreverse: boolean;
  /** A wrong word after the weight drops the entry, not only the word. */
  readonly strict: boolean;
}

export const trackKinds = {
  interface: kind("track_interface", "tracked interface", { clips: true, noreverse: false }),
  script: kind("track_script", "track script", { clips: true }),
  file: kind("track_file", "track file", { most: 254, strict: true }),
  process: kind("track_process", "track process", { most: 254 }),
  bfd: kind("track_bfd", "track bfd", { strict: true }),
  quorum: kind("track_quorum", "track quorum", { strict: true }),
};

function kind(block: string, what: string, differs: Partial<TrackKind>): TrackKind {
  return { block, what, most: 253, clips: false, noreverse: true, strict: false, ...differs };
}

/** For tools; `parseTrackLine` reads them. */
export const trackOptions = ({ most, noreverse }: TrackKind): OptionTable => ({
  weight: { args: [integer(-most, most)], apply: () => undefined, doc: "Priority change; 0: a fault." },
  reverse: { args: [], apply: () => undefined, doc: "After a weight: inverts its sense." },
  ...(noreverse
    ? { noreverse: { args: [], apply: () => undefined, doc: "After a weight: cancels the tracker's reverse." } }
    : {}),
});

/** @returns undefined when the entry is skipped, as in keepalived */
export function parseTrackLine(
  words: readonly [Word, ...Word[]],
  kindOf: TrackKind,
  context: Context,
): TrackDraft | undefined {
  const { diagnostics } = context;
  const { block, what, most, noreverse, strict } = kindOf;
  const [name, option, value, direction, surplus] = words;
  const plain = { name: name.text, at: name.at, weight: undefined, reverse: undefined };
  const hint = `write: <name> [weight <-${most}..${most}> [${noreverse ? "reverse|noreverse" : "reverse"}]], one per line`;
  const unknown = (word: Word, consequence: string): void => {
    const options = Object.keys(trackOptions(kindOf));
    const known = options.includes(word.text) ? undefined : didYouMean(word.text, options); // right, in a wrong place
    const message = `unknown ${block} ${name.text} option ${word.text} - ${consequence}`;
    diagnostics.error("CFG_UNKNOWN_KEYWORD", word.at, message, known ?? hint);
  };
  if (option === undefined) return plain;
  if (option.text !== "weight") {
    unknown(option, "the entry is left out");
    return undefined;
  }
  if (value === undefined) {
    const message = `${what} ${name.text} has a weight without a number - ignoring it`;
    diagnostics.error("CFG_BAD_VALUE", option.at, message, hint);
    return undefined;
  }
  const weight = parseWeight(value, `${what} ${name.text}`, contextAt(context, value), kindOf);
  if (surplus !== undefined) {
    diagnostics.warn("CFG_ADVICE", surplus.at, `'${surplus.text}' after ${block} ${name.text} is ignored`);
  }
  if (direction === undefined) return { ...plain, weight };
  if (direction.text === "reverse" || (noreverse && direction.text === "noreverse")) {
    return { ...plain, weight, reverse: direction.text === "reverse" };
  }
  unknown(direction, strict ? "the entry is left out" : "ignoring the word");
  return strict ? undefined : { ...plain, weight };
}

/** Anything outside the range is an error and undefined; +/-254 may become +/-253. */
export function parseWeight(
  value: Word,
  of: string,
  { diagnostics }: Context,
  { most, clips }: Pick<TrackKind, "most" | "clips"> = trackKinds.script,
): number | undefined {
  const parsed = integer(clips ? -254 : -most, clips ? 254 : most).parse(value.text);
  if (!parsed.ok) {
    const message = `${of} weight ${value.text} must be in [-${most}, ${most}] - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", value.at, message, "write a number in that range");
    return undefined;
  }
  if (parsed.note !== undefined) {
    diagnostics.warn("CFG_ADJUSTED", value.at, `${of} weight ${value.text} ${parsed.note}`);
  }
  if (!clips || Math.abs(parsed.value) < 254) return parsed.value;
  const clipped = Math.sign(parsed.value) * 253;
  diagnostics.warn("CFG_ADJUSTED", value.at, `${of} weight ${value.text} must be in [-253, 253]; ${clipped} is used`);
  return clipped;
}
