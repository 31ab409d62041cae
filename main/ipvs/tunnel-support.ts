import type { Operation, OperationVerdict } from "./operation.js";
import type { ServiceId } from "./table.js";

const EOPNOTSUPP = 95;
const unsupported: OperationVerdict = {
  errno: EOPNOTSUPP,
  reason: "this kernel tunnels IP in IP only, gue needs Linux 5.2 and gre 5.3: write lvs_method TUN without type",
};

export interface TunnelProbe {
  readonly send: (operations: readonly Operation[]) => Promise<readonly OperationVerdict[]>;
  /** Whether what the kernel says of the destinations of a service mentions tunnels. Undefined: it could not be asked. */
  readonly tellsOfTunnels: (service: ServiceId) => Promise<boolean | undefined>;
}

/**
 * A kernel that knows no GUE and GRE takes them without a word for IP in IP, and nobody would understand the packets. So the first
 * such destination is read back, and taken away again where it is not what was asked for.
 */
export class TunnelSupport {
  readonly #probe: TunnelProbe;
  #state: "unasked" | "there" | "absent" = "unasked";

  constructor(probe: TunnelProbe) {
    this.#probe = probe;
  }

  async apply(operations: readonly Operation[]): Promise<readonly OperationVerdict[]> {
    if (this.#state === "there" || !operations.some(isTunnelled)) return this.#probe.send(operations);
    if (this.#state === "absent") return this.#applyRest(operations);
    const verdicts = await this.#probe.send(operations);
    const done = operations.filter((operation, i) => isTunnelled(operation) && verdicts[i]?.errno === 0);
    const [first] = done;
    const found = first && (await this.#probe.tellsOfTunnels(first.service));
    if (found === undefined) return verdicts;
    this.#state = found ? "there" : "absent";
    if (found) return verdicts;
    await this.#probe.send(done.flatMap(undo));
    return verdicts.map((verdict, i) => (done.includes(operations[i] as Operation) ? unsupported : verdict));
  }

  async #applyRest(operations: readonly Operation[]): Promise<readonly OperationVerdict[]> {
    const verdicts = await this.#probe.send(operations.filter((operation) => !isTunnelled(operation)));
    let next = 0;
    return operations.map((operation) => (isTunnelled(operation) ? unsupported : (verdicts[next++] ?? unsupported)));
  }
}

const isTunnelled = (operation: Operation): boolean =>
  (operation.do === "new-dest" || operation.do === "set-dest") && operation.destination.tunnel !== undefined;

const undo = (operation: Operation): readonly Operation[] =>
  "destination" in operation
    ? [{ do: "del-dest", service: operation.service, destination: operation.destination }]
    : [];
