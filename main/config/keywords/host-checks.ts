import { choice, integer, optional, switchArg, text, textUpTo } from "../args.js";
import { type Keyword, keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { splitEscaped } from "../script-line.js";
import { type CheckTimingDraft, checkTiming } from "./timing.js";

/** What a block MISC_CHECK, FILE_CHECK or BFD_CHECK said: checkers that look at this host. */
export interface MiscCheckDraft extends CheckTimingDraft {
  readonly type: "MISC_CHECK";
  readonly at: SourcePosition;
  script?: ScriptLine;
  timeoutSeconds?: number;
  dynamic?: boolean;
  user?: { readonly user: string; readonly group: string | undefined };
}

export interface FileCheckDraft {
  readonly type: "FILE_CHECK";
  readonly at: SourcePosition;
  trackFile?: { readonly name: string; readonly at: SourcePosition };
  weight?: number;
  reverse?: boolean;
}

export interface BfdCheckDraft {
  readonly type: "BFD_CHECK";
  readonly at: SourcePosition;
  name?: string;
  alpha?: boolean;
  /** A line was wrong: keepalived leaves the whole checker out. */
  spoiled?: boolean;
}

const misc = keywordsFor<MiscCheckDraft>();
const file = keywordsFor<FileCheckDraft>();
const bfd = keywordsFor<BfdCheckDraft>();

export const miscCheckScope: Scope<MiscCheckDraft> = {
  name: "MISC_CHECK",
  keywords: {
    ...checkTiming({ retry: "0" }),
    misc_path: misc.words({
      shape: '"<command> [<arguments>]"',
      apply: (draft, _words, { keyword, at, diagnostics }, raw) => {
        const line = splitEscaped(raw.trim());
        const [, command, surplus] = line.words;
        if (line.unterminated) {
          diagnostics.error("CFG_QUOTE", at, "Unterminated quote in the command", "close it on this line");
        }
        if (surplus !== undefined) {
          const hint = 'arguments stand in the same quotes: misc_path "/usr/bin/check argument"';
          diagnostics.warn("CFG_ADVICE", at, `'${surplus}' after the command of misc_path is ignored`, hint);
        }
        if (command !== undefined) draft.script = { command, user: undefined, group: undefined, keyword, at };
      },
      doc: "Program to run; mandatory.",
    }),
    misc_timeout: misc.field("timeoutSeconds", integer(0, 4294), {
      default: "delay_loop of the virtual_server",
      doc: "Seconds after which the program is ended.",
    }),
    misc_dynamic: misc.flag("dynamic", {
      default: "off",
      doc: "The exit status sets the weight: 0 leaves it, 1 is a failure, 2 to 255 are a weight of status minus 2.",
    }),
    user: misc.value({
      args: [text, optional(text, undefined)],
      apply: (draft, [user, group]) => {
        draft.user = { user, group };
      },
      missing: "No user specified for misc checker script",
      default: "script_user of global_defs",
      doc: "User and group that the program runs as.",
    }),
  } satisfies Record<string, Keyword<MiscCheckDraft>>,
};

export const fileCheckScope: Scope<FileCheckDraft> = {
  name: "FILE_CHECK",
  keywords: {
    track_file: file.value({
      args: [text],
      apply: (draft, [name], { at }) => {
        draft.trackFile = { name, at };
      },
      doc: "Name of the track_file whose number counts; it must be declared before.",
    }),
    weight: file.value({
      args: [integer(-0x7fff_ffff, 0x7fff_ffff), optional(choice("reverse", "noreverse"), undefined)],
      apply: (draft, [weight, sense]) => {
        draft.weight = weight;
        if (sense !== undefined) draft.reverse = sense === "reverse";
      },
      missing: "track file weight missing",
      default: "that of the track file",
      doc: "Factor for the number in the file.",
    }),
  },
};

export const BFD_NAME_LONGEST = 31;

export const bfdCheckScope: Scope<BfdCheckDraft> = {
  name: "BFD_CHECK",
  keywords: {
    name: bfd.words({
      shape: `<bfd instance: up to ${BFD_NAME_LONGEST} characters>`,
      apply: (draft, words, { at, diagnostics }) => {
        const [name, surplus] = words;
        const wrong =
          name === undefined || surplus !== undefined
            ? "No or too many names specified - skipping checker"
            : draft.name !== undefined
              ? `BFD ${name.text} already specified as ${draft.name}`
              : textUpTo(BFD_NAME_LONGEST, "").parse(name.text).ok
                ? undefined
                : `BFD name ${name.text} too long`;
        if (wrong === undefined) draft.name = name?.text ?? "";
        else {
          draft.spoiled = true;
          diagnostics.error("CFG_BAD_VALUE", at, `BFD_CHECK - ${wrong}`, "write one line: name BFD_INSTANCE");
        }
      },
      doc: "The bfd_instance to follow; it must be declared before.",
    }),
    alpha: bfd.field("alpha", switchArg, {
      default: "real_server setting",
      doc: "Counts as failed until the session is up.",
    }),
  },
};
