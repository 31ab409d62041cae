import type { GuardConfig, WitnessConfig } from "../model-guard.js";
import type { ConfWriter } from "./conf-writer.js";
import { inSeconds } from "./seconds.js";
import type { ShowOptions } from "./show.js";

export function showGuard(guard: GuardConfig | undefined, out: ConfWriter, { secrets }: ShowOptions): void {
  if (guard === undefined) return;
  out.block("split_brain_guard", [], () => {
    for (const { local, peer, port, interval, key } of guard.heartbeats) {
      const signed = key === undefined ? [] : ["key", secrets ? key : "<hidden>"];
      out.line("heartbeat", local, peer, "port", port, "interval", inSeconds(interval), ...signed);
    }
    for (const one of guard.witnesses) out.line("witness", ...words(one), "timeout", inSeconds(one.timeout));
    if (guard.witnesses.length > 0) out.line("witness_quorum", guard.witnessQuorum);
    if (guard.probeAddress !== undefined) out.line("probe_address", inSeconds(guard.probeAddress));
    out.script("fence", guard.fence?.command);
    if (guard.fence !== undefined) out.line("fence_timeout", inSeconds(guard.fence.timeout));
    out.line("on_unknown", guard.onUnknown);
    out.flag("notify_fifo", guard.tellsFifo);
  });
}

function words(witness: WitnessConfig): readonly (string | number)[] {
  if (witness.kind === "tcp") return ["tcp", witness.address, witness.port];
  return witness.kind === "http" ? ["http", `http://${witness.host}${witness.path}`] : [witness.address];
}
