import { anyCase, choice, integer, text } from "../args.js";
import { type Context, keywordsFor, type Scope } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { dnsTypes } from "../model-checks.js";
import { type ConnectionDraft, connectionKeywords, targetKeywords } from "./connection.js";
import { addSmtpHost } from "./smtp-hosts.js";
import { checkTiming } from "./timing.js";

/** What a block SMTP_CHECK, DNS_CHECK or UDP_CHECK said: checkers that ask for an answer. */
export interface SmtpCheckDraft extends ConnectionDraft {
  readonly type: "SMTP_CHECK";
  heloName?: string;
  /** What each block `host` said; see smtp-hosts.ts. */
  hosts?: ConnectionDraft[];
}

export interface DnsCheckDraft extends ConnectionDraft {
  readonly type: "DNS_CHECK";
  queryType?: (typeof dnsTypes)[number];
  name?: string;
}

export interface UdpCheckDraft extends ConnectionDraft {
  readonly type: "UDP_CHECK";
  payload?: string;
  requireReply?: boolean;
  reply?: string;
  minReplyLength?: number;
  maxReplyLength?: number;
}

const smtp = keywordsFor<SmtpCheckDraft>();
const dns = keywordsFor<DnsCheckDraft>();
const udp = keywordsFor<UdpCheckDraft>();

export const smtpCheckScope: Scope<SmtpCheckDraft> = {
  name: "SMTP_CHECK",
  keywords: {
    ...connectionKeywords(),
    helo_name: smtp.field("heloName", text, {
      missing: "SMTP_CHECK helo name missing",
      repeat: "last-wins-reported",
      default: "smtpchecker.keepalived.org",
      doc: "Name that HELO gives.",
    }),
    host: smtp.block({
      shape: "",
      body: { name: "host", keywords: { ...targetKeywords, ...checkTiming() } } satisfies Scope<ConnectionDraft>,
      open: ({ serverAddress }, _header, { at }): ConnectionDraft => ({ at, serverAddress }),
      close: addSmtpHost,
      deprecated: { instead: "another SMTP_CHECK", silent: true },
      doc: "One more host to check in the same way; times that stand here are those of the whole checker.",
    }),
  },
};

export const dnsCheckScope: Scope<DnsCheckDraft> = {
  name: "DNS_CHECK",
  keywords: {
    ...connectionKeywords({ retry: "3", pause: "delay_loop" }),
    type: dns.field("queryType", anyCase(choice(...dnsTypes)), {
      default: "SOA",
      doc: "Type of the records asked for.",
    }),
    name: dns.value({
      args: [text],
      apply: (draft, [name], context) => readDnsName(draft, name, context),
      default: ".",
      repeat: "first-wins-reported",
      doc: "Name to ask for.",
    }),
  },
};

function readDnsName(draft: DnsCheckDraft, name: string, { at, diagnostics }: Context): void {
  const labels = name.replace(/\.$/, "").split(".");
  if (labels.length > 1 && labels.includes("")) {
    const message = `DNS_CHECK name '${name}' has empty label - ignoring`;
    diagnostics.error("CFG_BAD_VALUE", at, message, "write one dot between two labels");
    return;
  }
  draft.name = name === "" ? "." : name;
  if (labels.some((label) => label.length > 63) || name.length > 254) {
    const message = `DNS_CHECK name '${name}' is longer than DNS allows (RFC 1035 §2.3.4): no server can answer`;
    diagnostics.warn("CFG_ADVICE", at, message, "63 characters for a label, 253 for a name");
  }
}

export const udpCheckScope: Scope<UdpCheckDraft> = {
  name: "UDP_CHECK",
  keywords: {
    ...connectionKeywords(),
    payload: udp.words({
      shape: "<hex digits, blanks allowed>",
      apply: (draft, words, context) => {
        const payload = hexOf(
          words.map((word) => word.text),
          "0123456789abcdef",
        );
        if (words.length === 0) reportHex(context, "UDP_CHECK payload requires a payload", "payload 00 0a ff");
        else if (payload === undefined) {
          reportHex(context, "Invalid hex string for UDP_CHECK payload", "payload 00 0a ff");
        } else draft.payload = payload;
      },
      since: "2.2.0",
      default: "a text of its own",
      doc: "Octets to send.",
    }),
    require_reply: udp.words({
      shape: "[<hex digits, x for any>]",
      apply: (draft, words, context) => {
        draft.requireReply = true;
        if (words.length === 0) return;
        const reply = hexOf(
          words.map((word) => word.text),
          "0123456789abcdefx",
        );
        if (reply === undefined) reportHex(context, "Invalid hex string for UDP_CHECK reply", "require_reply 00 xx ff");
        else draft.reply = reply;
      },
      default: "off",
      doc: "An answer must come, and match when digits are given.",
    }),
    min_reply_length: udp.field("minReplyLength", integer(0, 65535), {
      since: "2.2.0",
      default: "0",
      doc: "Octets of the shortest answer that counts.",
    }),
    max_reply_length: udp.field("maxReplyLength", integer(0, 65535), {
      since: "2.2.0",
      default: "255",
      doc: "Octets of the longest answer that counts.",
    }),
  },
};

/** Octets of two digits (of one before a blank), as lower-case digits without blanks. */
function hexOf(words: readonly string[], digits: string): string | undefined {
  let out = "";
  for (const word of words.flatMap((w) => w.trim().split(/\s+/))) {
    for (const c of word.toLowerCase()) if (!digits.includes(c)) return undefined;
    const lone = word.length % 2 === 1 ? word.slice(-1) : "";
    out += word.slice(0, word.length - lone.length) + (lone === "" ? "" : `0${lone}`);
  }
  return out.toLowerCase();
}

const reportHex = ({ at, diagnostics }: Context, message: string, example: string): void =>
  diagnostics.error("CFG_BAD_VALUE", at, message, `write pairs of hex digits: ${example}`);

/** For those that keepalived reports at the end of the block. */
export function noteUdpLengths(
  { minReplyLength = 0, maxReplyLength = 255 }: UdpCheckDraft,
  at: SourcePosition,
  { diagnostics }: Pick<Context, "diagnostics">,
): void {
  if (minReplyLength <= maxReplyLength) return;
  const message = `UDP_CHECK min_reply length ${minReplyLength} > max_reply_length ${maxReplyLength} - will always fail`;
  diagnostics.error("CFG_BAD_VALUE", at, message, `write: max_reply_length ${minReplyLength}`);
}
