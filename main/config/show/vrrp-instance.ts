import type { VrrpInstanceConfig, VrrpNotifyConfig } from "../model.js";
import type { HmacConfig, MoreTrackers, TrackRef, VirtualInterface } from "../model-vrrp.js";
import { addressWords } from "./addresses.js";
import type { ConfWriter } from "./conf-writer.js";
import { showGuard } from "./guard.js";
import { routeWords, ruleWords } from "./routes.js";
import { inSeconds } from "./seconds.js";
import type { ShowOptions } from "./show.js";

export function showInstance(instance: VrrpInstanceConfig, out: ConfWriter, options: ShowOptions): void {
  out.gap();
  out.block("vrrp_instance", [instance.name], () => {
    out.line("state", instance.initialState);
    if (instance.interface === "") out.setting("vrf", instance.unicast.vrf);
    else out.line("interface", instance.interface);
    out.line("virtual_router_id", instance.vrid);
    out.line("priority", instance.basePriority);
    out.line("version", instance.version);
    out.line("advert_int", inSeconds(instance.advertInterval));
    showPassword(instance, out, options);
    showHmac(instance.wire.hmac, out, options);
    showElection(instance, out);
    showDestinations(instance, out);
    showLink(instance, out);
    showGarp(instance, out);
    showTracks(instance, out);
    out.flag("dont_track_primary", instance.dontTrackPrimary);
    showAlerts(instance, out);
    out.list("virtual_ipaddress", instance.virtualAddresses.map(addressWords));
    out.list("virtual_ipaddress_excluded", instance.excludedAddresses.map(addressWords));
    out.flag("no_virtual_ipaddress", instance.virtualAddresses.length === 0 && !instance.strict);
    out.list("virtual_routes", instance.routes.map(routeWords));
    out.list("virtual_rules", instance.rules.map(ruleWords));
    showGuard(instance.guard, out, options);
  });
}

function showPassword({ authPass, wire }: VrrpInstanceConfig, out: ConfWriter, { secrets }: ShowOptions): void {
  if (authPass === undefined) return;
  out.block("authentication", [], () => {
    out.line("auth_type", wire.ah ? "AH" : "PASS");
    out.line("auth_pass", secrets ? authPass : "<hidden>");
  });
}

function showHmac(hmac: HmacConfig | undefined, out: ConfWriter, { secrets }: ShowOptions): void {
  if (hmac === undefined) return;
  out.block("auth_hmac", [], () => {
    for (const { id, bytes } of hmac.keys)
      out.line("key", id, secrets ? `hex:${Buffer.from(bytes).toString("hex")}` : "<hidden>");
    out.line("active_key", hmac.activeKey);
    out.line("time_window", hmac.windowSeconds);
    out.line("anti_replay", hmac.antiReplay);
    out.line("mode", hmac.mode);
  });
}

function showElection(instance: VrrpInstanceConfig, out: ConfWriter): void {
  const { timerExpiredBackup, debug } = instance.extras;
  out.line(instance.preempt ? "preempt" : "nopreempt");
  out.line("preempt_delay", inSeconds(instance.preemptDelay));
  out.line("down_timer_adverts", instance.downTimerAdverts);
  out.setting("timer_expired_backup", timerExpiredBackup);
  out.onOff("strict_mode", instance.strict);
  out.line(instance.accept ? "accept" : "no_accept");
  out.onOff("skip_check_adv_addr", instance.skipCheckAdvAddr);
  out.onOff("lower_prio_no_advert", instance.lowerPrioNoAdvert);
  out.onOff("higher_prio_send_advert", instance.higherPrioSendAdvert);
  out.onOff("owner_ignore_adverts", instance.ownerIgnoreAdverts);
  out.setting("debug", debug === 0 ? undefined : debug);
}

function showDestinations(instance: VrrpInstanceConfig, out: ConfWriter): void {
  const { sourceAddress, unicastPeers, unicast, extras, wire } = instance;
  out.setting(unicastPeers.length > 0 ? "unicast_src_ip" : "mcast_src_ip", sourceAddress);
  out.setting("mcast_dst_ip", wire.group);
  if (instance.version === 3 && instance.family === "inet") out.onOff("v3_checksum_as_v2", wire.checksumAsV2);
  out.flag("track_src_ip", extras.trackSourceAddress);
  out.list(
    "unicast_peer",
    unicastPeers.map((peer) => {
      const limits = unicast.ttlLimits.find((limit) => limit.peer === peer);
      return limits === undefined ? [peer] : [peer, "min_ttl", limits.least, "max_ttl", limits.most];
    }),
  );
  out.setting("unicast_ttl", unicast.ttl);
  out.flag("check_unicast_src", unicast.checkSource);
  out.flag("unicast_fault_no_peer", unicast.faultWithoutPeer);
  if (unicast.oldChecksum === "always") out.line("old_unicast_checksum");
  if (unicast.oldChecksum === "never") out.line("old_unicast_checksum", "never");
}

