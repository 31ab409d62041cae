import { type BufferKind, bufferKeywords } from "../keywords/global-buffers.js";
import { childNames } from "../keywords/global-process.js";
import type { Config, GlobalConfig, MailConfig } from "../model.js";
import type { FilesConfig, LvsGlobals, PacketFilterConfig, ReloadConfig, SnmpConfig } from "../model-global.js";
import type { ConfWriter } from "./conf-writer.js";
import { showInstanceDefaults } from "./global-defaults.js";
import { showFifos, showScripts } from "./global-scripts.js";
import { inSeconds } from "./seconds.js";
import type { ShowOptions } from "./show.js";

/** The settings outside any block, and `global_defs`. Nothing in it is secret. */
export function showGlobal(config: Config, out: ConfWriter, _: ShowOptions): void {
  showRoot(config, out);
  out.gap();
  out.block("global_defs", [], () => {
    const { global } = config;
    showMail(global, out);
    showInstanceDefaults(global, out);
    showPacketFilter(global, out);
    showLvsGlobals(global, out);
    showScripts(global, out);
    showFifos(global, out);
    showProcesses(global, out);
    showBuffers(global, out);
    showSnmp(global.snmp, out);
    out.flag("enable_dbus", global.dbus.enabled);
    out.line("dbus_service_name", global.dbus.serviceName);
    out.setting("dbus_no_interface_name", global.dbus.noInterfaceName);
    showReload(global.reload, out);
    showFiles(global.files, out);
  });
  out.gap();
}

function showRoot({ process }: Config, out: ConfWriter): void {
  out.setting("net_namespace", process.netNamespace);
  if (process.ipvsNamespace === "default") out.line("net_namespace_ipvs");
  else if (process.ipvsNamespace !== "own") out.line("net_namespace_ipvs", process.ipvsNamespace.name);
  out.flag("namespace_with_ipsets", process.namespaceWithIpsets);
  out.setting("instance", process.instanceName);
  out.flag("use_pid_dir", process.usePidDir);
  if (process.childWaitTime !== undefined) out.line("child_wait_time", inSeconds(process.childWaitTime));
  out.flag("linkbeat_use_polling", process.linkbeatUsePolling);
}

function showMail(global: GlobalConfig, out: ConfWriter): void {
  const { mail, alerts } = global;
  out.line("router_id", global.routerId);
  if (mail !== undefined) showRelay(mail, out);
  out.onOff("smtp_alert_vrrp", alerts.vrrp);
  out.onOff("smtp_alert_checker", alerts.checker);
  out.flag("no_email_faults", !alerts.faults);
  out.onOff("no_checker_emails", !alerts.checkerChanges);
}

function showRelay(mail: MailConfig, out: ConfWriter): void {
  out.list(
    "notification_email",
    mail.recipients.map((recipient) => [recipient]),
  );
  out.line("notification_email_from", mail.from);
  out.line("smtp_server", mail.server, mail.port);
  out.line("smtp_helo_name", mail.heloName);
  out.line("smtp_connect_timeout", inSeconds(mail.connectTimeout));
}

function showPacketFilter({ vrrpIptables: chains, packetFilter }: GlobalConfig, out: ConfWriter): void {
  if (chains !== undefined) out.line("vrrp_iptables", chains.inChain, chains.outChain);
  showSets(packetFilter, chains !== undefined, out);
  const { nftables, ipvs } = packetFilter;
  if (nftables !== undefined) {
    out.line("nftables", nftables.table);
    out.line("nftables_priority", nftables.priority);
  }
  out.flag("nftables_ifindex", packetFilter.ifindex);
  out.flag("nftables_counters", packetFilter.counters);
  if (ipvs === undefined) return;
  out.line("nftables_ipvs", ipvs.table);
  out.line("nftables_ipvs_priority", ipvs.priority);
  out.line("nftables_ipvs_start_fwmark", ipvs.startFwmark);
}

/** Without names the keyword switches sets off, which are on with iptables only. */
function showSets({ ipsets }: PacketFilterConfig, iptables: boolean, out: ConfWriter): void {
  if (ipsets === undefined) out.flag("vrrp_ipsets", iptables);
  else {
    const { address, address6, interface6, igmp, mld, nd } = ipsets;
    out.line("vrrp_ipsets", address, address6, interface6, igmp, mld, nd);
  }
}

