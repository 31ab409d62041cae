import type { IpAddress } from "../../address.js";
import type { Milliseconds } from "../../units.js";
import { choice, integer, ipArg, optional, seconds, switchArg, text } from "../args.js";
import { isMulticast } from "../ip.js";
import { type Context, keywordsFor, type Scope } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { type GlobalGarpDraft, globalGarpKeywords } from "./garp.js";
import { later } from "./later.js";

/** What `global_defs` said; undefined where it said nothing. Several blocks fill one draft. */
export interface GlobalDraft extends GlobalGarpDraft {
  readonly notificationEmail: string[];
  notificationEmailFrom?: string;
  smtpServer?: { readonly host: string; readonly port: number };
  smtpConnectTimeout?: Milliseconds;
  smtpHeloName?: string;
  routerId?: string;
  smtpAlert?: boolean;
  smtpAlertVrrp?: boolean;
  smtpAlertChecker?: boolean;
  vrrpVersion?: 2 | 3;
  vrrpStrict?: boolean;
  skipCheckAdvAddr?: boolean;
  mcastGroup4?: IpAddress;
  downTimerAdverts?: number;
  lowerPrioNoAdvert?: boolean;
  higherPrioSendAdvert?: boolean;
  ownerIgnoreAdverts?: boolean;
  iptables?: { readonly inChain: string; readonly outChain: string };
  scriptUser?: { readonly user: string; readonly group: string | undefined; readonly at: SourcePosition };
  enableScriptSecurity?: boolean;
  dynamicInterfaces?: boolean;
  checkerLogAllFailures?: boolean;
  lvsReconcile?: "presence" | "full" | "off";
}

export const newGlobalDraft = (): GlobalDraft => ({ notificationEmail: [] });

const keyword = keywordsFor<GlobalDraft>();

