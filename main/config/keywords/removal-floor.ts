import type { Milliseconds } from "../../units.js";
import { seconds } from "../args.js";
import type { Arg, Context, WordsKeyword } from "../keyword.js";
import type { Word } from "../lexer.js";
import { type OptionTable, optionsFor, readOptions } from "../option-words.js";

/** `removal_floor` of a virtual server, and for all of them in global_defs: ours. */

export interface FloorDraft {
  readonly percent: number;
  confirm?: Milliseconds;
}

const SOURCE = "docs/directors-faults.md";

/** `50%`; the sign may be left out. */
export const percent: Arg<number> = {
  shape: "<0..100>%",
  parse(text) {
    const value = /^\d{1,3}%?$/.test(text) ? Number.parseInt(text, 10) : Number.NaN;
    return value <= 100 ? { ok: true, value } : { ok: false, why: "is not a percentage between 0% and 100%" };
  },
};

const options = {
  confirm: optionsFor<FloorDraft>().field("confirm", seconds(0.1, 86_400, 3), {
    ours: true,
    once: true,
    source: SOURCE,
    default: "10, or twice delay_loop if that is longer",
    doc: "A server that has failed for so long goes in any case.",
  }),
} as const;

interface Drafts {
  removalFloor?: FloorDraft | "off";
}

/** @param without what holds where it is not written */
export const removalFloorKeyword = (without: string, doc: string): WordsKeyword<Drafts> => ({
  kind: "words",
  shape: `${percent.shape} [confirm <seconds>]|off`,
  options: options as OptionTable,
  apply: (draft, words, context) => {
    const floor = floorOf(words, context);
    if (floor !== undefined) draft.removalFloor = floor;
  },
  ours: true,
  source: SOURCE,
  default: without,
  doc,
});

function floorOf([share, ...rest]: readonly Word[], context: Context): FloorDraft | "off" | undefined {
  if (share?.text === "off") return off(rest[0], context);
  const parsed = percent.parse(share?.text ?? "");
  if (!parsed.ok) {
    const message = `removal_floor '${share?.text ?? ""}' ${parsed.why} - ignoring`;
    const hint = "write: removal_floor 50% [confirm <seconds>], or: removal_floor off";
    context.diagnostics.error("CFG_BAD_VALUE", (share ?? context).at, message, hint);
    return undefined;
  }
  const draft: FloorDraft = { percent: parsed.value };
  return readOptions(draft, rest, context, { table: options, of: "removal_floor", scope: "removal_floor" })
    ? draft
    : undefined;
}

function off(surplus: Word | undefined, { diagnostics }: Context): "off" {
  if (surplus !== undefined) {
    const message = `'${surplus.text}' after removal_floor off is ignored`;
    diagnostics.warn("CFG_ADVICE", surplus.at, message, "remove it, or write a percentage instead of off");
  }
  return "off";
}
