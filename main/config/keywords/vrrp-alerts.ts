import { reportMissing } from "../apply.js";
import { switchArg } from "../args.js";
import { keywordsFor, type ScriptKeyword } from "../keyword.js";
import { garpExtraIfWords, readGarpExtraIf } from "./garp.js";
import type { NotifyEvent, VrrpInstanceDraft } from "./vrrp-instance-draft.js";

interface Notifies {
  readonly notify: VrrpInstanceDraft["notify"];
  smtpAlert?: boolean;
  notifyPriorityChanges?: boolean;
}

/** What an instance and a sync group have in common. */
export function commonAlertKeywords<Draft extends Notifies>() {
  const { script, value } = keywordsFor<Draft>();
  const notify = (event: NotifyEvent, doc: string): ScriptKeyword<Draft> =>
    script({
      apply: (draft, line) => {
        draft.notify[event] = line;
      },
      doc,
    });
  return {
    notify: notify("all", "Script run on every transition, with type, name, state and priority appended."),
    notify_master: notify("master", "Script run on becoming master."),
    notify_backup: notify("backup", "Script run on becoming backup."),
    notify_fault: notify("fault", "Script run on a fault."),
    notify_stop: notify("stop", "Script run when VRRP stops."),
    smtp_alert: value({
      args: [switchArg],
      apply: (draft, [on]) => {
        draft.smtpAlert = on;
      },
      default: "smtp_alert_vrrp, smtp_alert",
      doc: "Mail on transitions.",
    }),
    notify_priority_changes: value({
      args: [switchArg],
      apply: (draft, [on]) => {
        draft.notifyPriorityChanges = on;
      },
      default: "vrrp_notify_priority_changes",
      doc: "Changes of priority are written to FIFOs.",
    }),
  } as const;
}

const keyword = keywordsFor<VrrpInstanceDraft>();
const common = commonAlertKeywords<VrrpInstanceDraft>();

const garpExtraIf = keyword.words({
  shape: "[all] <seconds: 0..86400>",
  options: garpExtraIfWords,
  apply: (draft, words, context) => {
    const extra = readGarpExtraIf(words, 0, context);
    if (extra !== undefined) draft.garpExtra = extra;
  },
  default: "vrrp_garp_extra_if",
  since: "2.2.3",
  doc: "Announces the addresses again and again on other interfaces; 0: not at all.",
});

export const alertKeywords = {
  ...common,
  notify_priority_changes: { ...common.notify_priority_changes, since: "2.0.16" },
  notify_deleted: keyword.words({
    shape: '["<command> [<arguments>]" [<user> [[:]<group>]]]',
    apply: (draft, [command, user, group], { keyword: name, at }) => {
      draft.notifyDeleted = true;
      if (command === undefined) return;
      draft.notifyDeletedScript = { command: command.text, user: user?.text, group: group?.text, keyword: name, at };
    },
    repeat: "first-wins-reported",
    since: "2.1.0",
    doc: "DELETED instead of FAULT when a reload removes the instance, and a script for it.",
  }),
  notify_master_rx_lower_pri: keyword.scriptField("notifyLowerPriority", {
    since: "2.0.6",
    doc: "Script run when a master hears a lower priority.",
  }),
  lvs_sync_daemon_interface: keyword.words({
    shape: "<interface>",
    apply: (draft, [name], context) => {
      if (name === undefined) reportMissing(context, 2, "<interface>");
      else if (draft.syncDaemonInterface === undefined) draft.syncDaemonInterface = name.text;
      else {
        const message = `(${draft.name}) lvs_sync_daemon_interface has already been set - ignoring`;
        context.diagnostics.error("CFG_REPEATED", name.at, message, "remove one of them");
      }
    },
    deprecated: { instead: "lvs_sync_daemon in global_defs" },
    doc: "Interface of the IPVS sync daemon.",
  }),
  garp_extra_if: garpExtraIf,
  vmac_garp_intvl: {
    ...garpExtraIf,
    aliasOf: "garp_extra_if",
    since: "2.2.0",
    deprecated: { instead: "garp_extra_if" },
  },
} as const;
