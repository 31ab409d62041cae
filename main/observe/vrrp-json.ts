import type { ScriptCommand, VrrpInstanceConfig } from "../config/model.js";
import {
  addressTexts,
  quotedCommand,
  routeTexts,
  type TrackProcessDump,
  trackedNames,
  type VrrpDump,
  type VrrpInstanceDump,
  type VrrpStats,
  vrrpStateNumbers,
} from "./vrrp-dump.js";

/**
 * keepalived.json. Version 1 is a top-level array, and the default: version 2, an object, breaks exporters.
 * Order of fields and forms of numbers as keepalived 2.4.3 writes them; a `/` is escaped as keepalived does.
 * Yields one piece per instance, so that the caller can breathe in between.
 */
export function* vrrpJson(dump: VrrpDump, version: 1 | 2 = 1): Generator<string> {
  if (version === 1) {
    yield* instancesJson(dump);
    yield "\n";
    return;
  }
  yield '{"vrrp":';
  yield* instancesJson(dump);
  yield `,"track_process":[${(dump.processes ?? []).map((process) => objectText(processFields(process))).join(",")}]}\n`;
}

function* instancesJson(dump: VrrpDump): Generator<string> {
  const commands = new Map(dump.scripts.map(({ config }) => [config.name, quotedCommand(config.command)]));
  yield "[";
  for (const [i, instance] of dump.instances.entries()) {
    const data = objectText([...dataFields(instance), ...optionalFields(instance, commands)]);
    const stats = objectText(statsFields(instance.live.stats));
    yield `${i === 0 ? "" : ","}{"data":${data},"stats":${stats}}`;
  }
  yield "]";
}

/** A name and its value as JSON text. */
type Field = readonly [name: string, json: string];

const objectText = (fields: readonly Field[]): string => `{${fields.map(([k, v]) => `"${k}":${v}`).join(",")}}`;
const text = (value: string): string => JSON.stringify(value).replaceAll("/", "\\/");
const array = (values: readonly string[]): string => `[${values.map(text).join(",")}]`;
const bool = (value: boolean): string => String(value);
const bit = (value: boolean): string => (value ? "1" : "0");
const integer = (value: number): string => String(Math.round(value));
/** printf's %g: six significant digits, `5` and never `5.0` (an exporter decodes it into an integer). */
const general = (value: number): string => String(Number(value.toPrecision(6)));
const seconds = (milliseconds: number): string => general(milliseconds / 1000);

function dataFields({ config, live }: VrrpInstanceDump): Field[] {
  return [
    ["iname", text(config.name)],
    ["dont_track_primary", bit(config.dontTrackPrimary)],
    ["skip_check_adv_addr", bit(config.skipCheckAdvAddr)],
    ["strict_mode", bit(config.strict)],
    ["vmac_ifname", text(live.virtualDevice ?? "")],
    ...(config.interface === "" ? [] : [["ifp_ifname", text(live.virtualDevice ?? config.interface)] as const]),
    ["master_priority", integer(live.masterPriority)],
    ["last_transition", (live.lastTransition / 1000).toFixed(6)],
    ["garp_delay", seconds(config.garp.masterDelay)],
    ["garp_refresh", seconds(config.garp.masterRefresh)],
    ["garp_rep", integer(config.garp.masterRepeat)],
    ["garp_refresh_rep", integer(config.garp.masterRefreshRepeat)],
    ["garp_lower_prio_delay", integer(config.garp.lowerPrioDelay / 1000)],
    ["garp_lower_prio_rep", integer(config.garp.lowerPrioRepeat)],
    ["lower_prio_no_advert", bit(config.lowerPrioNoAdvert)],
    ["higher_prio_send_advert", bit(config.higherPrioSendAdvert)],
    ["vrid", integer(config.vrid)],
    ["base_priority", integer(config.basePriority)],
    ["effective_priority", integer(live.effectivePriority)],
    ["vipset", bool(live.vipsSet)],
    ["promote_secondaries", bool(config.extras.promoteSecondaries)],
    ["adver_int", seconds(config.advertInterval)],
    ["master_adver_int", seconds(live.masterAdvertInterval)],
    ["accept", bit(config.accept)],
    ["nopreempt", bool(!config.preempt)],
    ["preempt_delay", integer(Math.floor(config.preemptDelay / 1000))],
    ["state", integer(vrrpStateNumbers[live.state])],
    ["wantstate", integer(vrrpStateNumbers[live.wantState])],
    ["version", integer(config.version)],
    ["smtp_alert", bool(config.smtpAlert)],
    ["notify_deleted", bool(config.extras.notifyDeleted)],
  ];
}

