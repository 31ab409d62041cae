import type { VrrpScriptConfig } from "../model.js";
import type {
  LinkSettingsConfig,
  StaticEntriesConfig,
  SyncGroupConfig,
  TrackersConfig,
  TrackFileConfig,
  TrackProcessConfig,
  VrrpSections,
} from "../model-vrrp.js";
import { addressWords } from "./addresses.js";
import { type ConfWriter, userWords } from "./conf-writer.js";
import { routeWords, ruleWords } from "./routes.js";
import { inSeconds } from "./seconds.js";
import type { ShowOptions } from "./show.js";
import { showInstance, showNotify, showTracks } from "./vrrp-instance.js";

/** The VRRP side: what is tracked stands before what tracks it. */
export function showVrrp(config: VrrpSections, out: ConfWriter, options: ShowOptions): void {
  for (const script of config.vrrpScripts) showScript(script, out);
  showTrackers(config.trackers, out);
  showStatic(config.staticEntries, out);
  showLinkSettings(config.linkSettings, out);
  for (const group of config.syncGroups) showGroup(group, out);
  for (const instance of config.vrrpInstances) showInstance(instance, out, options);
}

const weightWords = ({ weight, reverse }: { weight: number; reverse: boolean }) =>
  reverse ? [weight, "reverse"] : [weight];

function showScript(script: VrrpScriptConfig, out: ConfWriter): void {
  out.gap();
  out.block("vrrp_script", [script.name], () => {
    out.command("script", script.command.argv);
    out.line("user", ...userWords(script.command.user));
    out.line("interval", inSeconds(script.interval));
    out.line("timeout", inSeconds(script.timeout));
    out.line("weight", ...weightWords(script));
    out.line("rise", script.rise);
    out.line("fall", script.fall);
    out.flag("init_fail", script.initFail);
  });
}

function showTrackers({ files, processes, groups }: TrackersConfig, out: ConfWriter): void {
  for (const file of files) {
    out.gap();
    out.block("track_file", [file.name], () => showTrackFile(file, out));
  }
  for (const process of processes) {
    out.gap();
    out.block("vrrp_track_process", [process.name], () => showTrackProcess(process, out));
  }
  for (const { name, members } of groups) {
    out.gap();
    out.block("track_group", [name], () => {
      out.list(
        "group",
        members.map((member) => [member]),
      );
    });
  }
}

function showTrackFile(file: TrackFileConfig, out: ConfWriter): void {
  out.line("file", file.path);
  out.line("weight", ...weightWords(file));
  if (file.init !== undefined) out.line("init_file", file.init.value, file.init.overwrite ? "overwrite" : undefined);
}

function showTrackProcess(process: TrackProcessConfig, out: ConfWriter): void {
  out.line("process", process.command, ...process.parameters);
  if (process.match === "exact") out.line("param_match");
  else if (process.match !== "none") out.line("param_match", process.match);
  out.line("weight", ...weightWords(process));
  out.line("quorum", process.quorum);
  out.setting("quorum_max", process.quorumMax);
  // 0 is what holds without them, and cannot be written.
  if (process.forkDelay > 0) out.line("fork_delay", inSeconds(process.forkDelay));
  if (process.terminateDelay > 0) out.line("terminate_delay", inSeconds(process.terminateDelay));
  out.flag("full_command", process.fullCommand);
}

function showStatic({ addresses, routes, rules }: StaticEntriesConfig, out: ConfWriter): void {
  const grouped = (words: readonly (string | number)[], group: string | undefined) =>
    group === undefined ? words : [...words, "track_group", group];
  out.gap();
  out.list(
    "static_ipaddress",
    addresses.map((address) => grouped(addressWords(address), address.trackGroup)),
  );
  out.list("static_routes", routes.map(routeWords));
  out.list("static_rules", rules.map(ruleWords));
}

function showLinkSettings({ garpGroups, linkbeat, delays }: LinkSettingsConfig, out: ConfWriter): void {
  for (const { garpInterval, gnaInterval, interfaces, shared } of garpGroups) {
    out.gap();
    out.block("garp_group", [], () => {
      out.line("garp_interval", inSeconds(garpInterval));
      out.line("gna_interval", inSeconds(gnaInterval));
      if (!shared) for (const name of interfaces) out.line("interface", name);
      else
        out.list(
          "interfaces",
          interfaces.map((name) => [name]),
        );
    });
  }
  out.gap();
  out.list(
    "linkbeat_interfaces",
    linkbeat.map(({ interface: name, method }) => [name, method === "auto" ? undefined : method]),
  );
  out.list(
    "interface_up_down_delays",
    delays.map(({ interface: name, down, up }) => [name, inSeconds(down), inSeconds(up)]),
  );
}

function showGroup(group: SyncGroupConfig, out: ConfWriter): void {
  out.gap();
  out.block("vrrp_sync_group", [group.name], () => {
    out.list(
      "group",
      group.members.map((member) => [member]),
    );
    showTracks(group, out);
    out.flag("sync_group_tracking_weight", group.trackingWeight);
    showNotify(group.notify, out);
    out.onOff("notify_priority_changes", group.notifyPriorityChanges);
    out.onOff("smtp_alert", group.smtpAlert);
  });
}
