import type { Milliseconds } from "../../units.js";
import { integer, optional, seconds, switchArg } from "../args.js";
import { parseIp } from "../ip.js";
import { type Arg, type Context, type Keyword, keywordsFor } from "../keyword.js";
import { word } from "./global-args.js";

/** Mail and its defaults. */
export interface MailDraft {
  readonly notificationEmail: string[];
  notificationEmailFrom?: string;
  smtpServer?: { readonly host: string; readonly port: number };
  smtpConnectTimeout?: Milliseconds;
  smtpHeloName?: string;
  routerId?: string;
  smtpAlert?: boolean;
  smtpAlertVrrp?: boolean;
  smtpAlertChecker?: boolean;
  noEmailFaults?: boolean;
  noCheckerEmails?: boolean;
}

const keyword = keywordsFor<MailDraft>();

/** Names are looked up when mail is sent, so that a test of a file does not depend on DNS; some can never be found. */
const mailHost: Arg<string> = {
  shape: "<address | host name>",
  parse(host) {
    if (parseIp(host) !== undefined) return { ok: true, value: host };
    // RFC 3696 §2: the last label is not all digits, or it would be an address.
    if (!/^(\w[\w-]*\.)*[A-Za-z_][\w-]*\.?$/.test(host))
      return { ok: false, why: "is neither an address nor a host name" };
    // RFC 6761 §6.4: reserved, so that it never resolves.
    if (/\.invalid\.?$/i.test(host)) return { ok: false, why: "is a name that no host ever has" };
    return { ok: true, value: host };
  },
};

export const globalMailKeywords: Readonly<Record<string, Keyword<MailDraft>>> = {
  notification_email: keyword.list({
    entries: "words",
    shape: "<address>",
    empty: "Warning - empty notification_email block",
    entry: (draft, [recipient], { diagnostics }) => {
      draft.notificationEmail.push(recipient.text);
      if (/[^@]@[^@]|^[a-z_][\w.-]*$/i.test(recipient.text)) return;
      const hint = 'one address per word; a name with blanks stands in quotes: "Name <user@host>"';
      diagnostics.warn("CFG_ADVICE", recipient.at, `'${recipient.text}' does not look like a mail address`, hint);
    },
    default: "none: no mail is sent",
    doc: "Recipients of mail; every word in the block is one address.",
  }),
  notification_email_from: keyword.words({
    shape: '<address | "Name <address>">',
    apply: (draft, [from, surplus], { at, diagnostics, keyword: name }) => {
      if (from !== undefined) draft.notificationEmailFrom = from.text;
      else {
        const hint = `write: ${name} user@host`;
        diagnostics.error("CFG_BAD_VALUE", at, "notification_email_from missing - ignoring", hint);
      }
      if (surplus === undefined) return;
      const hint = 'a sender with a name stands in double quotes: "Name <user@host>"';
      diagnostics.error("CFG_BAD_VALUE", surplus.at, `'${surplus.text}' after ${name} is ignored`, hint);
    },
    default: "the daemon's user at this host",
    doc: "Sender of mail.",
  }),
  smtp_server: keyword.value({
    args: [mailHost, optional(integer(1, 65535), 25)],
    apply: (draft, [host, port]) => {
      draft.smtpServer = { host, port };
    },
    default: "none: no mail is sent",
    doc: "Relay that takes the mail: address or name, and port (25).",
  }),
  smtp_helo_name: keyword.value({
    args: [optional(word("<name>"), undefined)],
    apply: (draft, [name]) => {
      if (name !== undefined) draft.smtpHeloName = name;
    },
    default: "the host name",
    doc: "Name given in HELO.",
  }),
  smtp_connect_timeout: keyword.value({
    args: [seconds(0, 4294, 0)],
    apply: (draft, [timeout], context) => {
      draft.smtpConnectTimeout = atLeastOneSecond(timeout, context);
    },
    default: "30",
    doc: "Limit on establishing the connection to the relay, and on each of its answers.",
  }),
  router_id: keyword.value({
    args: [word("<name>")],
    apply: (draft, [id]) => {
      draft.routerId = id;
    },
    missing: "routerid name missing - ignoring",
    default: "the host name",
    doc: "Name of this machine in mail.",
  }),
  smtp_alert: keyword.field("smtpAlert", switchArg, {
    default: "on for real servers, off for the rest",
    doc: "Default of all smtp_alert switches.",
  }),
  smtp_alert_vrrp: keyword.field("smtpAlertVrrp", switchArg, {
    default: "smtp_alert",
    doc: "Default of smtp_alert in VRRP instances.",
  }),
  smtp_alert_checker: keyword.field("smtpAlertChecker", switchArg, {
    default: "smtp_alert",
    doc: "Default of smtp_alert in virtual and real servers.",
  }),
  no_email_faults: keyword.flag("noEmailFaults", {
    default: "off",
    doc: "No mail when an instance enters FAULT.",
  }),
  no_checker_emails: keyword.field("noCheckerEmails", switchArg, {
    default: "off",
    doc: "Mail only when a real server joins or leaves its pool, not for every checker.",
  }),
};

function atLeastOneSecond(timeout: Milliseconds, { keyword: name, at, diagnostics }: Context): Milliseconds {
  if (timeout > 0) return timeout;
  diagnostics.warn("CFG_ADJUSTED", at, `${name} 0 is too short; 1 s is used`, `write: ${name} 1`);
  return 1000 as Milliseconds;
}
