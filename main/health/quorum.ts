import type { VirtualServerConfig } from "../config/model.js";
import type { HealthEffect } from "./effects.js";
import { realServerName } from "./names.js";
import type { RealServerState } from "./real-server.js";
import { isInService } from "./removal-floor.js";
import type { Step, VirtualServerContext, VirtualServerState } from "./virtual-server-state.js";
import { effectiveWeight } from "./weights.js";

type When = "start" | "running";

/** Sum of the effective weights of the servers in service: those that are held back count, for they serve. */
export function aliveWeight(config: VirtualServerConfig, servers: readonly RealServerState[]): number {
  return config.realServers.reduce((sum, { weight }, i) => {
    const server = servers[i];
    return server !== undefined && isInService(server) ? sum + effectiveWeight(weight, server.deltas) : sum;
  }, 0);
}

/** Up at quorum + hysteresis, down below quorum - hysteresis: between them nothing changes. Weight 0 is never a quorum. */
export function nextQuorum(config: VirtualServerConfig, before: "up" | "down", weight: number): "up" | "down" {
  if (weight === 0) return "down";
  if (before === "up") return weight < config.quorum - config.hysteresis ? "down" : "up";
  return weight >= config.quorum + config.hysteresis ? "up" : "down";
}

/** Pure: gains or loses the quorum if the weight alive says so. At the start the result is told even without a change. */
export function settleQuorum(context: VirtualServerContext, state: VirtualServerState, when: When): Step {
  const weight = state.weightAlive;
  const quorum = nextQuorum(context.config, state.quorum, weight);
  if (quorum === state.quorum && when === "running") return { state, effects: [] };
  const sentence = quorum === "up" ? gained(context.config, weight) : lost(context.config, weight, when);
  const effects: HealthEffect[] = [
    info(
      `health.quorum-${quorum}`,
      `${sentence} for VS ${context.name}`,
      context,
      quorum === "up" ? "notice" : "warning",
    ),
    ...sorryEffects(context, quorum, when),
    { do: "pool" },
    quorumEvent(context, quorum === "up", when === "start" ? `Starting with quorum ${quorum}` : sentence),
  ];
  return { state: { ...state, quorum }, effects };
}

function gained({ quorum, hysteresis }: VirtualServerConfig, weight: number): string {
  return `Gained quorum ${quorum}+${hysteresis}=${quorum + hysteresis} <= ${weight}`;
}

function lost({ quorum, hysteresis }: VirtualServerConfig, weight: number, when: When): string {
  const verb = when === "start" ? "Starting with quorum down" : "Lost quorum";
  return `${verb} ${quorum}-${hysteresis}=${quorum - hysteresis} > ${weight}`;
}

/** The pool changes hands: what is said of it, in the order in which it has to happen. */
function sorryEffects(context: VirtualServerContext, quorum: "up" | "down", when: When): HealthEffect[] {
  const { service, sorryServer, sorryServerInhibit } = context.config;
  // At the start there was no sorry server in the pool to take out.
  if (sorryServer === undefined || (quorum === "up" && when === "start")) return [];
  const server = `sorry server ${realServerName(service, sorryServer)}`;
  const vs = `VS ${context.name}`;
  const [swap, alive] =
    quorum === "up"
      ? [`${sorryServerInhibit ? "Disabling" : "Removing"} ${server} from ${vs}`, "Adding alive servers to"]
      : [`${sorryServerInhibit ? "Enabling" : "Adding"} ${server} to ${vs}`, "Removing alive servers from"];
  return [
    info("health.sorry-server", swap, context, "notice"),
    info("health.pool-swap", `${alive} the pool for ${vs}`, context, "notice"),
  ];
}

/** Script, FIFO and mail of a virtual server; `because` is the mail's body. */
export function quorumEvent(context: VirtualServerContext, up: boolean, because: string): HealthEffect {
  const { quorumUp, quorumDown, smtpAlert } = context.config;
  const subject = `[${context.routerId}] Virtualserver ${context.name} - ${up ? "UP" : "DOWN"}`;
  return {
    do: "notify",
    event: {
      kind: "virtual-server",
      virtualServer: context.name,
      up,
      script: up ? quorumUp : quorumDown,
      mail: smtpAlert ? { subject, body: `=> ${because} <=` } : undefined,
    },
  };
}

function info(
  event: string,
  sentence: string,
  context: VirtualServerContext,
  level: "notice" | "warning",
): HealthEffect {
  return { do: "log", level, event, sentence, fields: { virtualServer: context.name } };
}
