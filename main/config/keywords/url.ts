import { text } from "../args.js";
import { type Context, keywordsFor, type Scope } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { later } from "./later.js";

/** What one `url` block of HTTP_GET or SSL_GET said. */
export interface UrlDraft {
  readonly at: SourcePosition;
  path?: string;
  /** 32 lower-case hex digits. */
  digest?: string;
  virtualhost?: string;
  readonly statusCodes: { readonly from: number; readonly to: number }[];
}

const keyword = keywordsFor<UrlDraft>();
const SOURCE = "keepalived.conf(5) HTTP_GET > url";

export const urlScope: Scope<UrlDraft> = {
  name: "url",
  keywords: {
    path: keyword.value({
      args: [text],
      apply: (draft, [path]) => {
        draft.path = path;
      },
      onInvalid: "ignore",
      repeat: "last-wins-reported",
      source: SOURCE,
      doc: "Path to request.",
    }),
    digest: keyword.value({
      args: [
        {
          shape: "<32 hex digits>",
          parse: (value) =>
            /^[0-9a-fA-F]{32}$/.test(value)
              ? { ok: true, value: value.toLowerCase() }
              : { ok: false, why: "is not an MD5 sum of 32 hex digits" },
        },
      ],
      apply: (draft, [digest]) => {
        draft.digest = digest;
      },
      onInvalid: "ignore",
      repeat: "first-wins-reported",
      source: SOURCE,
      doc: "MD5 of the expected body.",
    }),
    status_code: keyword.words({
      shape: "<code|low-high: 100..599> ...",
      apply: (draft, words, context) => {
        for (const word of words) {
          const range = parseStatus(word, context);
          if (range !== undefined) draft.statusCodes.push(range);
        }
      },
      repeat: "append",
      source: SOURCE,
      doc: "Accepted status codes (200-299); adds up over lines.",
    }),
    virtualhost: keyword.value({
      args: [text],
      apply: (draft, [name]) => {
        draft.virtualhost = name;
      },
      onInvalid: "ignore",
      repeat: "last-wins-reported",
      missing: "virtualhost missing - ignoring",
      source: SOURCE,
      doc: "Host header of this url.",
    }),
  },
  later: later.url,
};

function parseStatus(word: Word, { diagnostics }: Context): { from: number; to: number } | undefined {
  const match = /^(\d{3})(?:-(\d{3}))?$/.exec(word.text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  if (from >= 100 && to >= from && to <= 599) return { from, to };
  const message = `Invalid HTTP_GET status code '${word.text}'`;
  diagnostics.error("CFG_BAD_VALUE", word.at, message, "write a code or a range in 100..599, such as 200 or 200-299");
  return undefined;
}
