import type { Milliseconds } from "../../units.js";
import { leastTtlOf } from "../keywords/bfd-instance.js";
import type { BfdInstanceConfig } from "../model-lvs.js";
import type { ConfWriter } from "./conf-writer.js";

/** Sessions; they stand before whatever follows them. */
export function showBfdInstances(sessions: readonly BfdInstanceConfig[], out: ConfWriter): void {
  for (const session of sessions) {
    out.gap();
    out.block("bfd_instance", [session.name], () => showSession(session, out));
  }
}

function showSession(session: BfdInstanceConfig, out: ConfWriter): void {
  out.line("neighbor_ip", session.neighborAddress);
  out.setting("source_ip", session.sourceAddress);
  out.line("min_rx", inMilliseconds(session.minRx));
  out.line("min_tx", inMilliseconds(session.minTx));
  out.line("idle_tx", inMilliseconds(session.idleTx));
  out.line("multiplier", session.multiplier);
  out.flag("passive", session.passive);
  if (session.leastTtl === leastTtlOf(session.ttl, session.maxHops)) out.line("ttl", session.ttl); // else the default
  out.line("max_hops", session.maxHops);
  out.onOff("multihop", session.multihop);
  out.line("weight", session.weight, session.reverse ? "reverse" : undefined);
  out.flag("vrrp", session.informs !== "checker");
  out.flag("checker", session.informs !== "vrrp");
}

/** Up to three decimals. */
const inMilliseconds = (time: Milliseconds): string => String(Math.round(time * 1000) / 1000);
