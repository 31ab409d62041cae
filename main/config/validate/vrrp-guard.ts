import { familyOf } from "../../address.js";
import { type Milliseconds, ms, port } from "../../units.js";
import type { Diagnostics } from "../diagnostics.js";
import type { GuardDraft, HeartbeatDraft, WitnessDraft } from "../keywords/split-brain-guard.js";
import type { GuardConfig, HeartbeatConfig, WitnessConfig } from "../model-guard.js";
import type { ScriptResolver } from "../scripts.js";

/** Registered with nobody: it is the number of the VRRP protocol with a 1 before it. */
const PORT = 1112;
const FENCE_TIMEOUT = ms(30_000);
const WITNESS_TIMEOUT = ms(1000);
/** Shorter ones are found by trying. */
const SHORTEST_KEY = 16;

interface GuardContext {
  readonly name: string;
  readonly advertInterval: Milliseconds;
  readonly resolver: ScriptResolver;
  readonly diagnostics: Diagnostics;
}

/** `split_brain_guard` with its defaults; undefined where nothing of it can be used. */
export function finishGuard(draft: GuardDraft | undefined, context: GuardContext): GuardConfig | undefined {
  if (draft === undefined) return undefined;
  const { name, resolver, diagnostics } = context;
  const heartbeats = draft.heartbeats.flatMap((one) => heartbeatOf(one, context) ?? []);
  const witnesses = draft.witnesses.map(witnessOf);
  const command = draft.fence && resolver.resolve(draft.fence, `fence script of vrrp_instance ${name}`);
  if (draft.fence !== undefined && command === undefined) {
    const message = `(${name}) split_brain_guard: the fencing script cannot be used: the instance does not become MASTER`;
    diagnostics.error("CFG_SCRIPT", draft.fence.at, message, "correct its path, permissions or user, or remove fence");
  }
  const { probeAddress, fence } = draft;
  const empty = heartbeats.length + witnesses.length === 0 && probeAddress === undefined && fence === undefined;
  if (empty) {
    const message = `(${name}) split_brain_guard guards nothing - ignoring`;
    diagnostics.warn("CFG_ADJUSTED", draft.at, message, "write heartbeat, witness, probe_address or fence into it");
    return undefined;
  }
  return {
    heartbeats,
    witnesses,
    witnessQuorum: quorumOf(draft, witnesses.length, context),
    probeAddress,
    fence: fence && { command, timeout: draft.fenceTimeout ?? FENCE_TIMEOUT },
    onUnknown: draft.onUnknown ?? "claim",
    tellsFifo: draft.tellsFifo ?? false,
  };
}

function heartbeatOf(draft: HeartbeatDraft, { name, advertInterval, diagnostics }: GuardContext) {
  const { at, local, peer, key } = draft;
  const where = `(${name}) split_brain_guard: heartbeat ${local} ${peer}`;
  if (familyOf(local) !== familyOf(peer) || local === peer) {
    const why = local === peer ? "has the same address twice" : "has addresses of two families";
    diagnostics.error("CFG_BAD_VALUE", at, `${where} ${why} - ignoring`, "write the own address, then the peer's");
    return undefined;
  }
  const weak = key === undefined ? "is not signed" : key.length < SHORTEST_KEY ? "has a short key" : undefined;
  if (weak !== undefined) {
    const hint = `add key <at least ${SHORTEST_KEY} characters>, the same on both sides; openssl rand -hex 32 makes one`;
    diagnostics.warn("CFG_ADVICE", at, `${where} ${weak}: others on its way can forge it`, hint);
  }
  const interval = draft.interval ?? advertInterval;
  return { local, peer, port: port(draft.port ?? PORT), interval, key } satisfies HeartbeatConfig;
}

function witnessOf({ kind, address, timeout = WITNESS_TIMEOUT, ...draft }: WitnessDraft): WitnessConfig {
  const common = { address, timeout };
  switch (kind) {
    case "ping":
      return { ...common, kind };
    case "tcp":
      return { ...common, kind, port: port(draft.port) };
    case "http":
      return { ...common, kind, port: port(draft.port), path: draft.path, host: draft.host };
  }
}

function quorumOf({ at, witnessQuorum }: GuardDraft, count: number, { name, diagnostics }: GuardContext): number {
  if (witnessQuorum === undefined || witnessQuorum <= count) return witnessQuorum ?? count;
  const message = `(${name}) split_brain_guard: witness_quorum ${witnessQuorum} of ${count} witnesses - all of them are asked for`;
  diagnostics.warn("CFG_ADJUSTED", at, message, "name more witnesses, or lower witness_quorum");
  return count;
}
