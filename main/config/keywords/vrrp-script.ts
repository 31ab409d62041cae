import { type Milliseconds, ms } from "../../units.js";
import { reportMissing } from "../apply.js";
import { integer, optional, seconds, text } from "../args.js";
import { keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { parseWeight } from "./track-line.js";
import { reverseWord } from "./vrrp-trackers.js";

/** What one `vrrp_script` block said. */
export interface VrrpScriptDraft {
  readonly name: string;
  readonly at: SourcePosition;
  script?: ScriptLine;
  user?: { readonly user: string; readonly group: string | undefined };
  interval?: Milliseconds;
  timeout?: Milliseconds;
  weight?: number;
  reverse?: boolean;
  rise?: number;
  fall?: number;
  initFail?: boolean;
}

const keyword = keywordsFor<VrrpScriptDraft>();

const time = (field: "interval" | "timeout", meta: { readonly default: string; readonly doc: string }) =>
  keyword.value({
    args: [seconds(0, 4294, 3)],
    apply: (draft, [value], { diagnostics, at, keyword: name }) => {
      draft[field] = value === 0 ? ms(1000) : value;
      if (value === 0) diagnostics.warn("CFG_ADJUSTED", at, `(${draft.name}): ${name} 0 is too short; 1 s is used`);
    },
    ...meta,
  });

const count = (field: "rise" | "fall", doc: string) =>
  keyword.field(field, integer(1, 0x7fff_ffff), { onInvalid: { use: 1, says: "defaulting to 1" }, default: "1", doc });

export const vrrpScriptScope: Scope<VrrpScriptDraft> = {
  name: "vrrp_script",
  keywords: {
    script: keyword.scriptField("script", {
      missing: "No command specified for script - ignoring",
      doc: "The command; its arguments stand inside the quotes.",
    }),
    interval: time("interval", { default: "1", doc: "Time between runs." }),
    timeout: time("timeout", { default: "interval", doc: "Run time after which the script has failed." }),
    weight: keyword.words({
      shape: "<-253..253> [reverse]",
      options: reverseWord,
      apply: (draft, [value, option], context) => {
        const { diagnostics } = context;
        if (value === undefined) {
          reportMissing(context, 2, "<-253..253> [reverse]");
          return;
        }
        const weight = parseWeight(value, `vrrp_script ${draft.name}`, context);
        if (weight !== undefined) draft.weight = weight;
        draft.reverse = option?.text === "reverse";
        if (option !== undefined && !draft.reverse) {
          const message = `unknown vrrp_script ${draft.name} weight option ${option.text} - ignoring`;
          diagnostics.error("CFG_UNKNOWN_KEYWORD", option.at, message, "only 'reverse' may follow");
        }
      },
      default: "0",
      doc: "Change of priority; 0 means fault on failure.",
    }),
    rise: count("rise", "Successes needed to become good."),
    fall: count("fall", "Failures needed to become bad."),
    user: keyword.value({
      args: [text, optional(text, undefined)],
      apply: (draft, [user, group]) => {
        draft.user = { user, group };
      },
      default: "script_user",
      doc: "User (and group) that the script runs as.",
    }),
    init_fail: keyword.flag("initFail", { doc: "Starts as failed." }),
  },
};
