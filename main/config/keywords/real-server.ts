import type { IpAddress } from "../../address.js";
import { integer, switchArg, text } from "../args.js";
import { keywordsFor, type Scope, type ScriptLine } from "../keyword.js";
import type { SourcePosition } from "../model.js";
import { type CheckDraft, checkKeywords } from "./checks.js";
import { type ForwardingDraft, forwardingOptions, forwardingShape, readForwarding } from "./forwarding.js";
import { oneName } from "./one-name.js";
import { realServerTiming, type TimingDraft } from "./timing.js";

/** What one `real_server` block said. */
export interface RealServerDraft extends TimingDraft {
  readonly at: SourcePosition;
  readonly address: IpAddress;
  /** Undefined: the port of the service. */
  readonly port: number | undefined;
  weight: number | undefined;
  forwarding?: ForwardingDraft;
  upperThreshold?: number;
  lowerThreshold?: number;
  inhibitOnFailure?: boolean;
  alpha?: boolean;
  virtualhost?: string;
  smtpAlert?: boolean;
  snmpName?: string;
  notifyUp?: ScriptLine;
  notifyDown?: ScriptLine;
  /** Undefined: none. Most have one, and an array that grows by push would have room for 17. */
  checks: CheckDraft[] | undefined;
}

const keyword = keywordsFor<RealServerDraft>();
const INHERITED = "virtual_server setting";

export const realServerScope: Scope<RealServerDraft> = {
  name: "real_server",
  keywords: {
    weight: keyword.field("weight", integer(0, 0x7fff_ffff), { default: INHERITED, doc: "Initial weight." }),
    lvs_method: keyword.words({
      shape: forwardingShape,
      options: forwardingOptions,
      apply: (draft, words, context) => {
        const read = readForwarding(words, context, draft.forwarding?.tunnel);
        if (read !== undefined) draft.forwarding = read;
      },
      default: "that of the virtual_server",
      doc: "Forwarding method for this server.",
    }),
    uthreshold: keyword.field("upperThreshold", integer(0, 0xffff_ffff), {
      default: "0",
      doc: "Connections from which on no more are sent here; 0 is no limit.",
    }),
    lthreshold: keyword.field("lowerThreshold", integer(0, 0xffff_ffff), {
      default: "0",
      doc: "Connections below which they are sent here again.",
    }),
    inhibit_on_failure: keyword.field("inhibitOnFailure", switchArg, {
      default: INHERITED,
      doc: "Weight 0 on failure instead of removal.",
    }),
    alpha: keyword.field("alpha", switchArg, { default: INHERITED, doc: "Down until the first success." }),
    ...realServerTiming,
    smtp_alert: keyword.field("smtpAlert", switchArg, {
      default: "smtp_alert_checker, else smtp_alert, else on",
      doc: "Mail when this server goes up or down.",
    }),
    virtualhost: keyword.field("virtualhost", text, {
      repeat: "last-wins-reported",
      missing: "virtualhost missing - ignoring",
      default: INHERITED,
      doc: "Host header of this server's checks.",
    }),
    snmp_name: oneName<RealServerDraft>("real server", {
      since: "2.2.3",
      effect: "accepted",
      doc: "Name of this server in SNMP tables.",
    }),
    notify_up: keyword.scriptField("notifyUp", { doc: "Script run when the server goes up." }),
    notify_down: keyword.scriptField("notifyDown", { doc: "Script run when the server goes down." }),
    ...checkKeywords,
  },
};