function showLvsGlobals(global: GlobalConfig, out: ConfWriter): void {
  const { lvs } = global;
  showTimeouts(lvs.timeouts, out);
  out.flag("lvs_flush", lvs.flush);
  if (lvs.flushOnStop !== "off") out.line("lvs_flush_on_stop", lvs.flushOnStop === "VS" ? "VS" : undefined);
  const sync = lvs.syncDaemon;
  if (sync !== undefined) {
    const words: (string | number)[] = [sync.interface];
    if (sync.instance !== undefined) words.push("inst", sync.instance);
    words.push("id", sync.id);
    if (sync.maxLength !== undefined) words.push("maxlen", sync.maxLength);
    words.push("port", sync.port);
    if (sync.ttl !== undefined) words.push("ttl", sync.ttl);
    out.line("lvs_sync_daemon", ...words, "group", sync.group);
  }
  out.onOff("rs_init_notifies", lvs.initNotifies);
  out.line("lvs_reconcile", global.lvsReconcile);
  const { selfCheck: self } = global;
  if (self !== undefined) {
    const flags = [...(self.tellsFifo ? ["notify_fifo"] : []), ...(self.mails ? ["smtp_alert"] : [])];
    const links = self.interfaces.flatMap((name) => ["interface", name]);
    out.line("self_check", ...links, "most", `${self.most}%`, "hold", inSeconds(self.hold), ...flags);
  }
  out.setting("checker_threads", global.checkerThreads);
  out.setting("checker_max_in_flight", global.checkerMaxInFlight);
  out.setting("checker_max_in_flight_per_host", global.checkerMaxInFlightPerHost);
  out.line("checker_max_processes", global.checkerMaxProcesses);
}

function showTimeouts({ tcp, tcpFin, udp }: LvsGlobals["timeouts"], out: ConfWriter): void {
  const words: string[] = [];
  if (tcp !== undefined) words.push("tcp", inSeconds(tcp));
  if (tcpFin !== undefined) words.push("tcpfin", inSeconds(tcpFin));
  if (udp !== undefined) words.push("udp", inSeconds(udp));
  if (words.length > 0) out.line("lvs_timeouts", ...words);
}

function showProcesses({ processes }: GlobalConfig, out: ConfWriter): void {
  out.setting("process_name", processes.name);
  for (const child of childNames) {
    const { name, priority, noSwap, realTimePriority, realTimeLimit, cpus } = processes[child];
    out.setting(`${child}_process_name`, name);
    out.setting(`${child}_priority`, priority);
    out.flag(`${child}_no_swap`, noSwap);
    if (realTimePriority > 0) out.line(`${child}_rt_priority`, realTimePriority);
    if (realTimeLimit !== undefined) out.line(`${child}_rlimit_rttime`, Math.round(realTimeLimit * 1000));
    if (cpus.length > 0) out.line(`${child}_cpu_affinity`, ...cpus);
  }
  out.line("max_auto_priority", processes.maxAutoPriority);
  out.line("min_auto_priority_delay", Math.round(processes.minAutoPriorityDelay * 1000));
  out.line("late_timer_warning", Math.round(processes.lateTimerWarning * 1000));
  out.line("umask", `0${processes.umask.toString(8).padStart(3, "0")}`);
}

function showBuffers({ buffers }: GlobalConfig, out: ConfWriter): void {
  for (const kind of Object.keys(bufferKeywords) as readonly BufferKind[]) {
    out.setting(bufferKeywords[kind], buffers[kind].size);
    out.onOff(`${bufferKeywords[kind]}_force`, buffers[kind].force);
  }
  if (buffers.vrrpReceive !== "system") out.line("vrrp_rx_bufs_policy", buffers.vrrpReceive);
  out.line("vrrp_rx_bufs_multiplier", buffers.vrrpReceiveMultiplier);
}

function showSnmp(snmp: SnmpConfig, out: ConfWriter): void {
  out.setting("snmp_socket", snmp.socket);
  out.flag("enable_traps", snmp.traps);
  out.flag("enable_snmp_vrrp", snmp.vrrp);
  out.flag("enable_snmp_rfcv2", snmp.rfcV2);
  out.flag("enable_snmp_rfcv3", snmp.rfcV3);
  out.flag("enable_snmp_checker", snmp.checker);
  out.line("snmp_vs_stats_update_interval", inSeconds(snmp.virtualServerInterval));
  if (snmp.realServerInterval > 0) out.line("snmp_rs_stats_update_interval", inSeconds(snmp.realServerInterval));
}

function showReload(reload: ReloadConfig, out: ConfWriter): void {
  out.setting("reload_check_config", reload.checkLog);
  out.setting("reload_time_file", reload.timeFile);
  out.flag("reload_repeat", reload.repeat);
  if (reload.markerFile === true) out.line("reload_file");
  else if (reload.markerFile !== false) out.line("reload_file", reload.markerFile);
}

function showFiles(files: FilesConfig, out: ConfWriter): void {
  out.setting("config_save_dir", files.saveDirectory);
  out.setting("tmp_config_directory", files.temporaryDirectory);
  out.onOff("data_use_instance", files.useInstance);
  out.line("json_version", files.jsonVersion);
  out.setting("state_dump_file", files.stateDump);
  out.setting("stats_dump_file", files.statsDump);
  out.setting("json_dump_file", files.jsonDump);
  out.setting("iproute_usr_dir", files.iprouteUsrDirectory);
  out.setting("iproute_etc_dir", files.iprouteEtcDirectory);
  out.setting("random_seed", files.randomSeed);
}
