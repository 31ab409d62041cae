import type { Milliseconds } from "../../units.js";
import { interfaceName, seconds } from "../args.js";
import type { WordsKeyword } from "../keyword.js";
import { type OptionTable, optionsFor, readOptions } from "../option-words.js";
import { type Named, named } from "./named.js";
import { percent } from "./removal-floor.js";

/** `self_check` in global_defs: ours. */
export interface SelfCheckDraft {
  readonly interfaces: Named[];
  most?: number;
  hold?: Milliseconds;
  tellsFifo?: boolean;
  mails?: boolean;
}

const OURS = { ours: true, source: "docs/directors-faults.md" } as const;
const ONCE = { ...OURS, once: true } as const;
const option = optionsFor<SelfCheckDraft>();
const options = {
  interface: option.option({
    args: [interfaceName],
    apply: (draft, [name], { at }) => {
      draft.interfaces.push(named(name, at));
      return true;
    },
    ...OURS,
    doc: "An uplink: while it is down the table is held; may be repeated.",
  }),
  most: option.field("most", percent, {
    ...ONCE,
    default: "50%",
    doc: "More than so many of the hosts that were well fail within one interval.",
  }),
  hold: option.field("hold", seconds(1, 3600, 3), {
    ...ONCE,
    default: "60",
    doc: "The table is held for so long at most.",
  }),
  notify_fifo: option.flag("tellsFifo", { ...ONCE, doc: "A line of the LVS notify FIFOs too." }),
  smtp_alert: option.flag("mails", { ...ONCE, doc: "A mail too." }),
} as const;

export const selfCheckKeyword: WordsKeyword<{ selfCheck?: SelfCheckDraft }> = {
  kind: "words",
  shape: "[interface <name>] ... [most <percent>] [hold <seconds>] [notify_fifo] [smtp_alert]|off",
  options: options as unknown as OptionTable,
  apply: (draft, words, context) => {
    if (words.length === 1 && words[0]?.text === "off") {
      delete draft.selfCheck; // of an include before
      return;
    }
    const check: SelfCheckDraft = { interfaces: [] };
    if (readOptions(check, words, context, { table: options, of: "self_check", scope: "self_check" }))
      draft.selfCheck = check;
  },
  ...OURS,
  default: "off",
  doc: "Nobody is taken out of the table while it seems to be this host that is in trouble.",
};
