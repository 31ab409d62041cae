import type { Milliseconds } from "../../units.js";
import { reportMissing } from "../apply.js";
import { choice, integer, optional, seconds, text } from "../args.js";
import { type Context, keywordsFor, type Scope, type WordsKeyword } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import type { OptionTable } from "../option-words.js";
import { parseWeight, type TrackKind, trackKinds } from "./track-line.js";

/** What one `track_file` block said. */
export interface TrackFileDraft {
  readonly name: string;
  readonly at: SourcePosition;
  path?: string;
  weight?: number;
  reverse?: boolean;
  init?: { readonly value: number; readonly overwrite: boolean };
}

/** What one `vrrp_track_process` block said. */
export interface TrackProcessDraft {
  readonly name: string;
  readonly at: SourcePosition;
  command?: readonly [string, ...string[]];
  match?: "exact" | "initial" | "partial";
  weight?: number;
  reverse?: boolean;
  quorum?: number;
  quorumMax?: number;
  forkDelay?: Milliseconds;
  terminateDelay?: Milliseconds;
  fullCommand?: boolean;
}

export const reverseWord: OptionTable = {
  reverse: { args: [], apply: () => undefined, doc: "After the number: inverts its sense." },
};

interface Weighted {
  readonly name: string;
  weight?: number;
  reverse?: boolean;
}

/** `weight N [reverse]`: the first weight that is not the default stays. */
function weightKeyword<Draft extends Weighted>(kind: TrackKind, standard: 0 | 1, doc: string): WordsKeyword<Draft> {
  return keywordsFor<Draft>().words({
    shape: `<-${kind.most}..${kind.most}> [reverse]`,
    options: reverseWord,
    apply: (draft, [value, option], context) => {
      const { diagnostics, at } = context;
      const of = `${kind.what} ${draft.name}`;
      const hint = `write: weight <-${kind.most}..${kind.most}> [reverse], once`;
      if (value === undefined) {
        diagnostics.error("CFG_BAD_VALUE", at, `No weight specified for ${of} - ignoring`, hint);
        return;
      }
      if (draft.weight !== undefined && draft.weight !== standard) {
        diagnostics.error("CFG_REPEATED", at, `weight already specified for ${of} - ignoring`, hint);
        return;
      }
      const weight = parseWeight(value, of, context, kind);
      if (weight !== undefined) draft.weight = weight;
      draft.reverse = option?.text === "reverse";
      if (option === undefined || draft.reverse) return;
      const message = `unknown ${of} weight option ${option.text} - ignoring`;
      diagnostics.error("CFG_UNKNOWN_KEYWORD", option.at, message, "only 'reverse' may follow");
    },
    default: String(standard),
    doc,
  });
}

const file = keywordsFor<TrackFileDraft>();

export const trackFileScope: Scope<TrackFileDraft> = {
  name: "track_file",
  keywords: {
    file: file.field("path", text, {
      missing: "track file name missing - ignoring",
      repeat: "first-wins-reported",
      doc: "The file; its first number counts.",
    }),
    weight: weightKeyword(
      trackKinds.file,
      1,
      "What the number is multiplied with; 0: a number other than 0 is a fault.",
    ),
    init_file: file.words({
      shape: "[<integer>] [overwrite]",
      options: { overwrite: { args: [], apply: () => undefined, doc: "Replaces what the file holds." } },
      apply: (draft, words, context) => readInit(draft, words, context),
      default: "off; with it 0",
      doc: "Writes the file at the start; unless overwrite is given only when it is missing.",
    }),
  },
};

function readInit(draft: TrackFileDraft, words: readonly Word[], { diagnostics }: Context): void {
  let value = 0;
  let overwrite = false;
  for (const word of words) {
    const number = /^[-+]?\d+$/.test(word.text) ? Number(word.text) : undefined;
    if (word.text === "overwrite") overwrite = true;
    else if (number !== undefined && Number.isSafeInteger(number)) {
      value = number;
      if (Math.abs(number) > 254) {
        const message = `track file ${draft.name} init value ${number} is outside -254..254`;
        diagnostics.warn("CFG_ADJUSTED", word.at, message, "write a number in that range");
      }
    } else {
      const message = `unknown track file ${draft.name} init_file option ${word.text} - ignoring`;
      diagnostics.error("CFG_BAD_VALUE", word.at, message, "write: init_file [<integer>] [overwrite]");
    }
  }
  draft.init = { value, overwrite };
}

const track = keywordsFor<TrackProcessDraft>();
const delay = seconds(0.000001, 3600, 6);

export const trackProcessScope: Scope<TrackProcessDraft> = {
  name: "vrrp_track_process",
  keywords: {
    process: track.words({
      shape: "<command> [<parameter> ...]",
      apply: (draft, [command, ...parameters], context) => {
        if (command === undefined) reportMissing(context, 2, "<command> [<parameter> ...]");
        else draft.command = [command.text, ...parameters.map(({ text: parameter }) => parameter)];
      },
      repeat: "first-wins-reported",
      doc: "The process to look for; parameters have to match too.",
    }),
    param_match: track.value({
      args: [optional(choice("initial", "partial"), undefined)],
      apply: (draft, [match]) => {
        draft.match = match ?? "exact";
      },
      default: "exact with parameters",
      since: "2.0.16",
      doc: "initial: the last parameter may go on; partial: more parameters may follow.",
    }),
    weight: weightKeyword(trackKinds.process, 0, "Change of priority; 0 means fault."),
    quorum: track.value({
      args: [integer(1, 65_535)],
      apply: (draft, [quorum], { diagnostics, at }) => {
        if (draft.quorumMax === undefined || quorum <= draft.quorumMax) draft.quorum = quorum;
        else {
          const message = `quorum ${quorum} of ${draft.name} exceeds quorum_max ${draft.quorumMax} - ignoring`;
          diagnostics.error("CFG_BAD_VALUE", at, message, "raise quorum_max first");
        }
      },
      default: "1",
      doc: "Fewest processes for success.",
    }),
    quorum_max: track.value({
      args: [integer(0, 65_535)],
      apply: (draft, [most], { diagnostics, at }) => {
        // 0 beside the default quorum: no such process may run.
        const quorum = draft.quorum ?? 1;
        if (most >= quorum || (most === 0 && quorum === 1)) draft.quorumMax = most;
        else {
          const message = `quorum_max ${most} of ${draft.name} is below quorum ${draft.quorum} - ignoring`;
          diagnostics.error("CFG_BAD_VALUE", at, message, "lower quorum");
        }
      },
      default: "unlimited",
      since: "2.0.16",
      doc: "Most processes for success; 0: none may run.",
    }),
    delay: track.value({
      args: [delay],
      apply: (draft, [wait]) => {
        draft.forkDelay = wait;
        draft.terminateDelay = wait;
      },
      default: "0",
      doc: "Sets fork_delay and terminate_delay.",
    }),
    fork_delay: track.field("forkDelay", delay, {
      default: "0",
      since: "2.0.16",
      doc: "Wait after the quorum is gained.",
    }),
    terminate_delay: track.field("terminateDelay", delay, {
      default: "0",
      since: "2.0.16",
      doc: "Wait after the quorum is lost.",
    }),
    full_command: track.flag("fullCommand", { doc: "Compares the whole command line, not only the name." }),
  },
};