/** Name in JSON and the notify script it shows, in the order of the file. */
const notifyScripts = ({
  notify,
  extras,
}: VrrpInstanceConfig): readonly (readonly [string, ScriptCommand | undefined])[] => [
  ["script_backup", notify.backup],
  ["script_master", notify.master],
  ["script_fault", notify.fault],
  ["script_stop", notify.stop],
  ["script_deleted", extras.notifyDeletedScript],
  ["script", notify.all],
  ["script_master_rx_lower_pri", extras.notifyLowerPriority],
];

/** Fields that are there only when configured. */
function optionalFields(instance: VrrpInstanceDump, commands: ReadonlyMap<string, string>): Field[] {
  const { config } = instance;
  const { vips, evips } = addressTexts(instance);
  const { routes, rules } = routeTexts(instance);
  const tracked = trackedNames(instance);
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ["vips", vips],
    ["evips", evips],
    ["vroutes", routes],
    ["vrules", rules],
    ["track_ifp", tracked.interfaces],
    ["track_script", tracked.scripts.map((name) => commands.get(name) ?? name)],
    ["track_process", config.track.processes.map(({ name }) => name)],
  ];
  const hasPassword = config.version === 2 && config.authPass !== undefined;
  return [
    ...notifyScripts(config).flatMap(([name, command]): Field[] =>
      command === undefined ? [] : [[name, text(quotedCommand(command))]],
    ),
    ...lists.flatMap(([name, values]): Field[] => (values.length === 0 ? [] : [[name, array(values)]])),
    ["auth_type", hasPassword ? (config.wire.ah ? "2" : "1") : "0"],
    ...(hasPassword ? [["auth_data", text("********")] as const] : []),
  ];
}

/** Version 2 only. Delays are in seconds; a weight that is reversed is negative. */
function processFields({ config, running, haveQuorum, delayed }: TrackProcessDump): Field[] {
  const { parameters, match, quorumMax } = config;
  return [
    ["process", text(config.command)],
    ...(parameters.length === 0 ? [] : [["parameters", text(parameters.join(" "))] as const]),
    ["param_match", text(match)],
    ["min_processes", integer(config.quorum)],
    ...(quorumMax === undefined ? [] : [["max_processes", integer(quorumMax)] as const]),
    ["current_processes", integer(running)],
    ["have_quorum", bool(haveQuorum)],
    ["weight", integer(config.reverse ? -config.weight : config.weight)],
    ["terminate_delay", seconds(config.terminateDelay)],
    ["fork_delay", seconds(config.forkDelay)],
    ["fork_delay_timer_running", bool(delayed === "fork")],
    ["terminate_delay_timer_running", bool(delayed === "terminate")],
    ["full_command", bool(config.fullCommand)],
  ];
}

function statsFields(s: VrrpStats): Field[] {
  const counters: readonly (readonly [string, number])[] = [
    ["advert_rcvd", s.advertRcvd],
    ["advert_sent", s.advertSent],
    ["become_master", s.becomeMaster],
    ["release_master", s.releaseMaster],
    ["packet_len_err", s.packetLenErr],
    ["advert_interval_err", s.advertIntervalErr],
    ["ip_ttl_err", s.ipTtlErr],
    ["invalid_type_rcvd", s.invalidTypeRcvd],
    ["addr_list_err", s.addrListErr],
    ["invalid_authtype", s.invalidAuthtype],
    ["authtype_mismatch", s.authtypeMismatch],
    ["auth_failure", s.authFailure],
    ["auth_ext_missing", s.authExtMissing],
    ["auth_ext_malformed", s.authExtMalformed],
    ["auth_ext_unknown_key", s.authExtUnknownKey],
    ["auth_ext_invalid_hmac", s.authExtInvalidHmac],
    ["auth_ext_stale", s.authExtStale],
    ["auth_ext_replay", s.authExtReplay],
    ["pri_zero_rcvd", s.priZeroRcvd],
    ["pri_zero_sent", s.priZeroSent],
  ];
  return counters.map(([name, value]) => [name, integer(value)]);
}
