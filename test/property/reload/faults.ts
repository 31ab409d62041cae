import type { Operation } from "../../../main/ipvs/operation.js";
import type { HealthFault } from "./health-play.js";
import type { PlanFault } from "./plan-play.js";

/** Mistakes that somebody could make in the reducers. The rules have to notice each of them. */

const isDelete = ({ do: what }: Operation): boolean => what === "del-dest" || what === "del-service";

/** The first operation of a kind becomes others. */
const instead =
  (kind: Operation["do"], others: (operation: Operation) => readonly Operation[]): PlanFault =>
  (operations) => {
    const at = operations.findIndex((operation) => operation.do === kind);
    const found = operations[at];
    return found === undefined ? operations : operations.toSpliced(at, 1, ...others(found));
  };

/** The same of a destination, or of a service, in other words. */
const as = <T extends Operation>(operation: T, change: Partial<Operation>): Operation =>
  ({ ...operation, ...change }) as Operation;

export const planFaults: Readonly<Record<string, PlanFault>> = {
  "the first operation is left out": (operations) => operations.slice(1),
  "the last operation is left out": (operations) => operations.slice(0, -1),
  "what goes goes first": (operations) => [
    ...operations.filter(isDelete),
    ...operations.filter((operation) => !isDelete(operation)),
  ],
  "the order is reversed": (operations) => operations.toReversed(),
  "one is sent twice": (operations) => [...operations, ...operations.slice(0, 1)],
  "a destination is made with another weight": instead("new-dest", (operation) => [
    operation.do === "new-dest"
      ? { ...operation, destination: { ...operation.destination, weight: operation.destination.weight + 1 } }
      : operation,
  ]),
  "a change of a weight is left out": instead("set-dest", () => []),
  "a destination is deleted and made again": instead("set-dest", (operation) => [
    as(operation, { do: "del-dest" }),
    as(operation, { do: "new-dest" }),
  ]),
  "a changed service is deleted and made again": instead("set-service", (operation) => [
    as(operation, { do: "del-service" }),
    as(operation, { do: "new-service" }),
  ]),
  "a service gets another scheduler": instead("set-service", (operation) => [
    operation.do === "set-service" ? { ...operation, service: { ...operation.service, scheduler: "lc" } } : operation,
  ]),
  "somebody else's destination goes": (operations, { desired, actual, owned }) => {
    const foreign = [...(actual?.destinations ?? [])].find(
      ([key]) => !owned.destinations.has(key) && desired?.destinations.has(key) !== true,
    );
    if (actual === undefined || foreign === undefined) return operations;
    return [{ do: "del-dest", service: actual.service, destination: foreign[1] }, ...operations];
  },
  "what is as wanted is written again": (operations, { desired, actual }) => {
    const [same] = [...(desired?.destinations ?? [])].filter(([key]) => actual?.destinations.has(key) === true);
    if (desired === undefined || same === undefined) return operations;
    return [...operations, { do: "set-dest", service: desired.service, destination: same[1] }];
  },
};

export const healthFaults: Readonly<Record<string, HealthFault>> = {
  "what is known is forgotten at a reload": { known: () => undefined },
  "weights are forgotten": { knownValue: () => undefined },
  "what nobody checks any more is kept": { forget: () => undefined },
  "everybody is taken to be up": { known: () => "up" },
};