const mail = {
  notification_email: keyword.list({
    entries: "words",
    entry: (draft, [word], { diagnostics }) => {
      draft.notificationEmail.push(word.text);
      if (/[^@]@[^@]|^[a-z_][\w.-]*$/i.test(word.text)) return;
      const hint = 'one address per word; a name with blanks stands in quotes: "Name <user@host>"';
      diagnostics.warn("CFG_ADVICE", word.at, `'${word.text}' does not look like a mail address`, hint);
    },
    source: "keepalived.conf(5) notification_email",
    doc: "Recipients of mail; every word in the block is one address.",
  }),
  notification_email_from: keyword.value({
    args: [text],
    apply: (draft, [from]) => {
      draft.notificationEmailFrom = from;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    missing: "notification_email_from missing - ignoring",
    source: "keepalived.conf(5) notification_email_from",
    doc: "Sender of mail.",
  }),
  smtp_server: keyword.value({
    args: [text, optional(integer(1, 65535), 25)],
    apply: (draft, [host, port]) => {
      draft.smtpServer = { host, port };
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) smtp_server",
    doc: "Relay that takes the mail: address or name, and port (25).",
  }),
  smtp_helo_name: keyword.value({
    args: [text],
    apply: (draft, [name]) => {
      draft.smtpHeloName = name;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    missing: "smtp_helo_name missing - ignoring",
    source: "keepalived.conf(5) smtp_helo_name",
    doc: "Name given in HELO; the host name by default.",
  }),
  smtp_connect_timeout: keyword.value({
    args: [seconds(0, 4294, 0)],
    apply: (draft, [timeout], context) => {
      draft.smtpConnectTimeout = atLeastOneSecond(timeout, context);
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) smtp_connect_timeout",
    doc: "Limit on establishing the connection to the relay.",
  }),
  smtp_alert: switchKeyword("smtpAlert", "Default of all smtp_alert switches."),
  smtp_alert_vrrp: switchKeyword("smtpAlertVrrp", "Default of smtp_alert in VRRP instances."),
  smtp_alert_checker: switchKeyword("smtpAlertChecker", "Default of smtp_alert in virtual and real servers."),
} as const;

const vrrp = {
  vrrp_version: keyword.value({
    args: [choice("2", "3")],
    apply: (draft, [version]) => {
      draft.vrrpVersion = version === "3" ? 3 : 2;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) vrrp_version",
    doc: "Protocol version of instances that do not say it; IPv6 instances use 3.",
  }),
  vrrp_strict: switchKeyword("vrrpStrict", "Default of strict_mode in instances."),
  vrrp_skip_check_adv_addr: switchKeyword("skipCheckAdvAddr", "Default of skip_check_adv_addr in instances."),
  vrrp_lower_prio_no_advert: switchKeyword("lowerPrioNoAdvert", "Default of lower_prio_no_advert in instances."),
  vrrp_higher_prio_send_advert: switchKeyword("higherPrioSendAdvert", "Default of higher_prio_send_advert."),
  vrrp_owner_ignore_adverts: switchKeyword("ownerIgnoreAdverts", "Default of owner_ignore_adverts in instances."),
  vrrp_down_timer_adverts: keyword.value({
    args: [integer(1, 100)],
    apply: (draft, [count]) => {
      draft.downTimerAdverts = count;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) vrrp_down_timer_adverts",
    doc: "Missed adverts that make up the master-down timer.",
  }),
  vrrp_mcast_group4: keyword.value({
    args: [ipArg("inet")],
    apply: (draft, [group], { diagnostics, at }) => {
      if (isMulticast(group, "inet")) draft.mcastGroup4 = group;
      else {
        const message = `vrrp_mcast_group4 '${group}' is not a multicast address - ignoring`;
        diagnostics.error("CFG_BAD_VALUE", at, message, "use an address in 224.0.0.0/4; the default is 224.0.0.18");
      }
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) vrrp_mcast_group4",
    doc: "Destination of IPv4 adverts.",
  }),
  vrrp_iptables: keyword.value({
    args: [optional(text, "INPUT"), optional(text, "OUTPUT")],
    apply: (draft, [inChain, outChain]) => {
      draft.iptables = { inChain, outChain };
    },
    onInvalid: "ignore",
    repeat: "first-wins-reported",
    source: "keepalived.conf(5) vrrp_iptables",
    doc: "Names of the chains for accept and no_accept; accepted for compatibility.",
  }),
  dynamic_interfaces: keyword.value({
    args: [optional(choice("allow_if_changes"), undefined)],
    apply: (draft) => {
      draft.dynamicInterfaces = true;
    },
    onInvalid: { use: [undefined], says: "dynamic_interfaces is set all the same" },
    repeat: "last-wins",
    source: "keepalived.conf(5) dynamic_interfaces",
    doc: "Interfaces that do not exist yet are accepted.",
  }),
} as const;

const host = {
  router_id: keyword.value({
    args: [text],
    apply: (draft, [id]) => {
      draft.routerId = id;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    missing: "routerid name missing - ignoring",
    source: "keepalived.conf(5) router_id",
    doc: "Name of this machine in mail; the host name by default.",
  }),
  script_user: keyword.value({
    args: [text, optional(text, undefined)],
    apply: (draft, [user, group], { at }) => {
      draft.scriptUser = { user, group, at };
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    missing: "No script username specified",
    source: "keepalived.conf(5) script_user",
    doc: "User (and group) that scripts run as unless they say otherwise.",
  }),
  enable_script_security: keyword.value({
    args: [],
    apply: (draft) => {
      draft.enableScriptSecurity = true;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) enable_script_security",
    doc: "A script that another user than root could change is not run as root.",
  }),
  checker_log_all_failures: switchKeyword("checkerLogAllFailures", "Logs every failed check, not only changes."),
  lvs_reconcile: keyword.value({
    args: [choice("presence", "full", "off")],
    apply: (draft, [what]) => {
      draft.lvsReconcile = what;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "ours: design.md §2 'Whose entry is it?'",
    doc: "What is put right when somebody else changes our entries in the IPVS table.",
  }),
} as const;

type SwitchField = {
  [K in keyof GlobalDraft]-?: GlobalDraft[K] extends boolean | undefined ? K : never;
}[keyof GlobalDraft];

function switchKeyword(field: SwitchField, doc: string) {
  return keyword.value({
    args: [switchArg],
    apply: (draft, [on]) => {
      draft[field] = on;
    },
    onInvalid: "ignore",
    repeat: "last-wins",
    source: "keepalived.conf(5) global_defs",
    doc,
  });
}

function atLeastOneSecond(timeout: Milliseconds, { keyword: name, at, diagnostics }: Context): Milliseconds {
  if (timeout > 0) return timeout;
  diagnostics.warn("CFG_ADJUSTED", at, `${name} 0 is too short; 1 s is used`, `write: ${name} 1`);
  return 1000 as Milliseconds;
}

export const globalScope: Scope<GlobalDraft> = {
  name: "global_defs",
  keywords: { ...mail, ...vrrp, ...host, ...globalGarpKeywords },
  later: later.global_defs,
};
