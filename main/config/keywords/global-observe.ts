import type { Milliseconds } from "../../units.js";
import { seconds } from "../args.js";
import { alias, type Keyword, keywordsFor, type ValueKeyword } from "../keyword.js";
import { ACCEPTED, badValue, word } from "./global-args.js";

/** SNMP and D-Bus. */
export interface ObserveDraft {
  snmpSocket?: string;
  snmpTraps?: boolean;
  snmpVrrp?: boolean;
  snmpRfcV2?: boolean;
  snmpRfcV3?: boolean;
  snmpChecker?: boolean;
  snmpVirtualServerInterval?: Milliseconds;
  snmpRealServerInterval?: Milliseconds;
  enableDbus?: boolean;
  dbusServiceName?: string;
  dbusNoInterfaceName?: string;
}

const keyword = keywordsFor<ObserveDraft>();

/** PATH_MAX without its NUL. */
const LONGEST_PATH = 4095;

const snmpVrrp: ValueKeyword<ObserveDraft, readonly []> = keyword.flag("snmpVrrp", {
  ...ACCEPTED,
  default: "off; on with --snmp",
  doc: "SNMP: the VRRP part of keepalived's own MIB.",
});

export const globalObserveKeywords: Readonly<Record<string, Keyword<ObserveDraft>>> = {
  snmp_socket: keyword.words({
    ...ACCEPTED,
    shape: "<address>",
    apply: (draft, [socket, surplus], context) => {
      const hint = "write: snmp_socket <address>, for instance unix:/var/agentx/master or udp:localhost:705";
      if (socket === undefined) badValue(context, undefined, "needs an address - ignoring", hint);
      else if (surplus !== undefined) badValue(context, surplus, "has more than one word - ignoring", hint);
      else if (socket.text.length > LONGEST_PATH) badValue(context, socket, "is too long - ignoring", hint);
      else draft.snmpSocket = socket.text;
    },
    repeat: "first-wins-reported",
    default: "unix:/var/agentx/master",
    doc: "Address of the AgentX master agent.",
  }),
  enable_traps: keyword.flag("snmpTraps", {
    ...ACCEPTED,
    default: "off",
    doc: "SNMP: a trap for each change of state.",
  }),
  enable_snmp_vrrp: snmpVrrp,
  enable_snmp_keepalived: alias(snmpVrrp, "enable_snmp_vrrp", {
    deprecated: { instead: "enable_snmp_vrrp", silent: true },
  }),
  enable_snmp_rfc: keyword.value({
    ...ACCEPTED,
    args: [],
    apply: (draft) => {
      draft.snmpRfcV2 = true;
      draft.snmpRfcV3 = true;
    },
    default: "off; on with --snmp",
    doc: "SNMP: both VRRP MIBs of the RFCs.",
  }),
  enable_snmp_rfcv2: keyword.flag("snmpRfcV2", {
    ...ACCEPTED,
    default: "off; on with --snmp",
    doc: "SNMP: the MIB of VRRP version 2 (RFC 2787).",
  }),
  enable_snmp_rfcv3: keyword.flag("snmpRfcV3", {
    ...ACCEPTED,
    default: "off; on with --snmp",
    doc: "SNMP: the MIB of VRRP version 3 (RFC 6527).",
  }),
  enable_snmp_checker: keyword.flag("snmpChecker", {
    ...ACCEPTED,
    default: "off; on with --snmp",
    doc: "SNMP: the part of keepalived's own MIB about virtual and real servers.",
  }),
  snmp_vs_stats_update_interval: keyword.field("snmpVirtualServerInterval", seconds(0.001, 30, 6), {
    ...ACCEPTED,
    default: "5",
    since: "2.3.0",
    doc: "SNMP: counters of virtual servers are read again when they are older.",
  }),
  snmp_rs_stats_update_interval: keyword.field("snmpRealServerInterval", seconds(0.001, 30, 6), {
    ...ACCEPTED,
    default: "0",
    since: "2.3.0",
    doc: "SNMP: counters of real servers are read again when they are older.",
  }),
  enable_dbus: keyword.flag("enableDbus", { ...ACCEPTED, default: "off", doc: "Offers VRRP instances on D-Bus." }),
  dbus_service_name: keyword.field("dbusServiceName", word("<name>"), {
    ...ACCEPTED,
    missing: "dbus_service_name missing - ignoring",
    default: "org.keepalived.Vrrp1",
    doc: "Name of the service on D-Bus.",
  }),
  dbus_no_interface_name: keyword.field("dbusNoInterfaceName", word("<name>"), {
    ...ACCEPTED,
    missing: "dbus_no_interface_name missing - ignoring",
    default: "none",
    since: "2.3.0",
    doc: "Stands for the interface in D-Bus paths of instances that have none.",
  }),
};