function showLink({ virtualInterface, extras }: VrrpInstanceConfig, out: ConfWriter): void {
  const { own, forAddresses, transmitBase } = virtualInterface;
  if (own !== undefined) out.line(own.kind === "vmac" ? "use_vmac" : "use_ipvlan", ...linkWords(own));
  out.flag("use_vmac_addr", forAddresses);
  out.flag("vmac_xmit_base", transmitBase);
  out.flag("promote_secondaries", extras.promoteSecondaries);
  out.flag("linkbeat_use_polling", extras.linkbeatPolling);
  out.setting("kernel_rx_buf_size", extras.receiveBufferBytes);
  out.setting("lvs_sync_daemon_interface", extras.syncDaemonInterface);
}

function linkWords(own: VirtualInterface): readonly (string | number)[] {
  const name = own.name === undefined ? [] : ["name", own.name];
  const group = own.group === undefined ? [] : ["group", own.group];
  if (own.kind === "ipvlan") {
    const { address, mode } = own;
    return [...name, ...(address === undefined ? [] : [`${address.address}/${address.prefix}`]), mode, ...group];
  }
  const mac = own.mac?.map((octet) => octet.toString(16).padStart(2, "0")).join(":");
  return [...name, ...(mac === undefined ? [] : [mac]), ...(own.netlinkNotify ? ["netlink_notify_msg"] : []), ...group];
}

function showGarp({ garp, extras }: VrrpInstanceConfig, out: ConfWriter): void {
  out.line("garp_master_delay", inSeconds(garp.masterDelay));
  out.line("garp_master_repeat", garp.masterRepeat);
  out.line("garp_master_refresh", inSeconds(garp.masterRefresh));
  // 0 cannot be written: it is inherited from vrrp_min_garp.
  if (garp.masterRefreshRepeat > 0) out.line("garp_master_refresh_repeat", garp.masterRefreshRepeat);
  out.line("garp_lower_prio_delay", inSeconds(garp.lowerPrioDelay));
  out.line("garp_lower_prio_repeat", garp.lowerPrioRepeat);
  const { garpExtra } = extras;
  if (garpExtra !== undefined)
    out.line("garp_extra_if", ...(garpExtra.all ? ["all"] : []), inSeconds(garpExtra.interval));
}

interface Tracks {
  readonly trackInterfaces: readonly TrackRef[];
  readonly trackScripts: readonly TrackRef[];
  readonly track: MoreTrackers;
}

/** Of an instance or a sync group. */
export function showTracks({ trackInterfaces, trackScripts, track }: Tracks, out: ConfWriter): void {
  const list = (block: string, refs: readonly TrackRef[], plain: "noreverse" | undefined): void =>
    out.list(
      block,
      refs.map(({ name, weight, reverse }) => [name, "weight", weight, reverse ? "reverse" : plain]),
    );
  list("track_interface", trackInterfaces, undefined);
  list("track_script", trackScripts, "noreverse");
  list("track_file", track.files, "noreverse");
  list("track_process", track.processes, "noreverse");
  list("track_bfd", track.bfds, "noreverse");
  list("track_quorum", track.quorums ?? [], "noreverse");
}

function showAlerts({ notify, smtpAlert, extras }: VrrpInstanceConfig, out: ConfWriter): void {
  showNotify(notify, out);
  out.script("notify_master_rx_lower_pri", extras.notifyLowerPriority);
  const deleted = extras.notifyDeletedScript;
  if (deleted !== undefined) {
    out.script("notify_deleted", deleted);
  } else out.flag("notify_deleted", extras.notifyDeleted);
  out.onOff("notify_priority_changes", extras.notifyPriorityChanges);
  out.onOff("smtp_alert", smtpAlert);
}

/** Of an instance or a sync group. */
export function showNotify(notify: VrrpNotifyConfig, out: ConfWriter): void {
  out.script("notify", notify.all);
  out.script("notify_master", notify.master);
  out.script("notify_backup", notify.backup);
  out.script("notify_fault", notify.fault);
  out.script("notify_stop", notify.stop);
}
