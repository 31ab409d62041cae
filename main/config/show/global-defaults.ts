import type { GlobalConfig } from "../model.js";
import type { ConfWriter } from "./conf-writer.js";
import { inSeconds } from "./seconds.js";

/** What instances inherit, and when they start. */
export function showInstanceDefaults(global: GlobalConfig, out: ConfWriter): void {
  const { instanceDefaults: defaults, startup } = global;
  out.line("vrrp_version", global.vrrpVersion);
  out.onOff("vrrp_strict", global.vrrpStrict);
  out.onOff("vrrp_skip_check_adv_addr", global.vrrpSkipCheckAdvAddr);
  out.onOff("vrrp_lower_prio_no_advert", defaults.lowerPrioNoAdvert);
  out.onOff("vrrp_higher_prio_send_advert", defaults.higherPrioSendAdvert);
  out.onOff("vrrp_owner_ignore_adverts", defaults.ownerIgnoreAdverts);
  out.line("vrrp_down_timer_adverts", defaults.downTimerAdverts);
  out.line("vrrp_mcast_group4", global.vrrpMcastGroup4);
  out.line("vrrp_mcast_group6", defaults.mcastGroup6);
  showGarp(global, out);
  out.flag("vrrp_check_unicast_src", defaults.checkUnicastSource);
  out.flag("log_unknown_vrids", defaults.logUnknownVrids);
  out.onOff("vrrp_notify_priority_changes", defaults.notifyPriorityChanges);
  if (defaults.dynamicInterfaces === "on") out.line("dynamic_interfaces");
  if (defaults.dynamicInterfaces === "allow_if_changes") out.line("dynamic_interfaces", "allow_if_changes");
  out.line("default_interface", defaults.defaultInterface);
  out.flag("disable_local_igmp", defaults.disableLocalIgmp);
  out.line("vmac_prefix", defaults.vmacPrefix);
  out.line("vmac_addr_prefix", defaults.vmacAddrPrefix);
  if (startup.delay > 0) out.line("vrrp_startup_delay", inSeconds(startup.delay));
  if (startup.delayAfterBoot > 0) out.line("vrrp_delay_after_boot", inSeconds(startup.delayAfterBoot));
  out.onOff("checker_log_all_failures", defaults.checkerLogAllFailures);
}

function showGarp(global: GlobalConfig, out: ConfWriter): void {
  const { garp, garpExtraIf } = global.instanceDefaults;
  out.line("vrrp_garp_master_delay", inSeconds(garp.masterDelay));
  out.line("vrrp_garp_master_repeat", garp.masterRepeat);
  out.line("vrrp_garp_master_refresh", inSeconds(garp.masterRefresh));
  // 0 comes from vrrp_min_garp alone, which leaves what stands before it as it is.
  if (garp.masterRefreshRepeat > 0) out.line("vrrp_garp_master_refresh_repeat", garp.masterRefreshRepeat);
  else out.line("vrrp_min_garp");
  out.line("vrrp_garp_lower_prio_delay", inSeconds(garp.lowerPrioDelay));
  out.line("vrrp_garp_lower_prio_repeat", garp.lowerPrioRepeat);
  // 0 is not in keepalived's range: no gap is said by saying nothing.
  if (global.vrrpGarpInterval > 0) out.line("vrrp_garp_interval", inSeconds(global.vrrpGarpInterval));
  if (global.vrrpGnaInterval > 0) out.line("vrrp_gna_interval", inSeconds(global.vrrpGnaInterval));
  if (garpExtraIf.interval === 0) return;
  const interval = inSeconds(garpExtraIf.interval);
  if (garpExtraIf.all) out.line("vrrp_garp_extra_if", "all", interval);
  else out.line("vrrp_garp_extra_if", interval);
}
