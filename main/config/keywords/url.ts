import { switchArg, text } from "../args.js";
import { type Context, keywordsFor, type Scope } from "../keyword.js";
import type { Word } from "../lexer.js";
import type { SourcePosition } from "../model.js";
import { type RegexDraft, regexKeywords } from "./regex.js";

/** What one `url` block of HTTP_GET or SSL_GET said. */
export interface UrlDraft extends RegexDraft {
  readonly at: SourcePosition;
  path?: string;
  /** 32 lower-case hex digits. */
  digest?: string;
  virtualhost?: string;
  tlsCompliant?: boolean;
  readonly statusCodes: { readonly from: number; readonly to: number }[];
}

const keyword = keywordsFor<UrlDraft>();

const urlKeywords = {
  path: keyword.field("path", text, { repeat: "last-wins-reported", doc: "Path to request; mandatory." }),
  digest: keyword.field(
    "digest",
    {
      shape: "<32 hex digits>",
      parse: (value) =>
        /^[0-9a-fA-F]{32}$/.test(value)
          ? { ok: true, value: value.toLowerCase() }
          : { ok: false, why: "is not an MD5 sum of 32 hex digits" },
    },
    { repeat: "first-wins-reported", doc: "MD5 of the expected body." },
  ),
  status_code: keyword.words({
    shape: "<code|low-high: 100..599> ...",
    apply: (draft, words, context) => {
      for (const word of words) {
        const range = parseStatus(word, context);
        if (range !== undefined) draft.statusCodes.push(range);
      }
    },
    repeat: "append",
    default: "200-299",
    doc: "Accepted status codes; adds up over lines.",
  }),
  virtualhost: keyword.field("virtualhost", text, {
    repeat: "last-wins-reported",
    missing: "virtualhost missing - ignoring",
    default: "that of the checker",
    doc: "Host header of this url.",
  }),
};

export const httpUrlScope: Scope<UrlDraft> = { name: "url", keywords: { ...urlKeywords, ...regexKeywords } };

export const sslUrlScope: Scope<UrlDraft> = {
  name: "url",
  keywords: {
    ...urlKeywords,
    ...regexKeywords,
    tls_compliant: keyword.field("tlsCompliant", switchArg, {
      since: "2.2.8",
      default: "that of the checker",
      doc: "Ends the connection of this url with a proper TLS close.",
    }),
  },
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
